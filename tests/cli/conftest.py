"""A command line to run, and a log to run it on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from counterfoil.cli.app import app


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and no settings from outside."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("COUNTERFOIL_"):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def run() -> Run:
    def call(*arguments: str, stdin: str | None = None, fails: int = 0) -> Ran:
        result = CliRunner().invoke(app, list(arguments), input=stdin)
        assert result.exit_code == fails, result.output + repr(result.exception)
        return Ran(result.exit_code, result.stdout, result.stderr)

    return call


PRICE = (
    "log", "price_changed", "--user", "u-42", "--resource", "product/p-9",
    "--before", 'price="12.50"', "--after", 'price="13.00"', "--detail", "reason=supplier",
)  # fmt: skip


@pytest.fixture
def price_id(run: Run) -> str:
    """A log with a change of a price, and its id."""
    return run(*PRICE).out.strip()
