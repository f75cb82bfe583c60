"""Scans: the matching events of a part of a log, in order, a bounded piece at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice

from counterfoil.record import Event, EventRow
from counterfoil.record.row import LOG_SPAN, MentionRow
from counterfoil.store import Selection, Store

from .filter import Filter

#: Rows a call of the store where not every row need match.
_FEWEST_ROWS, _MOST_ROWS = 32, 512
#: Positions a call of the store where no index leads to the matching ones: one call then takes
#: a fraction of a second at most, and other readers get their turn.
_LEAST_SPAN, _MOST_SPAN = 1 << 15, 1 << 20
#: Events that are decoded, some 20 microseconds each, before others get the event loop.
_BREATH = 64
#: People of events that are no further apart are read in one call.
_NEAR = 16


class Scan:
    """Reads a range of a log's indexes.

    Each step moves the range's edge after its last await, so that a step that was cancelled is
    as if it had never begun.

    Args:
        store: where the log is.
        number: the log's number (``Head.number``).
        where: what events must be like.
        first, end: indexes; ``end`` does not belong to the range.
        newest_first: the order.
    """

    def __init__(
        self, store: Store, number: int, where: Filter, first: int, end: int, *, newest_first: bool
    ) -> None:
        self.first = first
        self.end = end
        self._store = store
        self._base = number * LOG_SPAN
        self._where = where
        self._newest_first = newest_first
        self._contains = where.contains
        self._people: Sequence[str | None] = where.people or (None,)
        self._span = LOG_SPAN if where.is_telling else _LEAST_SPAN
        self._rows = _FEWEST_ROWS

    @property
    def done(self) -> bool:
        """Whether nothing of the range is left."""
        return self.first >= self.end

    async def take(self, count: int) -> list[Event]:
        """The next matching events: ``count`` of them, or fewer where the range ends."""
        found: list[Event] = []
        while len(found) < count and not self.done:
            found += await self.step(count - len(found))
        return found

    async def step(self, count: int) -> list[Event]:
        """Read one piece: the matching events in it, at most ``count``, perhaps none."""
        first, end = self._piece()
        limit = count if self._where.is_exact else max(count, self._rows)
        rows = await self._select(first, end, limit)
        admitted = [row for row in rows if self._where.admits(row)]
        mentions = await self._mentions(admitted)

        found: list[Event] = []
        for number, row in enumerate(admitted, 1):
            if number % _BREATH == 0:
                await asyncio.sleep(0)
            event = Event.decode(row, mentions.get(row.position, ()))
            if self._where.matches(event):
                found.append(event)
                if len(found) == count:
                    self._pass(event.index)
                    return found
        if len(rows) == limit:
            self._pass(rows[-1].index)
            self._rows = min(self._rows * 2, _MOST_ROWS)
        else:
            self._pass(first if self._newest_first else end - 1)
            self._span = min(self._span * 2, max(_MOST_SPAN, self._span))
        return found

    def _piece(self) -> tuple[int, int]:
        if self._newest_first:
            return max(self.first, self.end - self._span), self.end
        return self.first, min(self.end, self.first + self._span)

    def _pass(self, index: int) -> None:
        if self._newest_first:
            self.end = index
        else:
            self.first = index + 1

    async def _select(self, first: int, end: int, limit: int) -> list[EventRow]:
        found = [
            await self._store.select(
                Selection(
                    first=self._base + first,
                    last=self._base + end - 1,
                    equal=self._where.equal,
                    contains=self._contains,
                    person=person,
                    newest_first=self._newest_first,
                    limit=limit,
                )
            )
            for person in self._people
        ]
        if len(found) == 1:
            return found[0]
        # Each person's rows are complete up to their last one; so are the first of all rows.
        merged = merge(*found, key=lambda row: row.position, reverse=self._newest_first)
        return list(islice(_unique(merged), limit))

    async def _mentions(self, rows: Sequence[EventRow]) -> dict[int, list[MentionRow]]:
        found: dict[int, list[MentionRow]] = {}
        positions = sorted(row.position for row in rows if row.mentions)
        for first, last in _runs(positions):
            for mention in await self._store.mentions(first, last):
                found.setdefault(mention.position, []).append(mention)
        return found


def _unique(rows: Iterator[EventRow]) -> Iterator[EventRow]:
    last = -1
    for row in rows:
        if row.position != last:
            last = row.position
            yield row


def _runs(positions: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges that cover the positions with small gaps only."""
    if not positions:
        return
    first = last = positions[0]
    for position in positions[1:]:
        if position - last > _NEAR:
            yield first, last
            first = position
        last = position
    yield first, last
