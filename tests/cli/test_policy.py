"""`counterfoil catalogue` and `counterfoil redact`: the rules in force, and what they remove."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from counterfoil import AuditEventType
from counterfoil.assembly import open_log
from counterfoil.policy.catalogue import PROFILES, RULES
from counterfoil.settings import load_settings
from tests.policy.planting import CARDS, NAMED, TEXTS, seed

from .conftest import Run

SETTINGS = """
profile = "pci"
[types."loan.approved"]
level = "critical"
days = [400, 2192]
drop = ["credit_report"]
[types.user_login]
level = "warning"
[redaction.employee]
fields = ["employee_number"]
treatment = "token"
"""


def row(text: str, event_type: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(event_type))


def test_the_catalogue_lists_every_type(run: Run) -> None:
    found = run("catalogue")
    assert "Profile baseline" in found.out
    assert {line.split()[0] for line in found.out.splitlines()} >= RULES.keys()
    assert "*" not in found.out
    listed = run("catalogue", "--json").json
    assert listed["types"].keys() == RULES.keys()
    assert listed["default"]["event_days"] == 400


def test_the_settings_and_the_profile_show(own_place: Path, run: Run) -> None:
    (own_place / "counterfoil.toml").write_text(SETTINGS)
    found = run("catalogue").out
    assert row(found, "user_login").split()[1:6] == ["warning", "*", "366", "/", "400"]
    assert row(found, "loan.approved *").split()[2:6] == ["critical", "400", "/", "2192"]
    assert "1 names dropped" in row(found, "loan.approved")
    assert "*" not in row(found, "price_changed")
    listed = run("catalogue", "loan.approved", "user_login", "--json").json
    assert (listed["profile"], listed["floor"]) == ("pci", 366)
    assert listed["types"].keys() == {"loan.approved", "user_login"}
    assert listed["types"]["loan.approved"]["drop"] == ["credit_report"]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_each_profile_has_its_effect(run: Run, profile) -> None:
    listed = run("catalogue", "--profile", profile.name, "--json").json
    for name, rule in listed["types"].items():
        assert rule["event_days"] == profile.apply(RULES[name]).event_days


def test_a_period_below_the_floor_is_warned_of(
    own_place: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    (own_place / "counterfoil.toml").write_text(
        'profile = "hipaa"\n[types.price_changed]\ndays = 30\n'
    )
    assert "30 / 30 *" in row(run("catalogue").out, "price_changed")
    assert "below the 2192 days" in caplog.text


def test_what_cannot_be_listed_is_refused(run: Run) -> None:
    assert "no retention profile" in run("catalogue", "--profile", "none", fails=2).err
    assert "not registered" in run("catalogue", "no.such.type", fails=2).err


def test_what_is_kept_and_what_was_removed(run: Run) -> None:
    given = {"user": {"password": "hunter2", "name": "bob"}, "seen": [1, "4111 1111 1111 1111"]}
    found = run("redact", "--explain", "-", stdin=json.dumps(given))
    kept, *explained = found.out.splitlines()
    assert json.loads(kept) == {
        "user": {"password": "[redacted:password]", "name": "bob"},
        "seen": [1, "[redacted:pan:…1111]"],
    }
    assert explained[0] == "2 values removed:"
    assert [line.split() for line in explained[2:]] == [
        ["/details/user/password", "name:password", "drop"],
        ["/details/seen/1", "value:pan", "last4"],
    ]


def test_nothing_to_remove(run: Run) -> None:
    found = run("redact", "--explain", "--check", "-", stdin='{"author": "bob"}')
    assert found.out.splitlines() == ['{"author":"bob"}', "Nothing was removed."]


@pytest.mark.parametrize("kind", [*NAMED, *TEXTS, *CARDS])
def test_what_is_removed_is_never_shown(run: Run, own_place: Path, kind: str) -> None:
    value, secret = {**NAMED, **TEXTS, **CARDS}[kind](seed(7))
    path = own_place / "given.json"
    path.write_text(json.dumps({"held": value}, default=lambda held: held.decode()))
    for more in ([], ["--json"]):
        found = run(
            "redact", "--explain", "--check", "--field", "salary_band", *more, str(path), fails=1
        )
        assert secret not in found.out + found.err


def test_lines_of_json_and_text(run: Run) -> None:
    lines = run("redact", "--json", "-", stdin='{"a": 1}\n\n{"token": "abcdef"}\n').out.splitlines()
    assert [json.loads(line)["removed"] for line in lines] == [
        [],
        [{"path": "/details/token", "rule": "name:token", "treatment": "drop"}],
    ]
    long = "fine " * 20_000
    text = f"{long}\nlogin with password=hunter2 \x1b[2J\nend"
    found = run("redact", "-", stdin=text).out
    assert found == f"{long}\nlogin with password=[redacted:password] \\x1b[2J\nend\n"


def test_rules_of_the_settings_and_of_the_call(own_place: Path, run: Run) -> None:
    (own_place / "counterfoil.toml").write_text(SETTINGS)
    given = json.dumps({"employeeNumber": "E-17", "shoe": {"size": "9"}})
    found = run("redact", "--json", "--field", "details.shoe.size", "-", stdin=given).json
    assert found["kept"]["employeeNumber"].startswith("[redacted:employee:example:")
    assert [one["rule"] for one in found["removed"]] == ["employee", "sensitive_fields"]


def test_parts_have_their_own_form(run: Run) -> None:
    given = json.dumps({"/user/password": {"op": "replace", "old": "a", "new": "b"}})
    found = run("redact", "--json", "--part", "changes", "-", stdin=given).json
    assert found["kept"]["/user/password"] == {
        "op": "replace", "old": "[redacted:password]", "new": "[redacted:password]",
    }  # fmt: skip
    assert "no such part" in run("redact", "--part", "x", "-", stdin="1", fails=2).err


def test_a_file_that_is_not_there(run: Run) -> None:
    assert "gone.json: No such file" in run("redact", "gone.json", fails=2).err


async def test_the_profile_the_types_and_the_rules_of_the_settings_reach_the_log(
    own_place: Path,
) -> None:
    (own_place / "counterfoil.toml").write_text(SETTINGS)
    async with open_log(load_settings()) as audit:
        details = {"employee_number": "E-17", "credit_report": "private", "password": "hunter2"}
        loan = await audit.get(await audit.log_event("loan.approved", details=details))
        login = await audit.get(await audit.log_event(AuditEventType.USER_LOGIN))
    assert loan.details == {
        "employee_number": loan.details["employee_number"],
        "credit_report": "[redacted:credit_report]",
        "password": "[redacted:password]",
    }
    assert loan.details["employee_number"].startswith("[redacted:employee:k1:")
    assert (loan.level, login.level) == ("critical", "warning")
    assert login.decays_at == login.recorded_at + timedelta(days=366)
