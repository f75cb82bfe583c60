"""Tallies: how many events match, from the roll-ups wherever they know it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from counterfoil.record.instant import HOUR
from counterfoil.record.row import LOG_SPAN
from counterfoil.store import Head, Selection, Store

from .filter import Filter
from .scan import Scan

#: Hours since the epoch that lie before and after every event, in whole days.
FIRST_HOUR: Final = -24 << 32
LAST_HOUR: Final = 24 << 32
_HOURS_A_DAY: Final = 24
_PIECE: Final = 512


async def span(store: Store, head: Head, where: Filter) -> tuple[int, int]:
    """The indexes of a filter's time range: the first, and the one behind the last."""
    first, end = 0, head.size
    if where.since is not None:
        first = await store.boundary(head.number, head.size, where.since)
    if where.until is not None:
        end = await store.boundary(head.number, head.size, where.until)
    return first, max(first, end)


async def tally(store: Store, head: Head, where: Filter) -> int:
    """How many events of a log match, exactly.

    Whole days and hours come from the roll-ups, the edges of the time range from the events;
    a filter that the roll-ups do not know is counted by the store, and one that no column
    answers by reading.
    """
    equal = where.rollup
    if equal is not None:
        return await _rolled_up(store, head, where, equal)
    first, end = await span(store, head, where)
    if where.is_exact:
        return await _count(store, head, where, first, end)
    found = 0
    scan = Scan(store, head.number, where, first, end, newest_first=False)
    while not scan.done:
        found += len(await scan.step(_PIECE))
    return found


async def _rolled_up(
    store: Store, head: Head, where: Filter, equal: Mapping[str, tuple[Any, ...]]
) -> int:
    first = FIRST_HOUR if where.since is None else -(-where.since // HOUR)
    end = LAST_HOUR if where.until is None else where.until // HOUR
    if first >= end:
        return await _count(store, head, where, *await span(store, head, where))
    total = 0
    for unit, low, high in _units(first, end):
        for _, _, events in await store.counts(head.number, unit, low, high, equal, ()):
            total += events
    for since, until in ((where.since, first * HOUR), (end * HOUR, where.until)):
        if since is not None and until is not None and since < until:
            low = await store.boundary(head.number, head.size, since)
            high = await store.boundary(head.number, head.size, until)
            total += await _count(store, head, where, low, high)
    return total


async def _count(store: Store, head: Head, where: Filter, first: int, end: int) -> int:
    if first >= end:
        return 0
    base = head.number * LOG_SPAN
    return await store.count(Selection(first=base + first, last=base + end - 1, equal=where.equal))


def _units(first: int, end: int) -> Iterator[tuple[str, int, int]]:
    """Whole hours as (unit, first bucket, last bucket), with days where they are whole."""
    first_day, end_day = -(-first // _HOURS_A_DAY), end // _HOURS_A_DAY
    if first_day >= end_day:
        yield "hour", first, end - 1
        return
    if first < first_day * _HOURS_A_DAY:
        yield "hour", first, first_day * _HOURS_A_DAY - 1
    yield "day", first_day, end_day - 1
    if end_day * _HOURS_A_DAY < end:
        yield "hour", end_day * _HOURS_A_DAY, end - 1
