"""Waiting: entries on their way into the store, and the callers that want to hear of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from counterfoil.record.entry import UntimedEntry

#: How far behind, in batches, a log's further entries are looked for.
_REACH = 16


class Waiting:
    """Entries, the futures of their callers, and when they were queued (seconds), in order.

    Three lists side by side and not a list of triples: whatever waits is visited by the
    garbage collector again and again, and lists are cut faster than they are walked.
    """

    __slots__ = ("entries", "futures", "queued_at")

    def __init__(self) -> None:
        self.entries: list[UntimedEntry] = []
        self.futures: list[asyncio.Future[str]] = []
        self.queued_at: list[float] = []

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def size(self) -> int:
        """Bytes that the entries take, about."""
        return sum([entry.size for entry in self.entries])

    def add(self, entry: UntimedEntry, future: asyncio.Future[str], now: float) -> None:
        """Add an entry at the end."""
        self.entries.append(entry)
        self.futures.append(future)
        self.queued_at.append(now)

    def cut(self, count: int) -> Waiting:
        """Take the first ones out."""
        first = Waiting()
        first.entries, self.entries = self.entries[:count], self.entries[count:]
        first.futures, self.futures = self.futures[:count], self.futures[count:]
        first.queued_at, self.queued_at = self.queued_at[:count], self.queued_at[count:]
        return first

    def gather(self, most: int, logs: int) -> Waiting:
        """Take out up to ``most`` entries of at most so many logs.

        The logs are those whose entries have waited longest, each with all of its entries that
        are not far behind. So nobody is passed over, each log's order stays, and where
        thousands of logs are written to at once, a batch is no smaller than it must be.
        """
        seen: set[str] = set()
        for place, entry in enumerate(self.entries[:most]):
            if entry.log not in seen and len(seen) == logs:
                return self._gather_of(seen, place, most)
            seen.add(entry.log)
        return self.cut(most)

    def _gather_of(self, logs: Collection[str], first: int, most: int) -> Waiting:
        end = min(len(self), most * _REACH)
        places = [place for place in range(first, end) if self.entries[place].log in logs]
        del places[most - first :]
        gathered = self.cut(first)
        for name in self.__slots__:
            held = getattr(self, name)
            getattr(gathered, name).extend([held[place - first] for place in places])
        taken = {place - first for place in places}
        for name in self.__slots__:
            held = getattr(self, name)
            setattr(self, name, [one for place, one in enumerate(held) if place not in taken])
        return gathered

    def of_log(self, log: str) -> Waiting:
        """Those of one log, but for those whose callers were refused: they may try again."""
        found = Waiting()
        for entry, future, queued_at in zip(
            self.entries, self.futures, self.queued_at, strict=True
        ):
            if entry.log == log and (not future.done() or future.cancelled()):
                found.add(entry, future, queued_at)
        return found

    def overdue(self, before: float) -> int:
        """How many of the first ones were queued before a moment."""
        return next(
            (place for place, moment in enumerate(self.queued_at) if moment >= before), len(self)
        )

    def answer(self, but: Collection[int] = ()) -> None:
        """Tell every caller that still waits that its event is recorded.

        Args:
            but: the places of those that are not told yet.
        """
        for place, (entry, future) in enumerate(zip(self.entries, self.futures, strict=True)):
            if not future.done() and place not in but:
                future.set_result(entry.event_id)

    def refuse(
        self, make: Callable[[UntimedEntry], Exception], count: int | None = None
    ) -> list[UntimedEntry]:
        """Give the callers that still wait an error each.

        Args:
            make: makes the error of an entry's caller.
            count: only the first so many; None for all.

        Returns:
            The entries whose callers were cancelled, so that nobody hears of it; each once.
        """
        abandoned = []
        for place, future in enumerate(self.futures[:count]):
            if not future.done():
                future.set_exception(make(self.entries[place]))
            elif future.cancelled():
                self.futures[place] = _refused(future)
                abandoned.append(self.entries[place])
        return abandoned


def _refused(future: asyncio.Future[str]) -> asyncio.Future[str]:
    """A future that is done and was not cancelled."""
    refused: asyncio.Future[str] = future.get_loop().create_future()
    refused.set_result("")
    return refused
