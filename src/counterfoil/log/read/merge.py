"""Merging: the matching events of several logs in one order, a bounded piece at a time.

The order is that of ``recorded_at``, then of the logs' numbers, then of the indexes. A log is
looked into only once none of the others can have the next event: reading the newest first,
where thousands of logs are, touches no more of them than the page shows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import Final

from counterfoil.record import Event
from counterfoil.record.instant import to_micros
from counterfoil.store import Head, Store

from .cursor import Cursor
from .filter import Filter
from .places import Moment, Places
from .scan import Scan
from .tally import span

#: Events of all logs together that may have been read ahead.
_MOST_AHEAD: Final = 4_096
_MOST_PIECE: Final = 64
#: Earlier than any event.
_NO_TIME: Final = -(1 << 63)


class Part:
    """One log's part of a merge.

    Args:
        head: the log's.
        after: where in it, or in the order of all, the reading goes on.
        piece: events that are read ahead at most.
    """

    def __init__(
        self,
        store: Store,
        head: Head,
        where: Filter,
        after: Places | Moment | None,
        piece: int,
        *,
        newest_first: bool,
    ) -> None:
        self.number = head.number
        self._store = store
        self._head = head
        self._where = where
        self._after = after
        self._piece = piece
        self._newest_first = newest_first
        self._scan: Scan | None = None
        self._ready: deque[Event] = deque()
        #: The log's size when the reading began; newest first only.
        self.top = 0
        #: No event that is left is newer than this, or, oldest first, older.
        self.bound = head.recorded_at if newest_first else where.since or _NO_TIME
        if isinstance(after, Moment):
            nearer = min if newest_first else max
            self.bound = nearer(self.bound, after.recorded_at)

    @property
    def key(self) -> tuple[int, int]:
        """What orders parts by their next event; the smallest comes first."""
        return (-self.bound, -self.number) if self._newest_first else (self.bound, self.number)

    @property
    def is_open(self) -> bool:
        """Whether the range of indexes is settled."""
        return self._scan is not None

    @property
    def place(self) -> Cursor:
        """Where in the log the next event is looked for."""
        assert self._scan is not None, "a place is asked for once the part was opened"
        if self._newest_first:
            index = self._ready[0].index + 1 if self._ready else self._scan.end
            return Cursor(index, self.top, newest_first=True)
        return Cursor(self._ready[0].index if self._ready else self._scan.first)

    async def open(self) -> Scan:
        """Settle the range of indexes.

        Raises:
            CursorError: the place lies behind the log's end.
        """
        if self._scan is None:
            first, end = await self._range()
            self._scan = Scan(
                self._store,
                self.number,
                self._where,
                first,
                end,
                newest_first=self._newest_first,
            )
        return self._scan

    async def fill(self) -> bool:
        """Read ahead where nothing is; whether there is a next event."""
        scan = await self.open()
        while not self._ready and not scan.done:
            self._ready.extend(await scan.step(self._piece))
        if self._ready:
            self.bound = to_micros(self._ready[0].recorded_at)
        return bool(self._ready)

    def pop(self) -> Event:
        """The next event."""
        return self._ready.popleft()

    def push(self, event: Event) -> None:
        """Take back the event that was given out last."""
        self._ready.appendleft(event)
        self.bound = to_micros(event.recorded_at)

    async def _range(self) -> tuple[int, int]:
        first, end = await span(self._store, self._head, self._where)
        self.top = end
        after, newest_first = self._after, self._newest_first
        if isinstance(after, Places):
            place = after.of.get(self.number)
            if place is not None:
                place.check(self._head.size)
            if not newest_first:
                first = max(first, place.index if place else 0)
            else:
                # What a log had not yet when the reading began is not shown.
                self.top = place.top if place else 0
                end = min(end, place.index if place else 0)
        elif isinstance(after, Moment):
            at = await self._index_of(after)
            first, end = (first, min(end, at)) if newest_first else (max(first, at), end)
        return first, max(first, end)

    async def _index_of(self, moment: Moment) -> int:
        """The index of the first event that does not come before a moment in the order of all."""
        if self.number == moment.number:
            return min(moment.index, self._head.size)
        time = moment.recorded_at + (self.number < moment.number)
        return await self._store.boundary(self.number, self._head.size, time)


class Merge:
    """Reads several logs in one order. Has what :class:`Scan` has.

    Args:
        store: where the logs are.
        heads: theirs.
        where: what events must be like.
        after: where the reading goes on; None begins.
        ahead: events of each log that are read ahead at most, within a bound for all.
        newest_first: the order.
    """

    def __init__(
        self,
        store: Store,
        heads: Sequence[Head],
        where: Filter,
        after: Places | Moment | None = None,
        *,
        ahead: int = _MOST_PIECE,
        newest_first: bool,
    ) -> None:
        piece = max(1, min(ahead, _MOST_PIECE, _MOST_AHEAD // max(1, len(heads))))
        self.parts = [
            Part(store, head, where, after, piece, newest_first=newest_first) for head in heads
        ]
        self._heap = [(part.key, part) for part in self.parts]
        heapify(self._heap)
        self._last: Part | None = None
        self._taken: list[Event] = []

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return not self._heap

    async def open(self) -> None:
        """Settle every log's range.

        Raises:
            CursorError: a place lies behind a log's end.
        """
        for part in self.parts:
            await part.open()

    async def take(self, count: int) -> list[Event]:
        """The next matching events: ``count`` of them, or fewer where there are no more."""
        # Kept here, so that a step that is cancelled loses nothing.
        found = self._taken
        while len(found) < count and self._heap:
            key, part = self._heap[0]
            if not await part.fill():
                heappop(self._heap)
            elif part.key != key:
                # Its next event is not the next of all, perhaps.
                heappop(self._heap)
                heappush(self._heap, (part.key, part))
            else:
                found.append(part.pop())
                self._last = part
        self._taken = []
        return found

    def put_back(self, event: Event) -> None:
        """Take back the event that was given out last: it is the next again."""
        part = self._last
        assert part is not None, "an event was given out"
        part.push(event)
        self._heap = [(one.key, one) for _, one in self._heap if one is not part]
        self._heap.append((part.key, part))
        heapify(self._heap)

    def places(self) -> dict[int, Cursor]:
        """The place in each log, once it was opened."""
        return {part.number: part.place for part in self.parts}

    def indexes(self) -> dict[int, int]:
        """The index of the next event of each log that was opened."""
        return {part.number: part.place.index for part in self.parts if part.is_open}
