"""A direct append: entries that must keep their order, in one transaction past the queue.

The queue may spread what is put into it over two batches, of which the second can succeed
where the first fails. What the drain brings has an order to keep.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from counterfoil.clock import Clock
from counterfoil.errors import StoreUnavailableError
from counterfoil.record.entry import UntimedEntry
from counterfoil.store import Store

from .batch import BatchBuilder


class DirectAppend:
    """Appends groups of entries, one group at a time.

    Args:
        store: an open store.
        clock: gives the time of recording.
        origin: the origin of a log that has to be made, by its name.
        clear: lets a log be written to, or refuses it.
        committed: called on the event loop with the new sizes of a group's logs.
        timeout: seconds to wait for the store.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        origin: Callable[[str], str],
        clear: Callable[[str], Awaitable[None]],
        committed: Callable[[dict[str, int]], None],
        timeout: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._origin = origin
        self._clear = clear
        self._committed = committed
        self._timeout = timeout
        #: What the store has. A store that hangs is given nothing more.
        self._flight: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    async def append(self, entries: Sequence[UntimedEntry]) -> list[int]:
        """Append a group, all of it or nothing, in its order.

        Args:
            entries: of at most 64 logs; every one named its id.

        Returns:
            The places of those whose id was there already; they are not recorded again.

        Raises:
            StoreUnavailableError: the store does not answer. The group may yet be committed.
            StoreError: nothing of it is there, or ``outcome_known`` is False.
            RefusedError: a log refuses to be written to.
        """
        async with self._turn:
            return await self._append(entries)

    async def _append(self, entries: Sequence[UntimedEntry]) -> list[int]:
        if self._flight is not None:
            await self._land(self._flight)
        for log in sorted({entry.log for entry in entries}):
            await self._clear(log)
        builder = BatchBuilder(entries, self._clock, {}, self._origin)
        self._flight = asyncio.create_task(self._fly(builder), name="counterfoil-direct-append")
        failure = await self._land(self._flight)
        if failure is not None:
            raise failure
        return sorted(builder.repeats)

    async def _fly(self, builder: BatchBuilder) -> None:
        await self._store.append(builder.requests, builder.ids, builder.build, builder.prepare)
        if builder.sizes:
            self._committed(builder.sizes)

    async def _land(self, flight: asyncio.Task[None]) -> BaseException | None:
        """How it ended, once it has; a caller that is cancelled leaves it to the store."""
        done, _ = await asyncio.wait({flight}, timeout=self._timeout)
        if not done:
            failure = StoreUnavailableError("The store does not answer.")
            failure.outcome_known = False
            raise failure
        self._flight = None
        return asyncio.CancelledError() if flight.cancelled() else flight.exception()
