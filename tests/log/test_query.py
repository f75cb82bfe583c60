"""Queries: the right events, in order, page by page, while the log grows."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.base import AuditEventType, AuditLogLevel
from counterfoil.errors import CursorError, EventIdError, NotFoundError, QueryError
from counterfoil.log.read.page import Page
from counterfoil.log.read.reader import Reader
from counterfoil.record.instant import to_datetime
from tests.postgres import Postgres

from .model import EVENTS, FILTERS, HISTORIES, MOMENTS, matches
from .recording import NEW_YEAR, Recorder, hour, recorder

ORDERS = ["newest", "oldest"]


async def _record(recording: Recorder, history: list[tuple[float, dict[str, Any]]]) -> list[Any]:
    """Record a history; returns (event as given, recorded_at) by index."""
    kept = []
    for hours, event in history:
        at = recording.clock.micros + round(hours * 3_600_000_000)
        whole = {"occurred_at": at, **event}
        await recording.record(whole, at=at)
        kept.append((whole, at))
    return kept


async def _pages(reader: Reader, **arguments: Any) -> list[Page]:
    pages = [await reader.query(**arguments)]
    while pages[-1].next_cursor is not None:
        pages.append(await reader.query(**{**arguments, "cursor": pages[-1].next_cursor}))
    return pages


def _indexes(pages: list[Page]) -> list[int]:
    return [event.index for page in pages for event in page]


@settings(max_examples=60, deadline=None)
@given(
    history=HISTORIES,
    asked=st.lists(FILTERS, min_size=3, max_size=8),
    order=st.sampled_from(ORDERS),
    limit=st.integers(1, 5),
    piece=st.integers(1, 40),
)
async def test_the_answer_is_what_a_filter_over_all_events_finds(
    engine: str | Postgres, history: Any, asked: Any, order: Any, limit: int, piece: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # Small pieces, so that a short history is read in many of them.
        patch.setattr("counterfoil.log.read.scan._LEAST_SPAN", piece)
        patch.setattr("counterfoil.log.read.scan._MOST_SPAN", 2 * piece)
        patch.setattr("counterfoil.log.read.scan._FEWEST_ROWS", 1)
        await _compare(engine, history, asked, order, limit)


async def _compare(
    engine: str | Postgres, history: Any, asked: Any, order: Any, limit: int
) -> None:
    async with recorder(engine) as recording:
        kept = await _record(recording, history)
        reader = Reader(recording.store)
        for filters in asked:
            expected = [
                index for index, (event, at) in enumerate(kept) if matches(event, at, filters)
            ]
            assert await reader.count(**filters) == len(expected)
            if order == "newest":
                expected.reverse()
            pages = await _pages(reader, order=order, limit=limit, **filters)
            assert _indexes(pages) == expected
            assert all(len(page) <= limit for page in pages)
            assert [
                event.index async for event in reader.events(order=order, **filters)
            ] == expected


@settings(max_examples=30, deadline=None)
@given(
    history=HISTORIES,
    arrivals=st.lists(EVENTS, max_size=12),
    filters=FILTERS.filter(lambda given: "until" not in given) | st.just({}),
    limit=st.integers(1, 4),
)
async def test_newest_first_pages_stand_still_and_their_end_cursor_gives_the_rest(
    engine: str | Postgres, history: Any, arrivals: Any, filters: Any, limit: int
) -> None:
    async with recorder(engine) as recording:
        kept = await _record(recording, history)
        reader = Reader(recording.store)
        waiting = list(arrivals)
        pages = [await reader.query(limit=limit, **filters)]
        while waiting:
            kept += await _record(recording, [(1, waiting.pop())])
            if pages[-1].next_cursor is not None:
                page = await reader.query(limit=limit, cursor=pages[-1].next_cursor, **filters)
                pages.append(page)
        while pages[-1].next_cursor is not None:
            page = await reader.query(limit=limit, cursor=pages[-1].next_cursor, **filters)
            pages.append(page)
        rest = await _pages(
            reader, order="oldest", limit=limit, cursor=pages[-1].end_cursor, **filters
        )
        assert len({page.end_cursor for page in pages}) == 1
        found = [index for index, (event, at) in enumerate(kept) if matches(event, at, filters)]
        assert _indexes(pages)[::-1] + _indexes(rest) == found


@settings(max_examples=30, deadline=None)
@given(
    history=HISTORIES,
    arrivals=st.lists(EVENTS, max_size=12),
    filters=FILTERS | st.just({}),
    limit=st.integers(1, 4),
)
async def test_oldest_first_pages_go_on_into_what_arrives(
    engine: str | Postgres, history: Any, arrivals: Any, filters: Any, limit: int
) -> None:
    async with recorder(engine) as recording:
        kept = await _record(recording, history)
        reader = Reader(recording.store)
        page = await reader.query(order="oldest", limit=limit, **filters)
        pages = [page]
        for event in arrivals:
            kept += await _record(recording, [(1, event)])
            page = await reader.query(
                order="oldest", limit=limit, cursor=pages[-1].end_cursor, **filters
            )
            pages.append(page)
        while pages[-1].next_cursor is not None:
            page = await reader.query(
                order="oldest", limit=limit, cursor=pages[-1].next_cursor, **filters
            )
            pages.append(page)
        assert _indexes(pages) == [
            index for index, (event, at) in enumerate(kept) if matches(event, at, filters)
        ]


async def test_pages_stay_right_while_events_are_removed_between_them(
    sqlite: AbstractAsyncContextManager[Recorder], remove: Any
) -> None:
    async with sqlite as recording:
        await recording.record(*[{"user_id": "u-1"} for _ in range(30)])
        reader = Reader(recording.store)
        first = await reader.query(limit=10, user_id="u-1")
        await remove(recording, [20, 19, 18, 9, 0])
        second = await reader.query(limit=10, user_id="u-1", cursor=first.next_cursor)
        third = await reader.query(limit=10, user_id="u-1", cursor=second.next_cursor)
        assert _indexes([first]) == list(range(29, 19, -1))
        assert _indexes([second]) == [17, 16, 15, 14, 13, 12, 11, 10, 8, 7]
        assert _indexes([third]) == [6, 5, 4, 3, 2, 1]
        assert third.next_cursor is None


async def test_there_is_a_next_cursor_only_where_there_is_more(recording: Recorder) -> None:
    reader = Reader(recording.store)
    await recording.record(*[{"user_id": f"u-{number % 2}"} for number in range(10)])
    for order in ORDERS:
        assert len(await _pages(reader, order=order, limit=5)) == 2
        assert len(await _pages(reader, order=order, limit=5, user_id="u-0")) == 1
        assert len(await _pages(reader, order=order, limit=4, user_id="u-0")) == 2


async def test_an_event_is_found_by_its_id(recording: Recorder) -> None:
    [event_id] = await recording.record(
        {
            "user_id": "u-1",
            "on_behalf_of": "u-2",
            "subjects": ["u-3", "u-4"],
            "before_state": {"price": "12.50"},
            "level": "warning",
            "company_id": "c-1",
        }
    )
    event = await Reader(recording.store).get(event_id)
    assert (event.id, event.index, event.log) == (event_id, 0, "default")
    assert (event.user_id, event.on_behalf_of, event.subjects) == ("u-1", "u-2", ("u-3", "u-4"))
    assert (event.before_state, event.level) == ({"price": "12.50"}, AuditLogLevel.WARNING)
    with pytest.raises(AttributeError):
        event.user_id = "u-9"  # type: ignore[misc]


async def test_an_id_that_is_not_there_is_refused(recording: Recorder) -> None:
    reader = Reader(recording.store)
    [event_id] = await recording.record({"log": "other"})
    with pytest.raises(NotFoundError):
        await reader.get(recording.clock.event_id())
    with pytest.raises(NotFoundError):
        await reader.get(event_id, log="default")
    with pytest.raises(EventIdError):
        await reader.get("no-uuid")
    assert (await reader.get(event_id, log="other")).id == event_id


async def test_each_log_is_read_by_itself(recording: Recorder) -> None:
    reader = Reader(recording.store)
    for log in ("default", "tenant-a", "default", "tenant-b"):
        await recording.record({"log": log, "user_id": "u-1", "subjects": ["u-2"]})
    for log, count in (("default", 2), ("tenant-a", 1), ("tenant-b", 1), ("unwritten", 0)):
        page = await reader.query(log=log, user_id="u-1", subject=["u-2", "u-3"])
        assert {event.log for event in page} <= {log}
        assert len(page) == await reader.count(log=log, user_id="u-1") == count


async def test_user_activity_and_resource_history(recording: Recorder) -> None:
    reader = Reader(recording.store)
    for number in range(8):
        await recording.record(
            {
                "user_id": f"u-{number % 2}",
                "resource_type": "product" if number < 6 else "order",
                "resource_id": f"p-{number % 3}",
                "outcome": "failure" if number == 4 else "success",
            }
        )
    assert [event.index for event in await reader.user_activity("u-0")] == [6, 4, 2, 0]
    assert [event.index for event in await reader.user_activity("u-0", outcome="failure")] == [4]
    assert [
        event.index
        for event in await reader.resource_history("product", "p-0", order="oldest", limit=5)
    ] == [0, 3]
    with pytest.raises(QueryError):
        await reader.user_activity(None)  # type: ignore[arg-type]
    with pytest.raises(QueryError):
        await reader.resource_history("product", None)  # type: ignore[arg-type]


async def test_times_are_half_open_and_naive_ones_are_utc(recording: Recorder) -> None:
    reader = Reader(recording.store)
    for number in range(5):
        await recording.record({"occurred_at": hour(-number)}, at=hour(number))
    start = to_datetime(NEW_YEAR)
    page = await reader.query(
        order="oldest",
        since=(start + timedelta(hours=1)).replace(tzinfo=None),
        until=start + timedelta(hours=3),
    )
    assert _indexes([page]) == [1, 2]
    page = await reader.query(occurred_until=start - timedelta(hours=3))
    assert _indexes([page]) == [4]
    assert len(await reader.query(since=start, until=start)) == 0


@settings(max_examples=40, deadline=None)
@given(
    moments=st.lists(MOMENTS, min_size=1, max_size=20),
    edges=st.lists(
        st.tuples(MOMENTS, MOMENTS).map(sorted) | MOMENTS.map(lambda at: [at, at + 1]), max_size=5
    ),
)
async def test_a_range_of_times_of_happening(
    engine: str | Postgres, moments: list[int], edges: list[tuple[int, int]]
) -> None:
    async with recorder(engine) as recording:
        await recording.record(*[{"occurred_at": at} for at in moments])
        reader = Reader(recording.store)
        for since, until in [*edges, (min(moments), max(moments) + 1)]:
            page = await reader.query(
                order="oldest",
                occurred_since=to_datetime(since),
                occurred_until=to_datetime(until),
            )
            assert _indexes([page]) == [
                index for index, at in enumerate(moments) if since <= at < until
            ]


async def test_enums_and_their_texts_are_the_same(recording: Recorder) -> None:
    reader = Reader(recording.store)
    await recording.record({"event_type": "user_login", "level": "error"})
    for event_type in (AuditEventType.USER_LOGIN, "user_login", {AuditEventType.USER_LOGIN}):
        for level in (AuditLogLevel.ERROR, "error", ["error", "critical"]):
            assert len(await reader.query(event_type=event_type, level=level)) == 1


async def test_a_sparse_match_is_found_past_many_that_fail(recording: Recorder) -> None:
    reader = Reader(recording.store)
    plain = {"metadata": {"n": [1]}}
    await recording.record(*[plain] * 700, {"metadata": {"n": [2]}}, *[plain] * 700)
    for order in ORDERS:
        pages = await _pages(reader, order=order, limit=3, metadata={"n": [2]})
        assert _indexes(pages) == [700]
    assert await reader.count(metadata={"n": [2]}) == 1


@pytest.mark.parametrize("limit", [0, -1, 1001, True, 2.0, "5", None])
async def test_a_limit_out_of_range_is_refused(recording: Recorder, limit: Any) -> None:
    with pytest.raises(QueryError, match="1 to 1000"):
        await Reader(recording.store).query(limit=limit)


async def test_an_unknown_order_is_refused(recording: Recorder) -> None:
    with pytest.raises(QueryError, match="newest or oldest"):
        await Reader(recording.store).query(order="asc")  # type: ignore[arg-type]


async def test_a_cursor_belongs_to_its_query(recording: Recorder) -> None:
    reader = Reader(recording.store)
    await recording.record(*[{"user_id": "u-1", "log": log} for log in ("default", "b") * 3])
    cursor = (await reader.query(limit=1, user_id="u-1")).next_cursor
    assert cursor is not None
    others: list[dict[str, Any]] = [
        {"user_id": "u-2"},
        {"user_id": "u-1", "level": "info"},
        {"user_id": "u-1", "log": "b"},
        {"user_id": "u-1", "order": "oldest"},
        {},
    ]
    for arguments in others:
        with pytest.raises(CursorError):
            await reader.query(cursor=cursor, **arguments)
    assert len(await reader.query(cursor=cursor, user_id=["u-1"])) == 2


@pytest.mark.parametrize("cursor", ["", "AAAA", "é", "a" * 22, "!" * 22, 7])
async def test_a_cursor_that_was_not_given_out_is_refused(recording: Recorder, cursor: Any) -> None:
    with pytest.raises(CursorError):
        await Reader(recording.store).query(cursor=cursor)


async def test_a_cursor_of_a_longer_log_is_refused(recording: Recorder) -> None:
    await recording.record({}, {}, {})
    cursor = (await Reader(recording.store).query(order="oldest")).end_cursor
    async with recorder("sqlite") as other:
        with pytest.raises(CursorError):
            await Reader(other.store).query(order="oldest", cursor=cursor)


async def test_a_cursor_shows_nothing_of_the_query(recording: Recorder) -> None:
    await recording.record(*[{"user_id": "alice@example.com"}] * 3)
    page = await Reader(recording.store).query(limit=1, user_id="alice@example.com")
    for cursor in (page.next_cursor, page.end_cursor):
        assert cursor is not None
        assert len(cursor) == 20
        assert "alice" not in cursor
