"""The writer: what one transaction holds, in which order, and who hears of it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import StoreError, StoreUnavailableError, WriteError
from counterfoil.log import AuditLog
from counterfoil.log.limits import Limits
from counterfoil.log.write import batch
from counterfoil.log.write.batch import BatchBuilder
from counterfoil.log.write.waiting import Waiting
from counterfoil.log.write.writer import Writer
from counterfoil.proof.frontier import Frontier
from counterfoil.record import Draft, Event
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.row import LOG_SPAN
from counterfoil.store import HeadRequest, Selection
from counterfoil.store.interface import Build
from counterfoil.store.memory import MemoryStore

from .recording import NEW_YEAR, StillClock

CLOCK = StillClock()


class WatchedStore(MemoryStore):
    """Remembers each append's logs, and fails where it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.appends: list[list[str]] = []
        self.failing: dict[str, StoreError] = {}

    async def append(
        self,
        requests: Sequence[HeadRequest],
        ids: Sequence[bytes],
        build: Build,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        logs = [request.log for request in requests]
        self.appends.append(logs)
        for log in logs:
            if log in self.failing:
                raise self.failing[log]
        await super().append(requests, ids, build, prepare)


def entry(log: str = "default", **fields: Any) -> UntimedEntry:
    draft = Draft("order_created", CLOCK.event_id(), NEW_YEAR, log)
    for name, value in fields.items():
        setattr(draft, name, value)
    return UntimedEntry(draft)


async def open_store() -> WatchedStore:
    store = WatchedStore()
    await store.open()
    return store


def writer(store: WatchedStore, **limits: Any) -> Writer:
    return Writer(store, CLOCK, Limits(**limits), lambda log: f"test/{log}", lambda _: None)


def together(desk: Writer, *logs: str) -> dict[str, asyncio.Future[str]]:
    """An event for each log, all in one batch: the store is busy with two others."""
    for _ in range(2):
        desk.put(entry("first"))
    return {log: desk.put(entry(log)) for log in logs}


async def events(store: WatchedStore, log: str = "default") -> list[Event]:
    head = await store.head(log)
    assert head is not None
    first = head.number * LOG_SPAN
    rows = await store.select(
        Selection(first, first + head.size, newest_first=False, limit=head.size + 1)
    )
    return [Event.decode(row) for row in rows]


async def test_each_caller_s_events_keep_their_order() -> None:
    store = await open_store()
    desk = writer(store, batch_events=7)

    async def caller(name: str) -> list[str]:
        found = []
        for number in range(20):
            found.append(await desk.put(entry(user_id=name, details={"number": number})))
            await asyncio.sleep(0)
        return found

    told = await asyncio.gather(*[caller(f"u-{number}") for number in range(10)])
    recorded = await events(store)
    assert len(recorded) == 200
    for number, ids in enumerate(told):
        assert [event.id for event in recorded if event.user_id == f"u-{number}"] == ids
    await desk.close()


async def test_events_queued_at_once_are_recorded_in_that_order_in_few_transactions() -> None:
    store = await open_store()
    desk = writer(store, batch_events=64)
    ids = await asyncio.gather(*[desk.put(entry()) for _ in range(200)])
    assert [event.id for event in await events(store)] == ids
    # The first two start at once and alone; what comes meanwhile goes together.
    assert len(store.appends) <= 6
    await desk.close()


async def test_callers_that_come_back_together_share_transactions() -> None:
    store = await open_store()
    desk = writer(store)

    async def caller() -> None:
        for _ in range(10):
            await desk.put(entry())

    await asyncio.gather(*[caller() for _ in range(20)])
    assert len(store.appends) <= 50
    await desk.close()


async def test_a_transaction_touches_at_most_so_many_logs() -> None:
    store = await open_store()
    desk = writer(store, batch_logs=3)
    names = [f"log-{number % 10}" for number in range(40)]
    await asyncio.gather(*[desk.put(entry(name)) for name in names])
    assert all(len(logs) <= 3 and logs == sorted(set(logs)) for logs in store.appends)
    assert {head.log: head.size for head in await store.heads()} == {
        name: names.count(name) for name in names
    }
    await desk.close()


async def test_of_many_logs_a_transaction_takes_all_that_waits_of_a_few() -> None:
    store = await open_store()
    desk = writer(store, batch_logs=8, batch_events=64)
    names = [f"log-{number % 40}" for number in range(320)]
    ids = await asyncio.gather(*[desk.put(entry(name)) for name in names])
    for log in set(names):
        expected = [one for one, name in zip(ids, names, strict=True) if name == log]
        assert [event.id for event in await events(store, log)] == expected
    # Five times the eight logs, with eight events each, and those that went first.
    assert len(store.appends) <= 10
    await desk.close()


@settings(max_examples=200, deadline=None)
@given(
    logs=st.lists(st.sampled_from("abcdefg"), max_size=60),
    most=st.integers(1, 12),
    width=st.integers(1, 5),
)
async def test_what_is_gathered_keeps_each_log_s_order_and_passes_nobody_over(
    logs: list[str], most: int, width: int
) -> None:
    queue = Waiting()
    loop = asyncio.get_running_loop()
    for moment, log in enumerate(logs):
        queue.add(entry(log), loop.create_future(), moment)
    left = list(enumerate(logs))
    while queue:
        batch = queue.gather(most, width)
        taken = [int(moment) for moment in batch.queued_at]
        assert 1 <= len(taken) <= most
        assert taken[0] == left[0][0]
        assert taken == sorted(taken)
        assert [one.log for one in batch.entries] == [logs[moment] for moment in taken]
        assert len({logs[moment] for moment in taken}) <= width
        for log in {logs[moment] for moment in taken}:
            mine = [moment for moment, name in left if name == log]
            assert [moment for moment in taken if logs[moment] == log] == mine[
                : sum(logs[moment] == log for moment in taken)
            ]
        left = [(moment, log) for moment, log in left if moment not in taken]
        assert [int(moment) for moment in queue.queued_at] == [moment for moment, _ in left]
    assert not left


async def test_more_logs_than_edges_are_kept_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MOST_EDGES", 3)
    store = await open_store()
    desk = writer(store, batch_events=90, batch_logs=2)
    names = [f"log-{number % 7}" for number in range(7 * 300)]
    await asyncio.gather(*[desk.put(entry(name)) for name in names])
    assert len(desk._edges) <= 3
    for head in await store.heads():
        assert head.size == 300
        first = head.number * LOG_SPAN
        leaves = [leaf for _, leaf in await store.leaves(first, first + 300)]
        assert Frontier().append(leaves).frontier.to_bytes() == head.frontier
        assert await store.tile(head.number, 0, 0) == b"".join(leaves[:256])
    await desk.close()


async def test_one_log_s_trouble_is_split_out() -> None:
    store = await open_store()
    store.failing["b"] = StoreUnavailableError("Away.")
    desk = writer(store)
    calls = together(desk, "a", "b", "c")
    found = dict(
        zip(calls, await asyncio.gather(*calls.values(), return_exceptions=True), strict=True)
    )
    assert isinstance(found["b"], WriteError)
    assert found["b"].outcome_known
    assert {type(found["a"]), type(found["c"])} == {str}
    assert [head.log for head in await store.heads()] == ["a", "c", "first"]
    assert store.appends[2:] == [["a", "b", "c"], ["a"], ["b"], ["c"]]
    await desk.close()


async def test_what_may_have_been_written_is_not_tried_again() -> None:
    store = await open_store()
    unknown = StoreError("The sync failed.")
    unknown.outcome_known = False
    store.failing["b"] = unknown
    desk = writer(store)
    calls = together(desk, "a", "b")
    found = await asyncio.gather(*calls.values(), return_exceptions=True)
    assert [isinstance(one, WriteError) and one.outcome_known for one in found] == [False, False]
    assert store.appends[2:] == [["a", "b"]]
    await desk.close()


@pytest.mark.parametrize("kind", [RuntimeError, KeyError])
async def test_an_error_that_nobody_expects_reaches_every_caller(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise kind("secret")

    monkeypatch.setattr(BatchBuilder, "prepare", broken)
    store = await open_store()
    desk = writer(store)
    found = await asyncio.gather(*[desk.put(entry()) for _ in range(3)], return_exceptions=True)
    assert all(isinstance(one, WriteError) and "secret" not in str(one) for one in found)
    monkeypatch.undo()
    assert await desk.put(entry())
    await desk.close()


@pytest.mark.parametrize("size", [10, 3_000_000])
async def test_small_and_large_batches_are_hashed_alike(size: int) -> None:
    store = await open_store()
    desk = writer(store)
    await asyncio.gather(*[desk.put(entry(details={"text": "x" * size})) for _ in range(2)])
    for event in await events(store):
        assert event.details == {"text": "x" * size}
        digests = sorted(item.digest().decode() for item in event.disclosures)
        assert b'{"_sd":["' + '","'.join(digests).encode() in event.entry
    await desk.close()


async def test_times_never_go_back_and_the_tree_is_that_of_the_entries() -> None:
    store, clock = await open_store(), StillClock()
    desk = Writer(store, clock, Limits(), lambda log: f"test/{log}", lambda _: None)
    for step in (0, 5, -3, 2, 9):
        clock.micros = NEW_YEAR + step
        await asyncio.gather(*[desk.put(entry()) for _ in range(3)])
    recorded = [event.recorded_at.microsecond for event in await events(store)]
    assert recorded == [0] * 3 + [5] * 9 + [9] * 3
    head = await store.head("default")
    assert head is not None
    leaves = [leaf for _, leaf in await store.leaves(LOG_SPAN, LOG_SPAN + head.size)]
    assert head.frontier == Frontier().append(leaves).frontier.to_bytes()
    await desk.close()


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from("ab"))), st.integers(0, 30))
@settings(deadline=None)
def test_what_waits_is_cut_without_loss(calls: list[tuple[float, str]], count: int) -> None:
    async def check() -> None:
        loop = asyncio.get_running_loop()
        waiting = Waiting()
        for moment, log in sorted(calls):
            waiting.add(entry(log), loop.create_future(), moment)
        whole = list(zip(waiting.entries, waiting.futures, waiting.queued_at, strict=True))
        assert waiting.overdue(50) == sum(moment < 50 for moment, _ in calls)
        ours = waiting.of_log("a")
        assert ours.entries == [one for one, _, _ in whole if one.log == "a"]
        first = waiting.cut(count)
        both = [
            triple
            for part in (first, waiting)
            for triple in zip(part.entries, part.futures, part.queued_at, strict=True)
        ]
        assert both == whole
        assert len(first) == min(count, len(whole))
        assert first.size + waiting.size == sum(one.size for one, _, _ in whole)

    asyncio.run(check())


async def test_a_written_batch_leaves_nothing_for_the_garbage_collector(tmp_path: Path) -> None:
    async with AuditLog.open(f"sqlite:///{tmp_path}/audit.db") as log:
        await log.log_event("user_login", "u-1")
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            await asyncio.gather(*[log.log_event("user_login", f"u-{n}") for n in range(100)])
            gc.collect()
            left = {type(one) for one in gc.garbage}
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    assert not left & {BatchBuilder, UntimedEntry, Waiting}
