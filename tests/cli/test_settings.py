"""Settings: where they come from, which wins, and that no value is ever echoed."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil import Limits
from counterfoil.assembly import open_log
from counterfoil.errors import ConfigurationError
from counterfoil.policy.catalogue import PROFILES
from counterfoil.settings import LimitSettings, Settings, load_settings, mask_url, shown
from tests.postgres import Postgres

from .conftest import Run

SECRET = "hunter2-and-more"


def test_the_defaults_open_a_database_in_the_working_folder() -> None:
    settings = load_settings()
    assert settings.url == "sqlite:///audit.db"
    assert settings.profile in PROFILES


def test_the_limits_are_those_of_the_log() -> None:
    assert set(LimitSettings.model_fields) == {field.name for field in fields(Limits)}
    assert Limits(**LimitSettings().model_dump()) == Limits()


def test_code_wins_over_the_environment_and_files(
    own_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = own_place / "counterfoil.toml"
    toml.write_text('url = "sqlite:///1.db"\nlog = "toml"\nprofile = "pci"\nkey_file = "t.key"\n')
    (own_place / ".env").write_text(
        "COUNTERFOIL_LOG=dotenv\nCOUNTERFOIL_URL=sqlite:///2.db\nCOUNTERFOIL_PROFILE=hipaa\n"
        "OTHER_PROGRAM=1\n"
    )
    monkeypatch.setenv("COUNTERFOIL_URL", "sqlite:///3.db")
    monkeypatch.setenv("COUNTERFOIL_PROFILE", "seed")
    settings = load_settings(url="sqlite:///4.db", log=None)
    assert (settings.url, settings.profile, settings.log, settings.key_file) == (
        "sqlite:///4.db",
        "seed",
        "dotenv",
        Path("t.key"),
    )
    origins = {name: origin for name, _, origin in shown(load_settings())}
    assert origins["url"] == "environment"
    assert origins["log"] == ".env"
    assert origins["key_file"] == "counterfoil.toml"
    assert origins["types"] == "default"


def test_a_file_is_named_and_limits_and_types_are_tables(
    own_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = own_place / "other.toml"
    path.write_text('[limits]\nqueue_events = 7\n[types."loan.approved"]\nlevel = "critical"\n')
    monkeypatch.setenv("COUNTERFOIL_CONFIG", str(path))
    monkeypatch.setenv("COUNTERFOIL_LIMITS__BATCH_LOGS", "3")
    settings = load_settings()
    assert (settings.limits.queue_events, settings.limits.batch_logs) == (7, 3)
    assert settings.types == {"loan.approved": {"level": "critical"}}
    origins = {name: origin for name, _, origin in shown(settings)}
    assert origins["limits.queue_events"] == "other.toml"
    assert origins["limits.batch_logs"] == "environment"
    assert origins["limits.replay_days"] == "default"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COUNTERFOIL_CHECKPOINT_INTERVAL", SECRET),
        ("COUNTERFOIL_LIMITS__QUEUE_EVENTS", SECRET),
        ("COUNTERFOIL_LIMITS__QUEUE_SECRETS", SECRET),
        ("COUNTERFOIL_TYPES", f"{{{SECRET}"),
        ("COUNTERFOIL_TYPES", f'{{"a": "{SECRET}"}}'),
        ("COUNTERFOIL_LOG", f"{SECRET} !"),
        ("COUNTERFOIL_CONFIG", SECRET),
    ],
)
def test_no_message_holds_a_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "text", [f'url = "{SECRET}', f'uri = "{SECRET}"', f'[limits]\nqueue = "{SECRET}"', "\xff"]
)
def test_a_file_that_cannot_be_used_is_refused(own_place: Path, text: str) -> None:
    (own_place / "counterfoil.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert SECRET not in str(caught.value)


def test_a_variable_that_is_no_setting_is_noticed(
    own_place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("COUNTERFOIL_KEYFILE", SECRET)
    (own_place / ".env").write_text(f"COUNTERFOIL_SPOL={SECRET}\nDATABASE_SPOL={SECRET}\n")
    load_settings()
    assert "COUNTERFOIL_KEYFILE" in caplog.text
    assert "COUNTERFOIL_SPOL" in caplog.text
    assert "DATABASE_SPOL" not in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("sqlite:///audit.db", "sqlite:///audit.db"),
        ("sqlite:////var/lib/audit.db", "sqlite:////var/lib/audit.db"),
        ("memory:", "memory:"),
        ("postgresql://me:s3cret@db.example.com/a", "postgresql://***@db.example.com/a"),
        ("postgresql://t0ken@db.example.com/a", "postgresql://***@db.example.com/a"),
        (
            "https://audit.example.com/v1?api_key=s3cret&mode=x",
            "https://audit.example.com/v1?api_key=***&mode=x",
        ),
        ("https://[broken", "***"),
    ],
)
def test_what_is_shown_of_an_address(url: str, masked: str) -> None:
    assert mask_url(url) == masked


@given(st.text(st.characters(categories=["L", "N"]), min_size=3), st.sampled_from(["token", "pw"]))
def test_user_info_is_never_shown(secret: str, scheme: str) -> None:
    hidden = f"x{secret}x"
    assert hidden not in mask_url(f"{scheme}://{hidden}:{hidden}@example.com/")


def test_config_show_masks_secrets_and_names_what_is_wrong(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERFOIL_URL", f"postgresql://me:{SECRET}@db.example.com/audit")
    assert SECRET not in run("config", "show").out
    found = run("config", "show", "--json", "--log", "other").json
    assert found["url"] == {"value": "postgresql://***@db.example.com/audit", "from": "environment"}
    assert found["log"] == {"value": "other", "from": "command line"}
    tables = {"limits", "server"}
    assert {name for name in found if "." not in name} == set(Settings.model_fields) - tables


def test_reading_never_makes_a_database(own_place: Path) -> None:
    with pytest.raises(ConfigurationError, match="no database"):
        open_log(load_settings(), create=False)
    assert list(own_place.iterdir()) == []


@pytest.mark.parametrize("command", [("query",), ("verify",), ("stats",)])
def test_reading_never_makes_a_schema(
    run: Run, postgres: Postgres, command: tuple[str, ...]
) -> None:
    url = postgres.create()
    found = run(*command, "--url", url, fails=2)
    assert "There is no log in postgresql://" in found.err
    assert postgres.run("SELECT to_regnamespace('counterfoil')", url=url)[0][0] is None
    postgres.drop(url)


async def test_the_settings_reach_the_log(own_place: Path) -> None:
    settings = Settings(
        url="sqlite:///own.db",
        key_file=own_place / "own.key",
        types={"loan.approved": {"level": "critical"}},
    )
    async with open_log(settings) as audit:
        event = await audit.get(await audit.log_event("loan.approved"))
    assert event.level == "critical"
    assert (own_place / "own.key").is_file()


def test_every_setting_has_a_description_that_ends() -> None:
    described = {**Settings.model_fields, **LimitSettings.model_fields}
    for field in described.values():
        assert re.search(r"\.$", field.description or "")
