"""The files that deploy the server, as far as they can be checked without an engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from counterfoil.settings import ServerSettings, Settings
from counterfoil.store.postgres_address import postgres_address

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = ["Dockerfile", "compose.yaml", "counterfoil.service"]


@pytest.mark.parametrize("name", FILES)
def test_every_setting_is_one(name: str) -> None:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    known = {f"COUNTERFOIL_{field}".upper() for field in Settings.model_fields}
    known |= {f"COUNTERFOIL_SERVER__{field}".upper() for field in ServerSettings.model_fields}
    named = set(re.findall(r"COUNTERFOIL_[A-Z_]+", text))
    assert named
    assert named <= known


def test_the_image_copies_what_there_is() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name


def test_the_services_fit_together() -> None:
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    server = composed["services"]["server"]
    assert (DEPLOY / server["build"]["context"] / server["build"]["dockerfile"]).is_file()
    for service in composed["services"].values():
        assert set(service["secrets"]) <= composed["secrets"].keys()
        assert {one.partition(":")[0] for one in service["volumes"]} <= composed["volumes"].keys()
    drain = ServerSettings().drain_timeout
    assert int(server["stop_grace_period"].removesuffix("s")) > drain
    unit = (DEPLOY / "counterfoil.service").read_text(encoding="utf-8")
    assert int(re.findall(r"TimeoutStopSec=(\d+)", unit)[0]) > drain


PASSWORDS = ["s3cret", "a@b:c/d?e#f%41", "two words", 'it\'s "$HOME" `id` $(id) \\ *', "dé漢"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_the_password_reaches_the_server_whole(tmp_path: Path, password: str) -> None:
    server = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"][
        "server"
    ]
    assert postgres_address(server["environment"]["COUNTERFOIL_URL"]).database == "counterfoil"
    secret = tmp_path / "secret"
    secret.write_text(f"{password}\n", encoding="utf-8")
    program = tmp_path / "counterfoil"
    program.write_text('#!/bin/sh\nprintf %s "$PGPASSWORD" > "$1"\n', encoding="utf-8")
    program.chmod(0o755)
    # Compose makes one sign of two.
    script = server["command"][-1].replace("$$", "$")
    assert "/run/secrets/postgres-password" in script
    script = script.replace("/run/secrets/postgres-password", str(secret))
    script = script.replace("counterfoil serve", f"counterfoil {tmp_path / 'told'}")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["sh", "-c", script], check=True, env={"PATH": path})
    assert (tmp_path / "told").read_text(encoding="utf-8") == password


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_the_unit_is_one(tmp_path: Path) -> None:
    unit = tmp_path / "counterfoil.service"
    text = (DEPLOY / "counterfoil.service").read_text(encoding="utf-8")
    unit.write_text(text.replace("/opt/counterfoil/bin/counterfoil", "/bin/true"), encoding="utf-8")
    ran = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
