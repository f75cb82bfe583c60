"""Reads: pages, counts and time lines of a log with a year of events.

The yardstick is the database alone: one connection that runs the statement which answers the
question and fetches its rows. It decodes nothing, and is told in advance where in the log the time
range lies. SQLite's is on this thread.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from uuid import UUID

import apsw

from counterfoil.log.read.reader import Reader
from counterfoil.log.read.timeline import Dimension
from counterfoil.record.instant import to_datetime, to_micros
from counterfoil.record.row import LOG_SPAN
from counterfoil.store import Head, Store
from counterfoil.store.sqlite import SQLiteStore

from .figure import Figure, below
from .year import LENGTH, START, record

ROUNDS = 41
_BEGIN = to_datetime(START)
_END = to_datetime(START + LENGTH)
_JUNE = _BEGIN + timedelta(days=160)

#: A page's rows as the store reads them.
_PAGE = "SELECT * FROM event WHERE {} ORDER BY position {} LIMIT 51"

_BY_ID = "SELECT * FROM event WHERE id = ?"

#: Runs a statement, and returns its rows.
Alone = Callable[..., Awaitable[Sequence[Any]]]


async def run(scale: int = 1_000_000) -> list[Figure]:
    """Build a log of so many events in SQLite, and measure reading it.

    Args:
        scale: how many events, at least 10,000.
    """
    with TemporaryDirectory() as folder:
        store = SQLiteStore(Path(folder) / "year.db")
        await store.open()
        alone = apsw.Connection(str(store.path), flags=apsw.SQLITE_OPEN_READONLY)
        alone.pragma("cache_size", -16_000)

        async def fetch(sql: str, *parameters: Any) -> Sequence[Any]:
            return alone.execute(sql, parameters).fetchall()

        try:
            await record(store, scale)
            return await measure(store, fetch)
        finally:
            alone.close()
            await store.close()


async def measure(store: Store, alone: Alone, by_id: str = _BY_ID) -> list[Figure]:
    """The figures of a store that holds a year of events.

    Args:
        alone: asks the database itself, with SQLite's placeholders.
        by_id: the statement that finds an event by its id.
    """
    head = await store.head("default")
    if head is None:
        raise ValueError("The store holds no year of events.")
    june = await store.boundary(head.number, head.size, to_micros(_JUNE))
    figures = []
    reader = Reader(store)
    pages = [case async for case in _pages(reader, alone, head, june, by_id)]
    for case in [*pages, *_counts(reader, head)]:
        ours = await _timed(case.ask)
        yardstick = await _timed(partial(alone, case.sql, *case.parameters)) if case.sql else None
        figures.append(below(f"{case.name}, ms", ours, case.goal, yardstick))
    return figures


class Case(NamedTuple):
    """A question: how the reader is asked, and the statement that is the yardstick."""

    name: str
    goal: float | None
    ask: Callable[[], Awaitable[Any]]
    sql: str = ""
    parameters: Sequence[Any] = ()


async def _pages(
    reader: Reader, alone: Alone, head: Head, june: int, by_id: str
) -> AsyncIterator[Case]:
    first = head.number * LOG_SPAN
    last = first + head.size - 1
    middle = first + head.size // 2
    [[raw]] = await alone("SELECT id FROM event WHERE position = ?", middle)
    yield Case(
        "one event by its id",
        5,
        lambda: reader.get(UUID(bytes=raw)),
        by_id,
        [raw],
    )
    yield Case(
        "newest 50 events",
        5,
        reader.query,
        _PAGE.format("position BETWEEN ? AND ?", "DESC"),
        [first, last],
    )
    yield Case(
        "newest 50 of one user",
        5,
        lambda: reader.user_activity("u-300"),
        _PAGE.format("user_id = ? AND position BETWEEN ? AND ?", "DESC"),
        ["u-300", first, last],
    )
    yield Case(
        "one resource's history, 50 events",
        5,
        lambda: reader.resource_history("product", "r-60"),
        _PAGE.format("resource_id = ? AND resource_type = ? AND position >= ?", "DESC"),
        ["r-60", "product", first],
    )
    [[rare]] = await alone("SELECT type FROM event GROUP BY type ORDER BY count(*) LIMIT 1")
    yield Case(
        "newest 50 of the busiest user and the rarest type",
        5,
        lambda: reader.query(user_id="u-0", event_type=rare),
        _PAGE.format("+user_id = ? AND type = ? AND position BETWEEN ? AND ?", "DESC"),
        ["u-0", rare, first, last],
    )
    types = ["price_changed", "login_failed", "file_deleted"]
    yield Case(
        "a page of 50 by types, company and time, in the middle",
        5,
        lambda: reader.query(
            order="oldest", event_type=types, company_id="company-7", since=_JUNE, until=_END
        ),
        _PAGE.format("company_id = ? AND +type IN (?, ?, ?) AND position BETWEEN ? AND ?", "ASC"),
        ["company-7", *types, first + june, last],
    )
    yield Case(
        "a user's events with one ticket in the details",
        None,
        lambda: reader.query(user_id="u-40", details={"ticket": "T-4711"}),
    )


def _counts(reader: Reader, head: Head) -> Iterator[Case]:
    yield Case(
        "events counted in eight months of one company",
        20,
        lambda: reader.count(
            company_id="company-7",
            since=_BEGIN + timedelta(hours=7.3),
            until=_BEGIN + timedelta(days=240.2),
        ),
    )
    groupings: tuple[tuple[Dimension, ...], ...] = ((), ("level",), ("type", "level"))
    for by in groupings:
        columns = "".join(f", {name}" for name in by)
        yield Case(
            f"time line of a year, day by day{' by ' if by else ''}{' and '.join(by)}",
            20,
            partial(reader.timeline, "day", by=by, since=_BEGIN, until=_END),
            f"SELECT bucket{columns}, sum(events) FROM count_by_day WHERE log = ? "
            f"GROUP BY bucket{columns}",
            [head.number],
        )
    yield Case(
        "time line of a year of one company, day by day",
        20,
        lambda: reader.timeline("day", company_id="company-7", since=_BEGIN, until=_END),
    )
    yield Case(
        "time line of a year, day by day by company",
        None,
        lambda: reader.timeline("day", by=["company_id"], since=_BEGIN, until=_END),
    )


async def _timed(ask: Callable[[], Awaitable[Any]]) -> float:
    """The median, in milliseconds; the first answer warms the cache and does not count."""
    await ask()
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await ask()
        seconds.append(time.perf_counter() - began)
    return median(seconds) * 1000
