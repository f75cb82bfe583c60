"""Stores to read from: what holds for one must hold for every other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import apsw
import pytest

from counterfoil.store.sqlite import SQLiteStore
from tests.postgres import Postgres

from .recording import Recorder, recorder

ENGINES = ["sqlite", "memory", "postgres"]


@pytest.fixture(params=ENGINES, scope="session")
def engine(request: pytest.FixtureRequest) -> str | Postgres:
    """What a recorder is made of: an engine's name, or a server."""
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        return server
    return str(request.param)


@pytest.fixture
async def recording(engine: str | Postgres) -> AsyncIterator[Recorder]:
    async with recorder(engine) as found:
        yield found


@pytest.fixture
def sqlite() -> AbstractAsyncContextManager[Recorder]:
    return recorder("sqlite")


@pytest.fixture
def remove() -> Callable[[Recorder, list[int]], Awaitable[None]]:
    """Deletes events of the default log from a SQLite store, as a purge does."""

    async def delete(recording: Recorder, indexes: list[int]) -> None:
        store = recording.store
        assert isinstance(store, SQLiteStore)
        head = await store.head("default")
        assert head is not None
        connection = apsw.Connection(str(store.path))
        connection.executemany(
            "DELETE FROM event WHERE position = ?",
            [((head.number << 40) + index,) for index in indexes],
        )
        connection.close()

    return delete
