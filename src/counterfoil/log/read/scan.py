"""Scans: the matching events of a part of a log, in order, a bounded piece at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice

from counterfoil.errors import StoreError
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

logger = logging.getLogger("counterfoil")


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
        self._lookup = where.lookup if where.text and not where.is_narrow else None
        #: The events below this index are in the text index; None until it was asked.
        self._mark: int | None = None if self._lookup else 0

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
        if self._mark is None:
            self._mark = await self._indexed()
        first, end = self._piece()
        limit = count if self._where.is_exact else max(count, self._rows)
        if end <= self._mark:
            rows, last = await self._look_up(first, end, limit)
        else:
            rows = await self._select(first, end, limit)
            last = rows[-1].index if len(rows) == limit else None
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
        if last is not None:
            self._pass(last)
            self._rows = min(self._rows * 2, _MOST_ROWS)
        else:
            self._pass(first if self._newest_first else end - 1)
            self._span = min(self._span * 2, max(_MOST_SPAN, self._span))
        return found

    def _piece(self) -> tuple[int, int]:
        mark = self._mark or 0
        if self._newest_first:
            if self.end <= mark:
                return self.first, self.end
            return max(self.first, mark, self.end - self._span), self.end
        if self.first < mark:
            return self.first, min(self.end, mark)
        return self.first, min(self.end, self.first + self._span)

    def _pass(self, index: int) -> None:
        if self._newest_first:
            self.end = index
        else:
            self.first = index + 1

    async def _indexed(self) -> int:
        """How much of the log the text index holds; 0 where it cannot be asked."""
        assert self._lookup is not None, "asked only where there is one"
        try:
            mark = (await self._lookup.marks()).logs.get(self._base // LOG_SPAN)
        except StoreError as error:
            logger.warning("Text is searched for without its index. %s", error)
            return 0
        return 0 if mark is None else mark.size

    async def _look_up(self, first: int, end: int, limit: int) -> tuple[list[EventRow], int | None]:
        """The events that hold the words by the text index, and where to go on, if anywhere."""
        assert self._lookup is not None, "asked only where there is one"
        found = await self._lookup.find(
            self._where.text,
            self._where.equal.get("company_id", ()),
            self._base + first,
            self._base + end - 1,
            newest_first=self._newest_first,
            limit=limit,
        )
        # What the index leads to is gone where it was purged, or another event in a restored log.
        positions = {one.id: one.position for one in found}
        rows = [
            row
            for row in await self._store.find(list(positions))
            if positions[row.id] == row.position
        ]
        rows.sort(key=lambda row: row.position, reverse=self._newest_first)
        return rows, found[-1].position % LOG_SPAN if len(found) == limit else None

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
