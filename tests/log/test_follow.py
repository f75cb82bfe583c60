"""Following: every event once, at once, whoever recorded it, and a clean end."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import ClosedError, ConfigurationError, CursorError, QueryError
from counterfoil.log.commits import Commits
from counterfoil.log.read.follow import Follow
from counterfoil.log.read.reader import Reader
from counterfoil.record.instant import to_datetime
from counterfoil.store.sqlite import SQLiteStore
from tests.postgres import Postgres

from .model import EVENTS, FILTERS, matches
from .recording import NEW_YEAR, Recorder, hour, recorder

#: So long that a test which has to wait for a look fails by its own time limit.
NEVER = 60.0
START = to_datetime(NEW_YEAR)


def _reader(recording: Recorder, poll: float = NEVER) -> Reader:
    return Reader(recording.store, recording.commits, poll=poll)


async def _next(feed: Follow) -> int:
    async with asyncio.timeout(10):
        return (await anext(feed)).index


async def _rest(feed: Follow) -> list[int]:
    async with asyncio.timeout(10):
        return [event.index async for event in feed]


async def _until_waiting(task: asyncio.Task[Any], commits: Commits) -> None:
    while not commits.awaited:
        assert not task.done()
        await asyncio.sleep(0)


@settings(max_examples=30, deadline=None)
@given(
    batches=st.lists(st.lists(EVENTS, min_size=1, max_size=4), max_size=6),
    filters=FILTERS.filter(lambda given: not {"since", "until"} & given.keys()) | st.just({}),
    stops=st.lists(st.integers(1, 3), max_size=4),
)
async def test_no_event_is_missed_or_repeated_however_often_one_begins_anew(
    engine: str | Postgres, batches: Any, filters: Any, stops: list[int]
) -> None:
    async with recorder(engine) as recording:
        reader = _reader(recording, 0.01)
        kept: list[dict[str, Any]] = []
        found: list[int] = []
        arrived = asyncio.Event()
        cursor = (await reader.query(order="oldest", limit=1, **filters)).end_cursor

        async def write() -> None:
            for batch in batches:
                events = [{"occurred_at": NEW_YEAR, **event} for event in batch]
                kept.extend(events)
                await recording.record(*events)

        async def read() -> None:
            nonlocal cursor
            for stop in [*stops, 1_000]:
                async with reader.follow(after=cursor, **filters) as feed:
                    async for event in feed:
                        found.append(event.index)
                        arrived.set()
                        cursor = feed.cursor
                        stop -= 1
                        if not stop:
                            break

        reading = asyncio.create_task(read())
        await write()
        expected = [n for n, event in enumerate(kept) if matches(event, NEW_YEAR, filters)]
        async with asyncio.timeout(10):
            while len(found) < len(expected):
                arrived.clear()
                await arrived.wait()
            recording.commits.close()
            await reading
        assert found == expected


async def test_it_begins_now_and_wakes_on_commit(recording: Recorder) -> None:
    await recording.record({}, {})
    async with _reader(recording).follow() as feed:
        await recording.record({}, {})
        assert [await _next(feed), await _next(feed)] == [2, 3]
        waiting = asyncio.create_task(_next(feed))
        await _until_waiting(waiting, recording.commits)
        await recording.record({})
        assert await waiting == 4


async def test_it_begins_at_since(recording: Recorder) -> None:
    for number in range(4):
        await recording.record({}, at=hour(number))
    feed = _reader(recording).follow(since=START + timedelta(hours=2))
    assert [await _next(feed), await _next(feed)] == [2, 3]


async def test_it_ends_once_the_log_has_passed_until(recording: Recorder) -> None:
    for number in range(4):
        await recording.record({}, at=hour(number))
    feed = _reader(recording).follow(since=START, until=START + timedelta(hours=3))
    assert await _rest(feed) == [0, 1, 2]


async def test_a_page_and_what_follows_it_are_all_events(recording: Recorder) -> None:
    reader = _reader(recording)
    await recording.record(*[{"user_id": "u-1"}] * 5)
    page = await reader.query(limit=2, user_id="u-1")
    await recording.record({"user_id": "u-2"}, {"user_id": "u-1"})
    feed = reader.follow(after=page.end_cursor, user_id="u-1")
    assert [event.index for event in page] == [4, 3]
    assert await _next(feed) == 6


async def test_a_log_may_be_followed_before_its_first_event(recording: Recorder) -> None:
    async with _reader(recording).follow(log="tenant-a") as feed:
        await recording.record({"log": "tenant-b"}, {"log": "tenant-a", "user_id": "u-1"})
        assert await _next(feed) == 0


async def test_more_than_one_piece_is_read_in_order(recording: Recorder) -> None:
    feed = _reader(recording).follow(since=START)
    await recording.record(*[{}] * 350)
    assert [await _next(feed) for _ in range(350)] == list(range(350))


async def test_what_another_process_records_is_found_by_looking(
    sqlite: AbstractAsyncContextManager[Recorder],
) -> None:
    async with sqlite as recording:
        assert isinstance(recording.store, SQLiteStore)
        other = SQLiteStore(recording.store.path)
        await other.open()
        try:
            async with Reader(other, poll=0.01).follow() as feed:
                await recording.record({}, {})
                assert [await _next(feed), await _next(feed)] == [0, 1]
        finally:
            await other.close()


async def test_a_cancelled_step_loses_nothing(recording: Recorder) -> None:
    feed = _reader(recording).follow(user_id="u-1")
    await feed.start()
    for number in range(20):
        step = asyncio.create_task(anext(feed))
        for _ in range(number):
            await asyncio.sleep(0)
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
    step = asyncio.create_task(anext(feed))
    await asyncio.sleep(0)
    await recording.record({"user_id": "u-1"}, {"user_id": "u-1"})
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step
    assert [await _next(feed), await _next(feed)] == [0, 1]


async def test_closing_the_log_ends_it(recording: Recorder) -> None:
    feed = _reader(recording).follow()
    waiting = asyncio.create_task(_rest(feed))
    await _until_waiting(waiting, recording.commits)
    recording.commits.close()
    assert await waiting == []
    await recording.store.close()
    assert await _rest(_reader(recording).follow()) == []


async def test_a_store_that_was_closed_alone_is_an_error(recording: Recorder) -> None:
    feed = _reader(recording).follow()
    await recording.store.close()
    with pytest.raises(ClosedError):
        await _next(feed)


async def test_leaving_its_block_ends_it(recording: Recorder) -> None:
    async with _reader(recording).follow() as feed:
        await recording.record({}, {})
        assert await _next(feed) == 0
        cursor = feed.cursor
    assert await _rest(feed) == []
    assert await _next(_reader(recording).follow(after=cursor)) == 1


async def test_its_arguments_are_checked_at_once(recording: Recorder) -> None:
    reader = _reader(recording)
    await recording.record({}, {})
    page = await reader.query(limit=1)
    with pytest.raises(CursorError):
        reader.follow(after=page.next_cursor)
    with pytest.raises(CursorError):
        reader.follow(after=page.end_cursor, user_id="u-1")
    with pytest.raises(QueryError):
        reader.follow(poll=0)
    with pytest.raises(QueryError, match="first step"):
        _ = reader.follow().cursor
    with pytest.raises(ConfigurationError):
        Reader(recording.store, poll=0)


async def test_a_wait_ends_at_once_where_the_size_is_passed_already() -> None:
    commits = Commits()
    commits.notify({"default": 3})
    assert await commits.wait("default", 2, None) == 3
    assert await commits.wait("default", 3, 0) is None
    assert await commits.wait("other", 0, 0) is None


async def test_a_commit_wakes_those_who_wait_for_its_log_only() -> None:
    commits = Commits()
    waiting = [asyncio.create_task(commits.wait(log, 0, None)) for log in ("a", "a", "b")]
    await asyncio.sleep(0)
    commits.notify({"a": 1})
    assert await asyncio.gather(*waiting[:2]) == [1, 1]
    assert not waiting[2].done()
    commits.close()
    assert await waiting[2] is None
    assert commits.closed
