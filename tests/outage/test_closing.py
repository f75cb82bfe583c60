"""Closing a log whose store is away: it ends, and nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from counterfoil import Limits, WriteError
from counterfoil.errors import ClosedError

from .flaky_store import PATIENCE, FlakyStore, Trouble, open_log, opened
from .recorded import EAGER, HASTY, LOGIN, ROLE, delivered, files, gaps, ids, spooled
from .spool_disk import SpoolDisk


async def test_what_waits_is_left_for_the_next_process(
    store: FlakyStore, spool_folder: Path
) -> None:
    async with opened(store, limits=EAGER) as log:
        store.go(Trouble.FAILS)
        kept = [await log.log_event(LOGIN) for _ in range(300)]
    assert spooled(spool_folder)
    async with delivered(store.path) as log:
        assert await ids(log) == kept
        assert await gaps(log) == []
        assert (await log.verify(processes=0)).ok
    assert files(spool_folder) == []


async def test_what_the_store_takes_again_is_delivered(
    store: FlakyStore, spool_folder: Path
) -> None:
    async with opened(store, limits=Limits(retry_after=3600.0)) as log:
        store.go(Trouble.FAILS)
        await log.log_event(LOGIN)
        await store.tried(2)
        await log.log_event(LOGIN)
        await store.come_back()
    assert files(spool_folder) == []


async def test_callers_that_wait_are_told(store: FlakyStore) -> None:
    log = await open_log(store, limits=HASTY)
    await log.log_event(LOGIN)
    store.go(Trouble.HANGS)
    calls = [asyncio.create_task(log.log_event(kind)) for kind in (LOGIN, ROLE, LOGIN)]
    await store.tried(1)
    calls += [asyncio.create_task(log.log_event(kind)) for kind in (LOGIN, ROLE)]
    await asyncio.sleep(0)
    await log.close()
    assert all(call.done() for call in calls)
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(result) is str for result in results] == [True, False, True, True, False]
    assert all(isinstance(result, (str, WriteError)) for result in results)
    async with delivered(store.path) as log:
        recorded = await ids(log)
        assert len(recorded) == len(set(recorded)) == 4
        assert {result for result in results if isinstance(result, str)} < set(recorded)


async def test_a_thread_that_hangs_is_left_behind(path: Path) -> None:
    # Longer than a test may take: the store's thread waits for the lock all the while.
    store = FlakyStore(path, timeout=PATIENCE)
    log = await open_log(store, limits=HASTY)
    await log.log_event(LOGIN)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    kept = [await log.log_event(LOGIN) for _ in range(2)]
    await log.close()
    assert not other.get_autocommit()
    other.execute("ROLLBACK")
    other.close()
    async with delivered(path) as log:
        recorded = await ids(log)
        assert len(recorded) == len(set(recorded)) == 3
        assert set(kept) < set(recorded)


async def test_a_spool_s_disk_that_hangs_is_left_behind(store: FlakyStore, disk: SpoolDisk) -> None:
    log = await open_log(store, limits=HASTY)
    store.go(Trouble.FAILS)
    disk.hang()
    call = asyncio.create_task(log.log_event(LOGIN))
    await disk.hung()
    await log.close()
    with pytest.raises(WriteError) as caught:
        await call
    assert not caught.value.outcome_known


async def test_a_log_that_is_closed_takes_nothing(store: FlakyStore, spool_folder: Path) -> None:
    async with opened(store, limits=Limits(retry_after=3600.0)) as log:
        store.go(Trouble.FAILS)
        await log.log_event(LOGIN)
    before = files(spool_folder)
    with pytest.raises(ClosedError):
        await log.log_event(LOGIN)
    with pytest.raises(ClosedError):
        await log.log_event(ROLE)
    await log.close()
    assert files(spool_folder) == before


async def test_closing_at_once(store: FlakyStore, spool_folder: Path) -> None:
    async with opened(store, limits=EAGER) as log:
        store.go(Trouble.FAILS)
        calls = [asyncio.create_task(log.log_event(LOGIN)) for _ in range(50)]
        await asyncio.sleep(0)
    kept = await asyncio.gather(*calls)
    async with delivered(store.path) as log:
        assert await ids(log) == kept
