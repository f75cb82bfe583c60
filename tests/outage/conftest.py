"""A log on a store that can go away."""

from __future__ import annotations

from pathlib import Path

import pytest

from .flaky_store import FlakyStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture
def spool_folder(path: Path) -> Path:
    return path.with_name("audit.db.spool")


@pytest.fixture
async def store(path: Path) -> FlakyStore:
    return FlakyStore(path)
