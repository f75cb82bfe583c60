"""The stores under test. Another engine joins the contract by one more name here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from counterfoil.store import Store, open_store

ENGINES = ["memory", "sqlite"]
#: Those of which several store objects may have the same database open.
SHARED = ["sqlite"]


def address(engine: str, folder: Path) -> str:
    """A database that is not there yet."""
    return {"memory": "memory:", "sqlite": f"sqlite:///{folder / 'audit.db'}"}[engine]


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return address(str(request.param), tmp_path)


@pytest.fixture(params=SHARED)
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return address(str(request.param), tmp_path)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """An open, empty store."""
    store = open_store(url)
    await store.open()
    yield store
    await store.close()
