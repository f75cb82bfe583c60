"""The layers' contracts, tried on a copy of the package: whole it passes, and what each
contract forbids is caught."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FORBIDDEN = [
    # (the module that imports, what it imports, the contract that says no)
    ("record/leak.py", "counterfoil.policy", "Imports only go down the layers"),
    ("policy/leak.py", "counterfoil.store", "Imports only go down the layers"),
    ("proof/leak.py", "counterfoil.store", "Imports only go down the layers"),
    ("store/leak.py", "counterfoil.proof", "Imports only go down the layers"),
    ("log/leak.py", "counterfoil.cli", "Imports only go down the layers"),
    ("server/leak.py", "counterfoil.viewer", "Imports only go down the layers"),
    ("leak.py", "counterfoil.base", "Imports only go down the layers"),
    ("base.py", "counterfoil.errors", "The contract imports nothing of ours"),
    ("record/leak.py", "socket", "Record, policy, proof and spool never touch the network"),
    ("policy/leak.py", "http.client", "Record, policy, proof and spool never touch the network"),
    ("proof/leak.py", "counterfoil.record", "Proof is bytes in, bytes out"),
    ("proof/leak.py", "asyncio", "Proof is bytes in, bytes out"),
    ("proof/leak.py", "pydantic", "Proof is bytes in, bytes out"),
    ("log/leak.py", "apsw", "The log knows no driver and no web framework"),
    ("log/leak.py", "fastapi", "The log knows no driver and no web framework"),
    ("server/leak.py", "counterfoil.store", "What captures, delivers or shows reaches"),
    ("capture/leak.py", "counterfoil.store", "What captures, delivers or shows reaches"),
    ("delivery/leak.py", "counterfoil.policy", "What captures or delivers leaves policy"),
    ("outbox/leak.py", "counterfoil.log", "Imports only go down the layers"),
    ("outbox/leak.py", "counterfoil.record", "The outbox moves bytes"),
    ("store/leak.py", "sqlalchemy", "The core imports none of the extras"),
    ("record/leak.py", "rich", "The core imports none of the extras"),
]
#: Packages that a contract is about, whether or not they are there yet.
PACKAGES = [
    "capture",
    "cli",
    "delivery",
    "log",
    "outbox",
    "policy",
    "proof",
    "record",
    "server",
    "spool",
    "store",
    "viewer",
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project's package and settings, with every package of the design there."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    source = ROOT / "src" / "counterfoil"
    package = tmp_path / "src" / "counterfoil"
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in PACKAGES:
        if not (package / f"{name}.py").exists():
            (package / name).mkdir(exist_ok=True)
            (package / name / "__init__.py").touch()
    return tmp_path


def lint(project: Path) -> subprocess.CompletedProcess[str]:
    program = (
        "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", "--no-logo"],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_package_keeps_to_its_layers(copy: Path) -> None:
    ran = lint(copy)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(("importer", "imported", "contract"), FORBIDDEN)
def test_a_forbidden_import_is_caught(
    copy: Path, importer: str, imported: str, contract: str
) -> None:
    module = copy / "src" / "counterfoil" / importer
    text = module.read_text(encoding="utf-8") if module.exists() else ""
    module.write_text(f"{text}\nimport {imported}\n", encoding="utf-8")
    ran = lint(copy)
    assert ran.returncode == 1
    broken = [line for line in ran.stdout.splitlines() if line.rstrip().endswith("BROKEN")]
    assert any(contract in line for line in broken), ran.stdout + ran.stderr
