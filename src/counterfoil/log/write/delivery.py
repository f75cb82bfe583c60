"""Delivery: entries that were finished earlier, brought into the log in their order.

What brings them delivers at least once, and the log records each id once: so entries that are
there already are compared, and those that never will be recorded are told apart from a log that
is away.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, NamedTuple

from counterfoil.errors import ConflictError, CounterfoilError, InputError
from counterfoil.record.entry import UntimedEntry

#: Writes an entry by the usual way, and waits for its commit.
Put = Callable[[UntimedEntry], Awaitable[str]]
#: Appends a group, in its order; the places of those that were there already.
Append = Callable[[Sequence[UntimedEntry]], Awaitable[list[int]]]
#: Makes the log's own event ``audit.gap``: its ``audit`` member, its id, the log it stands in,
#: and the company where that is its own.
MakeGap = Callable[[dict[str, Any], str, str, str | None], UntimedEntry]


#: What tells logs apart before their names are settled.
LogKey = tuple[str, str | None]


class Fault(NamedTuple):
    """An entry that will never be recorded, by its place, and why."""

    place: int
    reason: str
    error: Exception


class Delivery:
    """Brings groups of entries into the log.

    Args:
        append: appends a group past the queue.
        put: writes one entry by the usual way.
        most_logs: the most logs in one transaction.
    """

    def __init__(self, append: Append, put: Put, most_logs: int) -> None:
        self._append = append
        self._put = put
        self._most_logs = most_logs

    def groups(self, entries: Sequence[UntimedEntry]) -> Iterator[range]:
        """The places of the entries in their order, so that each group is of few enough logs."""
        start = 0
        logs: set[LogKey] = set()
        for place, entry in enumerate(entries):
            logs.add(log_of(entry))
            if len(logs) > self._most_logs:
                yield range(start, place)
                start, logs = place, {log_of(entry)}
        if entries:
            yield range(start, len(entries))

    async def bring(self, group: Sequence[UntimedEntry]) -> list[Fault]:
        """Bring a group into the log; those that never will be recorded, because of themselves.

        Raises:
            StoreError, WriteError: the log does not take it now.
        """
        try:
            repeats = await self._append(group)
        except Exception as error:
            if isinstance(error, (CounterfoilError, OSError, MemoryError)) and not isinstance(
                error, InputError
            ):
                raise
            # One of them has something that no check of ours has foreseen. The others need not
            # wait for that.
            if len(group) == 1:
                return [Fault(0, "refused", error)]
            middle = len(group) // 2
            return [
                *await self.bring(group[:middle]),
                *(
                    fault._replace(place=fault.place + middle)
                    for fault in await self.bring(group[middle:])
                ),
            ]
        faults = []
        for place in repeats:
            # It is there, and is compared in the usual way.
            try:
                await self._put(group[place])
            except ConflictError as error:
                faults.append(Fault(place, "conflict", error))
        return faults


def log_of(entry: UntimedEntry) -> LogKey:
    """What tells an entry's log from others: where it is not settled, the company."""
    return entry.log, None if entry.log else entry.company_id
