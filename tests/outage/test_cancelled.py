"""Callers that are cancelled: their events are neither withdrawn nor lost."""

from __future__ import annotations

import asyncio

import pytest

from counterfoil import AuditLog, Limits, WriteError
from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.log.write.waiting import Waiting
from counterfoil.record import Draft
from counterfoil.record.entry import UntimedEntry

from .flaky_store import FlakyStore, Trouble, open_log, opened
from .recorded import EAGER, HASTY, LOGIN, ROLE, delivered, events, gaps, ids
from .spool_disk import SpoolDisk


async def cancel(*tasks: asyncio.Task[str]) -> None:
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)


async def users(log: AuditLog) -> list[str | None]:
    return [event.user_id for event in await events(log) if not event.type.startswith("audit.")]


async def test_on_the_way_into_the_spool(store: FlakyStore, disk: SpoolDisk) -> None:
    async with opened(store, limits=EAGER) as log:
        store.go(Trouble.FAILS)
        disk.hang()
        first = asyncio.create_task(log.log_event(LOGIN, "u-1"))
        await disk.hung()
        # One is with the disk, the other waits for it.
        second = asyncio.create_task(log.log_event(LOGIN, "u-2"))
        await asyncio.sleep(0)
        await cancel(first, second)
        disk.heal()
        await store.come_back()
        last = await log.log_event(LOGIN, "u-3")
        await store.holds(last)
    async with delivered(store.path) as log:
        assert sorted(filter(None, await users(log))) == ["u-1", "u-2", "u-3"]


async def test_on_the_way_into_a_spool_that_fails(store: FlakyStore, disk: SpoolDisk) -> None:
    async with opened(store, limits=EAGER) as log:
        store.go(Trouble.FAILS)
        disk.hang()
        call = asyncio.create_task(log.log_event(LOGIN))
        await disk.hung()
        await cancel(call)
        disk.fail(28)
        disk._going.set()
        with pytest.raises(WriteError):
            await log.log_event(LOGIN)
        disk.heal()
        await store.come_back()
    async with delivered(store.path) as log:
        assert sum(gap["count"] for gap in await gaps(log)) == 2


async def test_before_the_store_fails(store: FlakyStore) -> None:
    async with opened(store, limits=EAGER) as log:
        await log.log_event(LOGIN)
        store.go(Trouble.HANGS)
        calls = [asyncio.create_task(log.log_event(kind, "u-1")) for kind in (LOGIN, ROLE)]
        await store.tried(1)
        await cancel(*calls)
        store.go(Trouble.FAILS)
        await store.tried(1)
        await store.come_back()
        await log.log_event(LOGIN, "u-2")
    async with delivered(store.path) as log:
        assert sorted(filter(None, await users(log))) == ["u-1", "u-2"]
        # What may not wait is counted: nobody is there to refuse the action.
        (gap,) = await gaps(log)
        assert [one["type"] for one in gap["types"]] == ["role_assigned"]
        assert gap["count"] == 1


async def test_while_it_waits_for_room(store: FlakyStore) -> None:
    async with opened(store, limits=Limits(queue_events=2, retry_after=0.0)) as log:
        await log.log_event(LOGIN)
        store.go(Trouble.HANGS)
        flying = [asyncio.create_task(log.log_event(LOGIN, "u-1")) for _ in range(4)]
        await store.tried(2)
        # One that keeps waiting for room beside those that are called off.
        waiting = [asyncio.create_task(log.log_event(kind, "u-2")) for kind in (LOGIN, ROLE, LOGIN)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await cancel(*waiting[:2])
        await store.come_back()
        await asyncio.gather(*flying, waiting[2])
    async with delivered(store.path) as log:
        assert sorted(filter(None, await users(log))) == ["u-1"] * 4 + ["u-2"] * 3
        assert await gaps(log) == []


async def test_while_it_waits_for_its_log_to_be_cleared(store: FlakyStore) -> None:
    async with opened(store, limits=EAGER) as log:
        await log.log_event(LOGIN)
        store.go(Trouble.HANGS)
        call = asyncio.create_task(log.log_event(ROLE, "u-1", log="other"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await cancel(call)
        await store.come_back()
    async with delivered(store.path) as log:
        assert [event.user_id for event in await events(log, "other")] == ["u-1"]


async def test_of_those_that_wait_without_callers_only_so_many_do(store: FlakyStore) -> None:
    async with opened(store, limits=Limits(queue_events=1, retry_after=0.0)) as log:
        await log.log_event(LOGIN)
        store.go(Trouble.HANGS)
        flying = [asyncio.create_task(log.log_event(LOGIN)) for _ in range(3)]
        await store.tried(2)
        waiting = [
            asyncio.create_task(log.log_event(kind, f"u-{number}"))
            for number, kind in enumerate((LOGIN, LOGIN, ROLE))
        ]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await cancel(*waiting)
        await store.come_back()
        await asyncio.gather(*flying)
    async with delivered(store.path) as log:
        # One may wait; of the two that may not, one is spooled, and one is counted.
        assert sorted(filter(None, await users(log))) == ["u-0", "u-1"]
        assert [gap["count"] for gap in await gaps(log)] == [1]


async def test_while_the_log_is_closed(store: FlakyStore) -> None:
    log = await open_log(store, limits=Limits(queue_events=1, retry_after=0.0))
    await log.log_event(LOGIN)
    store.go(Trouble.HANGS)
    flying = [asyncio.create_task(log.log_event(LOGIN)) for _ in range(3)]
    await store.tried(2)
    call = asyncio.create_task(log.log_event(LOGIN, "u-1"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await cancel(call)
    closing = asyncio.create_task(log.close())
    await asyncio.sleep(0)
    await store.come_back()
    await asyncio.gather(closing, *flying)
    async with delivered(store.path) as log:
        assert list(filter(None, await users(log))) == ["u-1"]


async def test_while_the_store_hangs(store: FlakyStore) -> None:
    log = await open_log(store, limits=HASTY)
    store.go(Trouble.HANGS)
    calls = [asyncio.create_task(log.log_event(LOGIN)) for _ in range(2)]
    await store.tried(1)
    calls.append(asyncio.create_task(log.log_event(LOGIN)))
    await asyncio.sleep(0)
    await cancel(*calls)
    # It hangs for ever, for all that this process knows.
    await log.close()
    async with delivered(store.path) as log:
        assert len(set(await ids(log))) == 3
        assert await gaps(log) == []


async def together(log: AuditLog) -> None:
    """Calls of which the first fails, so that the others are cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(log.log_event(ROLE))
        for number in range(3):
            group.create_task(log.log_event(LOGIN, f"u-{number}"))


async def test_by_the_failure_of_another(store: FlakyStore) -> None:
    async with opened(store, limits=EAGER) as log:
        store.go(Trouble.FAILS)
        with pytest.raises(ExceptionGroup):
            await together(log)
        await store.come_back()
    async with delivered(store.path) as log:
        assert await users(log) == ["u-0", "u-1", "u-2"]


async def test_without_a_spool_it_is_said(
    store: FlakyStore, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(store, spool=False) as log:
        await log.log_event(LOGIN)
        store.go(Trouble.HANGS)
        call = asyncio.create_task(log.log_event(LOGIN))
        await store.tried(1)
        await cancel(call)
        store.go(Trouble.FAILS)
    assert "user_login was lost" in caplog.text


async def test_of_a_batch_that_failed_only_what_was_not_refused_is_tried_again() -> None:
    """Who was refused may have kept the event elsewhere by now; who was cancelled has not."""
    loop = asyncio.get_running_loop()
    waiting = Waiting()
    for number in range(4):
        draft = Draft("user_login", SYSTEM_CLOCK.event_id(), 0, "other" if number == 3 else "a")
        waiting.add(UntimedEntry(draft), loop.create_future(), 0.0)
    pending, refused, cancelled, _ = waiting.futures
    cancelled.cancel()
    assert waiting.cut(0).refuse(lambda _: WriteError()) == []
    refused.set_exception(WriteError())
    refused.exception()
    assert waiting.of_log("a").futures == [pending, cancelled]
    gone = waiting.refuse(lambda _: WriteError())
    assert gone == [waiting.entries[2]]
    assert waiting.refuse(lambda _: WriteError()) == []
    assert waiting.of_log("a").futures == []
    for future in waiting.futures:
        future.exception()
