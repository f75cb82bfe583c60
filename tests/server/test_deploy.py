"""The files that deploy the server, as far as they can be checked without an engine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from counterfoil.settings import ServerSettings, Settings

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


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_the_unit_is_one(tmp_path: Path) -> None:
    unit = tmp_path / "counterfoil.service"
    text = (DEPLOY / "counterfoil.service").read_text(encoding="utf-8")
    unit.write_text(text.replace("/opt/counterfoil/bin/counterfoil", "/bin/true"), encoding="utf-8")
    ran = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
