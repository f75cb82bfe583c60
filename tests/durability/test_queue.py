"""The queue before a store that is slow, hangs or fails: bounded, and clear about each event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from counterfoil import AuditContext, AuditEventType, AuditLog, Event, Limits, WriteError
from counterfoil.errors import (
    ClosedError,
    QueueFullError,
    StoreError,
    StoreUnavailableError,
    WriteTimeoutError,
)

from .stores import StallingStore, open_on

LOGIN = AuditEventType.USER_LOGIN
#: A time limit that these tests never reach, and one that passes at once; in seconds.
NEVER, SOON = 600.0, 0.05

Start = Callable[..., Awaitable[AuditLog]]


@pytest.fixture
async def store() -> StallingStore:
    return StallingStore()


@pytest.fixture
async def start(store: StallingStore) -> AsyncIterator[Start]:
    """Opens the log with some limits, and then lets the store hang."""
    logs: list[AuditLog] = []

    async def open_log(**limits: Any) -> AuditLog:
        given = {"write_timeout": NEVER, "queue_timeout": NEVER, "batch_events": 1, **limits}
        log = await open_on(store, limits=Limits(**given))
        store.going.clear()
        logs.append(log)
        return log

    yield open_log
    store.going.set()
    for log in logs:
        await log.close()


async def hang(
    store: StallingStore, log: AuditLog, queued: int = 0, **fields: Any
) -> list[asyncio.Task[str]]:
    """Calls of which two are in flight, and the others in the queue."""
    tasks = [asyncio.create_task(log.log_event(LOGIN, **fields)) for _ in range(2)]
    await store.stalled(2)
    tasks += [asyncio.create_task(log.log_event(LOGIN, **fields)) for _ in range(queued)]
    await asyncio.sleep(0)
    return tasks


async def recorded(log: AuditLog) -> list[Event]:
    return [event async for event in log.events()]


async def ids(log: AuditLog) -> list[str]:
    return [event.id for event in await recorded(log)]


async def test_a_full_queue_refuses_after_the_time_limit(
    store: StallingStore, start: Start
) -> None:
    log = await start(queue_events=3, queue_timeout=SOON)
    tasks = await hang(store, log, queued=3)
    with pytest.raises(QueueFullError) as caught:
        await log.log_event(LOGIN)
    assert caught.value.outcome_known
    assert caught.value.event_id
    store.going.set()
    assert await ids(log) == []
    assert sorted(await asyncio.gather(*tasks)) == sorted(await ids(log))
    assert caught.value.event_id not in await ids(log)


async def test_a_queue_is_full_by_bytes_too(store: StallingStore, start: Start) -> None:
    log = await start(queue_bytes=65_536, queue_timeout=SOON)
    large = {"details": {"filler": "x" * 20_000}}
    tasks = await hang(store, log, queued=4, **large)
    with pytest.raises(QueueFullError):
        await log.log_event(LOGIN)
    store.going.set()
    assert len(await asyncio.gather(*tasks)) == 6


async def test_callers_wait_for_room_and_get_it(store: StallingStore, start: Start) -> None:
    log = await start(queue_events=1)
    tasks = await hang(store, log, queued=12)
    assert not any(task.done() for task in tasks)
    store.going.set()
    assert sorted(await asyncio.gather(*tasks)) == sorted(await ids(log))


async def test_a_store_that_hangs_is_given_up(store: StallingStore, start: Start) -> None:
    log = await start(write_timeout=SOON)
    tasks = await hang(store, log, queued=2)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    errors = [error for error in results if isinstance(error, WriteTimeoutError)]
    assert len(errors) == 4
    # Those that the store has may yet be there; those behind them were withdrawn.
    assert [error.outcome_known for error in errors] == [False, False, True, True]
    store.going.set()
    retried = [str(error.event_id) for error in errors]
    for event_id in retried:
        assert await log.log_event(LOGIN, event_id=event_id) == event_id
    assert sorted(await ids(log)) == sorted(retried)


async def test_a_caller_that_is_cancelled_does_not_withdraw_its_event(
    store: StallingStore, start: Start
) -> None:
    log = await start()
    tasks = await hang(store, log, queued=2)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    store.going.set()
    last = await log.log_event(LOGIN)
    found = await ids(log)
    assert len(found) == 5
    assert found[-1] == last


async def test_the_event_of_a_caller_that_is_cancelled_while_it_waits_for_room_is_kept(
    store: StallingStore, start: Start
) -> None:
    log = await start(queue_events=1)
    tasks = await hang(store, log, queued=3)
    tasks[-2].cancel()
    store.going.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    written = [result for result in results if isinstance(result, str)]
    assert len(written) == 4
    await log.close()
    assert store.size_at_close == 5


async def test_what_is_changed_after_the_call_changes_nothing(
    store: StallingStore, start: Start
) -> None:
    log = await start()
    details: dict[str, Any] = {"a": [1, {"b": "before"}]}
    before: dict[str, Any] = {"price": {"amount": 1}}
    subjects = ["u-2"]
    context = AuditContext(user_id="u-1", before_state=before, metadata={"m": [1]})
    call = asyncio.create_task(
        log.log_event(LOGIN, details=details, context=context, subjects=subjects)
    )
    await store.stalled(1)
    details["a"][1]["b"] = "after"
    details.clear()
    before["price"]["amount"] = 2
    subjects.append("u-3")
    context.user_id = "u-9"
    assert context.metadata is not None
    context.metadata["m"].append(2)
    store.going.set()
    event = await log.get(await call)
    assert event.details == {"a": [1, {"b": "before"}]}
    assert event.before_state == {"price": {"amount": 1}}
    assert event.subjects == ("u-2",)
    assert event.user_id == "u-1"
    assert event.metadata == {"m": [1]}


@pytest.mark.parametrize("queued", [0, 20])
async def test_closing_drains(store: StallingStore, start: Start, queued: int) -> None:
    log = await start()
    tasks = await hang(store, log, queued)
    closing = asyncio.create_task(log.close())
    await asyncio.sleep(0)
    with pytest.raises(ClosedError):
        await log.log_event(LOGIN)
    assert not closing.done()
    store.going.set()
    await closing
    assert len(set(await asyncio.gather(*tasks))) == queued + 2
    assert store.size_at_close == queued + 2
    await log.close()


async def test_closing_right_after_calls_drains(store: StallingStore, start: Start) -> None:
    log = await start(batch_events=256)
    store.going.set()
    # A batch before, so that the writer lets some gather for the next.
    await asyncio.gather(*(log.log_event(LOGIN) for _ in range(50)))
    tasks = [asyncio.create_task(log.log_event(LOGIN)) for _ in range(3)]
    await asyncio.sleep(0)
    await log.close()
    assert len(set(await asyncio.gather(*tasks))) == 3


async def test_those_who_wait_for_room_hear_of_the_closing(
    store: StallingStore, start: Start
) -> None:
    log = await start(queue_events=1)
    tasks = await hang(store, log, queued=3)
    closing = asyncio.create_task(log.close())
    await asyncio.sleep(0)
    store.going.set()
    await closing
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [str, str, str, ClosedError, ClosedError]


@pytest.mark.parametrize(
    ("failure", "known"),
    [
        (StoreUnavailableError("The store is away."), True),
        (StoreError("It failed."), True),
        (RuntimeError("unforeseen"), False),
    ],
)
async def test_a_store_that_fails_once(
    store: StallingStore, start: Start, failure: Exception, known: bool
) -> None:
    log = await start(batch_events=100)
    store.going.set()
    await log.log_event(LOGIN)
    store.failures.append(failure)
    with pytest.raises(WriteError) as caught:
        await log.log_event(LOGIN)
    assert caught.value.outcome_known is known
    assert "unforeseen" not in str(caught.value)
    cause: BaseException | None = caught.value
    while cause is not failure:
        assert cause is not None, "the store's error is not among the causes"
        cause = cause.__cause__
    event_id = caught.value.event_id
    assert await log.log_event(LOGIN, event_id=event_id) == event_id
    assert len(await ids(log)) == 2
    assert (await log.verify()).ok


async def test_one_log_s_trouble_is_not_the_others(store: StallingStore, start: Start) -> None:
    log = await start(batch_events=100)
    tasks = await hang(store, log)
    two = [asyncio.create_task(log.log_event(LOGIN, log=name)) for name in ("a", "b")]
    await asyncio.sleep(0)
    # The batch of both logs fails, then the first log by itself.
    trouble = StoreError("It failed.")
    store.failures += [None, None, trouble, trouble]
    store.going.set()
    results = await asyncio.gather(*tasks, *two, return_exceptions=True)
    assert [type(result) for result in results] == [str, str, WriteError, str]
    assert (await log.verify()).ok
