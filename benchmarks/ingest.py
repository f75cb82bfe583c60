"""Ingest: the whole path of ``log_event`` beside what SQLite itself does with the same rows.

The yardstick, ``raw``, is one connection with the same settings that writes the very same
finished rows into the same tables and indexes with ``executemany``, and commits, synced, once
every N rows. It computes nothing, wakes nobody, and keeps no tree and no counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import apsw

from counterfoil.log import AuditLog
from counterfoil.policy.catalogue import Catalogue
from counterfoil.policy.context import fill_context, settle_ids
from counterfoil.policy.level import settle_level
from counterfoil.policy.link import Chain
from counterfoil.policy.retention import retention
from counterfoil.policy.states import compare_states
from counterfoil.record.row import COLUMNS
from counterfoil.store.sqlite import SQLiteStore

from .event import record
from .figure import Figure, share, times, told

ROUNDS = 5
SINGLE_EVENTS = 600


class Case(NamedTuple):
    """So many callers against so many rows a synced transaction of the yardstick."""

    callers: int
    events: int
    batch: int


CASES = (Case(64, 12_800, 64), Case(1_000, 16_000, 256))


class Cost(NamedTuple):
    """Microseconds an event: on the clock, and of processor time in all threads."""

    wall: float
    processor: float


async def run() -> list[Figure]:
    """The figures of recording events."""
    rows = await finished_rows(max(case.events for case in CASES))
    figures = []
    for case in CASES:
        figures += await _compare(case, rows)
    figures.append(await _compare_single(rows))
    return figures


async def _compare(case: Case, rows: Sequence[tuple[Any, ...]]) -> list[Figure]:
    # In turns, so that what else the machine does falls on all alike.
    rounds = []
    for _ in range(ROUNDS):
        with database() as path:
            yardstick = await _raw(path, rows[: case.events], case.batch)
        with database() as path:
            whole = await ours(f"sqlite:///{path}", case)
        with database() as path:
            short = await ours(f"sqlite:///{path}", case, chain=_short_chain())
        rounds.append((yardstick, whole, short))
    raw = median(one.wall for one, _, _ in rounds)
    figures = []
    for number, chain, goal in ((1, "the whole policy chain", 0.3), (2, "all but redaction", 0.5)):
        name = f"{case.callers:,} callers, {chain}"
        costs = [one[number] for one in rounds]
        ratio = median(one[0].wall / one[number].wall for one in rounds)
        wall, processor = (median(part) for part in zip(*costs, strict=True))
        figures.append(share(f"{name}, us an event", wall, raw, ratio, goal))
        figures.append(
            told(
                f"{name}, us of processor an event",
                processor,
                median(one.processor for one, _, _ in rounds),
            )
        )
    return figures


async def _compare_single(rows: Sequence[tuple[Any, ...]]) -> Figure:
    ours: list[float] = []
    raw: list[float] = []
    for _ in range(ROUNDS):
        with database() as path:
            raw += await _transactions(path, rows[:SINGLE_EVENTS], 1)
        with database() as path:
            async with AuditLog.open(f"sqlite:///{path}") as log:
                await record(log)
                for _ in range(SINGLE_EVENTS):
                    began = time.perf_counter()
                    await record(log)
                    ours.append(time.perf_counter() - began)
    return times("one caller, median us an event", median(ours) * 1e6, median(raw) * 1e6, 2)


async def ours(url: str, case: Case, **options: Any) -> Cost:
    """So many callers, each recording one event after the other."""
    async with AuditLog.open(url, **options) as log:

        async def caller(events: int) -> None:
            for _ in range(events):
                await record(log)

        await caller(1)
        each = case.events // case.callers
        wall, processor = time.perf_counter(), time.process_time()
        await asyncio.gather(*[caller(each) for _ in range(case.callers)])
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        count = each * case.callers
        return Cost(wall / count * 1e6, processor / count * 1e6)


async def _raw(path: Path, rows: Sequence[tuple[Any, ...]], batch: int) -> Cost:
    """The yardstick's cost."""
    processor = time.process_time()
    seconds = await _transactions(path, rows, batch)
    processor = time.process_time() - processor
    return Cost(sum(seconds) / len(rows) * 1e6, processor / len(rows) * 1e6)


async def _transactions(path: Path, rows: Sequence[tuple[Any, ...]], batch: int) -> list[float]:
    """Seconds of each of the yardstick's transactions."""
    store = SQLiteStore(path)
    await store.open()
    await store.close()
    connection = apsw.Connection(str(path))
    for name, value in (("synchronous", "full"), ("cache_size", -16_000), ("temp_store", "memory")):
        connection.pragma(name, value)
    sql = f"INSERT INTO event VALUES ({','.join('?' * len(COLUMNS))})"
    seconds = []
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(sql, part)
        connection.execute("COMMIT")
        seconds.append(time.perf_counter() - began)
    connection.close()
    return seconds


async def finished_rows(events: int) -> list[tuple[Any, ...]]:
    """The rows that so many events become."""
    with database() as path:
        await ours(f"sqlite:///{path}", Case(64, events + 64, 64))
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        rows = list(connection.execute("SELECT * FROM event ORDER BY position LIMIT ?", (events,)))
        connection.close()
        return rows


@contextmanager
def database() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder) / "audit.db"


def _short_chain() -> Chain:
    return (
        fill_context,
        compare_states,
        settle_ids,
        settle_level,
        retention(Catalogue.under()),
    )
