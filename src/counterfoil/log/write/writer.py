"""Group commit: events gather in a bounded queue and go into the store a batch at a time.

At most two batches are in flight: while the store syncs one, the next is ready behind it, and
what gathers meanwhile is the one after. So one caller pays one commit, and a thousand callers
share a few.

What survives a crash: nothing of the queue, and nobody was told of it; a batch whole or not
at all, and its callers are woken only after the store has synced it.
"""

from __future__ import annotations

from collections.abc import Callable

from counterfoil.clock import Clock
from counterfoil.errors import (
    CounterfoilError,
    RefusedError,
    StoreError,
    WriteError,
    WriteTimeoutError,
)
from counterfoil.log.limits import Limits
from counterfoil.record.entry import UntimedEntry
from counterfoil.store import Store

from .batch import BatchBuilder, TreeEdge
from .comparison import Comparisons
from .queue import WriteQueue
from .waiting import Waiting

#: Up to this size a batch is hashed on the event loop, while the store writes the one before:
#: under the interpreter lock no thread of ours would stall the loop less, and the store's
#: thread would be kept from writing. Longer work goes there, and lets go of the lock at times.
_HASHED_HERE = 1 << 20


class Writer(WriteQueue):
    """The queue and the one writer of an open log.

    Args:
        store: where batches go.
        clock: gives the time of recording.
        limits: bounds of the queue and of waiting.
        origin: the origin of a log that has to be made, by its name.
        committed: called on the event loop with the new sizes of the logs of each batch.
        conflict: makes the log's own event about an id that came again with other content,
            from the new call's entry; None records nothing of it.
        abandoned: as in ``WriteQueue``.
    """

    #: One that the store writes, and the next.
    FLIGHTS = 2

    def __init__(
        self,
        store: Store,
        clock: Clock,
        limits: Limits,
        origin: Callable[[str], str],
        committed: Callable[[dict[str, int]], None],
        conflict: Callable[[UntimedEntry], UntimedEntry] | None = None,
        abandoned: Callable[[UntimedEntry, WriteError], None] | None = None,
    ) -> None:
        super().__init__(limits, abandoned)
        self._store = store
        self._clock = clock
        self._origin = origin
        self._committed = committed
        self._conflict = conflict
        self._edges: dict[str, TreeEdge] = {}
        self._comparisons = Comparisons(store, limits.write_timeout, self._record_conflict)

    async def drain(self) -> None:
        """Wait until nothing is queued, in flight or compared."""
        await super().drain()
        await self._comparisons.drain()
        await super().drain()

    async def _record_conflict(self, entry: UntimedEntry) -> None:
        if self._conflict is not None:
            await self._enqueue(self._conflict(entry))

    async def _carry(self, batch: Waiting) -> None:
        try:
            builder = BatchBuilder(batch.entries, self._clock, self._edges, self._origin)
            prepare: Callable[[], None] | None = builder.prepare
            if batch.size <= _HASHED_HERE:
                builder.prepare()
                prepare = None
            await self._store.append(builder.requests, builder.ids, builder.build, prepare)
        except CounterfoilError as error:
            await self._refuse(batch, error)
            return
        except Exception as error:  # noqa: BLE001 - whatever went wrong, callers must hear of it
            failure = StoreError(f"Writing failed unexpectedly ({type(error).__name__}).")
            failure.__cause__ = error
            failure.outcome_known = False
            await self._refuse(batch, failure)
            return
        batch.answer(but=builder.repeats)
        if builder.sizes:
            self._committed(builder.sizes)
        for place, earlier in builder.repeats.items():
            # Beside the flight, which must not wait for the event that records a conflict.
            self._comparisons.start(batch.entries[place], batch.futures[place], earlier)

    async def _refuse(self, batch: Waiting, error: CounterfoilError) -> None:
        known = error.outcome_known if isinstance(error, StoreError) else True
        logs = {entry.log for entry in batch.entries}
        if len(logs) > 1 and known:
            # One log's trouble is not the others': each is tried by itself.
            for log in sorted(logs):
                part = batch.of_log(log)
                if part:
                    await self._carry(part)
            return
        self._tell(batch, lambda entry: write_error(entry, error, known))


def write_error(
    entry: UntimedEntry,
    error: CounterfoilError,
    known: bool = True,
    *,
    kind: type[WriteError] = WriteError,
) -> WriteError:
    """What the callers of a batch that failed are told."""
    if isinstance(error, RefusedError):
        kind = type(error)
    failure = kind(
        f"The event was not recorded: {error.message}"
        if known
        else f"The event may not have been recorded: {error.message}",
        remedy=error.remedy or WriteTimeoutError.remedy,
        event_id=entry.event_id,
        outcome_known=known,
    )
    failure.__cause__ = error
    return failure
