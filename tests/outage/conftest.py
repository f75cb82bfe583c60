"""A log on a store that can go away, and a spool whose disk can."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .flaky_store import FlakyStore
from .spool_disk import SpoolDisk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture
def spool_folder(path: Path) -> Path:
    return path.with_name("audit.db.spool")


@pytest.fixture
async def store(path: Path) -> FlakyStore:
    return FlakyStore(path)


@pytest.fixture
async def disk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SpoolDisk]:
    found = SpoolDisk(monkeypatch)
    yield found
    found.heal()
