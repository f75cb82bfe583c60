"""Batches on their way together, and processes that take turns at a log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_bytes
from typing import Any, TypeAlias

import asyncpg
import pytest

from counterfoil.errors import StoreError
from counterfoil.store import Store, open_store, postgres_turns

from .writing import indexes, put

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_HERE = "JOIN pg_stat_activity USING (pid) WHERE datname = current_database()"
#: Who waits for a lock of a kind (pg_locks.locktype), and who has a turn.
WAITING = f"SELECT pid FROM pg_locks {_HERE} AND locktype = $1 AND NOT granted"
TURNS = f"SELECT pid FROM pg_locks {_HERE} AND locktype = 'advisory' AND granted"
TURN = "SELECT pg_advisory_xact_lock(hashtextextended('counterfoil.turn.default', 0))"


@pytest.fixture
async def stores(postgres_url: str) -> AsyncIterator[tuple[Store, Store]]:
    """Two processes' stores; the first has written two events."""
    first, second = open_store(postgres_url), open_store(postgres_url)
    await first.open()
    await second.open()
    await put(first, {})
    await put(first, {})
    yield first, second
    await first.close()
    await second.close()


@pytest.fixture
async def observer(postgres_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


@asynccontextmanager
async def held_up(observer: Connection) -> AsyncIterator[None]:
    """Whoever appends gets as far as the counts, with the head locked, and waits there."""
    async with observer.transaction():
        await observer.execute("LOCK TABLE counterfoil.count_by_day IN EXCLUSIVE MODE")
        yield


async def found(observer: Connection, sql: str, *arguments: Any, rows: int) -> list[int]:
    """The processes that a statement finds, once there are so many."""
    async with asyncio.timeout(60):
        while True:
            # A transaction sees who is there as when it first looked.
            await observer.execute("SELECT pg_stat_clear_snapshot()")
            pids = [row[0] for row in await observer.fetch(sql, *arguments)]
            if len(pids) == rows:
                return pids
            await asyncio.sleep(0.005)


async def three_on_their_way(store: Store, observer: Connection) -> list[asyncio.Task[Any]]:
    tasks = []
    for kinds in ({"relation": 1}, {"transactionid": 1}, {"transactionid": 1, "tuple": 1}):
        # A leaf tells an event from all others.
        tasks.append(asyncio.create_task(put(store, {"leaf": token_bytes(32)})))
        for kind, rows in kinds.items():
            await found(observer, WAITING, kind, rows=rows)
    return tasks


async def share(stores: tuple[Store, Store]) -> None:
    """Let both find out that they are not alone."""
    for _ in range(2):
        for store in stores:
            await put(store, {})


async def test_batches_are_sent_before_the_first_is_answered(
    stores: tuple[Store, Store], observer: Connection
) -> None:
    async with held_up(observer):
        tasks = await three_on_their_way(stores[0], observer)
    rows = [row for task in tasks for row in await task]
    assert [row.index for row in rows] == [2, 3, 4]
    assert await indexes(stores[1]) == [0, 1, 2, 3, 4]


async def test_what_was_built_on_a_batch_that_failed_is_built_anew(
    stores: tuple[Store, Store], observer: Connection
) -> None:
    async with held_up(observer):
        first, *others = await three_on_their_way(stores[0], observer)
        [pid] = await found(observer, WAITING, "relation", rows=1)
        await observer.execute("SELECT pg_cancel_backend($1)", pid)
        with pytest.raises(StoreError) as caught:
            await first
    assert caught.value.outcome_known
    rows = [row for task in others for row in await task]
    assert sorted(row.index for row in rows) == [2, 3]
    assert await indexes(stores[1]) == [0, 1, 2, 3]


async def test_a_batch_whose_connection_is_lost_is_recorded_once_beside_the_next(
    stores: tuple[Store, Store], observer: Connection
) -> None:
    async with held_up(observer):
        tasks = await three_on_their_way(stores[0], observer)
        [pid] = await found(observer, WAITING, "relation", rows=1)
        await observer.execute("SELECT pg_terminate_backend($1)", pid)
    rows = [row for task in tasks for row in await task]
    assert sorted(row.index for row in rows) == [2, 3, 4]
    assert await indexes(stores[1]) == [0, 1, 2, 3, 4]


async def test_those_who_share_a_log_take_turns(
    stores: tuple[Store, Store], observer: Connection
) -> None:
    await share(stores)
    async with held_up(observer):
        first = asyncio.create_task(put(stores[0], {}))
        await found(observer, WAITING, "relation", rows=1)
        await found(observer, TURNS, rows=1)
        second = asyncio.create_task(put(stores[1], {}))
        await found(observer, WAITING, "advisory", rows=1)
        third = asyncio.create_task(put(stores[0], {}))
        await found(observer, WAITING, "transactionid", rows=1)
    rows = [row for task in (first, third, second) for row in await task]
    assert [row.index for row in rows] == [6, 7, 8]
    # Who has nothing more to write holds nobody up.
    await found(observer, TURNS, rows=0)


async def test_nobody_waits_for_a_turn_for_long(
    stores: tuple[Store, Store], observer: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_turns, "_PATIENCE", 1)
    await share(stores)
    async with observer.transaction():
        await observer.execute(TURN)
        await asyncio.gather(*(put(store, {}) for store in stores for _ in range(3)))
    assert await indexes(stores[0]) == list(range(12))
    # Nor again and again: for a while nobody asks for one.
    async with held_up(observer):
        last = asyncio.create_task(put(stores[0], {}))
        await found(observer, WAITING, "relation", rows=1)
        assert await found(observer, TURNS, rows=0) == []
    await last


async def test_a_turn_whose_connection_is_lost_is_no_loss(
    stores: tuple[Store, Store], observer: Connection
) -> None:
    await share(stores)
    async with held_up(observer):
        tasks = [asyncio.create_task(put(stores[0], {}))]
        [pid] = await found(observer, TURNS, rows=1)
        await found(observer, WAITING, "relation", rows=1)
        await observer.execute("SELECT pg_terminate_backend($1)", pid)
        await found(observer, TURNS, rows=0)
        tasks.append(asyncio.create_task(put(stores[1], {})))
    await asyncio.gather(*tasks)
    await share(stores)
    assert await indexes(stores[0]) == list(range(12))


async def test_turns_end_while_there_is_more_to_write(
    stores: tuple[Store, Store], observer: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_turns, "_LENGTH", 0.0)
    await share(stores)
    await asyncio.gather(*(put(store, {}) for store in stores for _ in range(40)))
    assert await indexes(stores[0], limit=100) == list(range(86))
    await found(observer, TURNS, rows=0)
