"""Processes that write, and die."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'audit.db'}"


@pytest.fixture
def writers() -> Iterator[Callable[..., list[str]]]:
    """Tells the process of ``writing`` what to do; gives the acknowledged ids."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.durability.writing"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def order(do: str, **arguments: Any) -> list[str]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        process.stdin.flush()
        found: list[str] = json.loads(process.stdout.readline())
        return found

    yield order
    process.communicate()


@pytest.fixture
def program(url: str) -> Callable[[str], subprocess.Popen[str]]:
    """Starts a function of ``programs`` in a process of its own."""

    def start(name: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.durability.programs", name, url],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start
