"""The queue: what waits to be written, in batches, and the bounds of waiting.

What gathers while a batch is on its way goes with the next one: one caller alone is served
at once, and a thousand callers share a few batches.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import ClassVar, NamedTuple

from counterfoil.errors import ClosedError, QueueFullError, WriteError, WriteTimeoutError
from counterfoil.log.limits import Limits
from counterfoil.record.entry import UntimedEntry

from .waiting import Waiting

#: How often waiting callers are checked against the time limit, as a part of that limit.
_CHECKS_PER_LIMIT = 4


class Flight(NamedTuple):
    """A batch on its way, and the task that waits for it."""

    task: asyncio.Task[None]
    batch: Waiting


class WriteQueue(ABC):
    """The queue of an open log. A subclass brings its batches to where they go.

    Args:
        limits: bounds of the queue and of waiting.
        abandoned: called on the event loop with an entry that was not, or is not known to be,
            written, and with its error, where its caller was cancelled meanwhile; None where
            nobody is to hear of it.

    Attributes:
        FLIGHTS: batches that may be on their way at once.
    """

    FLIGHTS: ClassVar[int]

    def __init__(
        self,
        limits: Limits,
        abandoned: Callable[[UntimedEntry, WriteError], None] | None = None,
    ) -> None:
        self._limits = limits
        self._abandoned = abandoned
        self._loop = asyncio.get_running_loop()
        self._queue = Waiting()
        self._queued_bytes = 0
        self._rooms: deque[asyncio.Future[None]] = deque()
        self._flights: dict[int, Flight] = {}
        self._numbers = count()
        self._start_scheduled = False
        self._start_at = 1
        self._watch: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self.closed = False

    @abstractmethod
    async def _carry(self, batch: Waiting) -> None:
        """Bring a batch to where it goes, and answer its callers. Raises nothing."""

    @property
    def waiting(self) -> int:
        """Events that are queued or in flight."""
        return len(self._queue) + sum(len(flight.batch) for flight in self._flights.values())

    @property
    def has_room(self) -> bool:
        """Whether an event may be queued at once."""
        limits = self._limits
        return (
            len(self._queue.entries) < limits.queue_events
            and self._queued_bytes < limits.queue_bytes
        )

    def put(self, entry: UntimedEntry) -> asyncio.Future[str]:
        """Queue an event; the future gives its id once it is committed and synced.

        The future may be cancelled; the event is written all the same.

        Raises:
            ClosedError: the log is closing.
        """
        if self.closed:
            raise ClosedError
        return self._enqueue(entry)

    async def outcome(self, entry: UntimedEntry, future: asyncio.Future[str]) -> str:
        """Wait for what a queued entry comes to. Cancelling the caller does not withdraw it."""
        try:
            return await future
        except asyncio.CancelledError:
            self.left(entry, future)
            raise

    def left(self, entry: UntimedEntry, future: asyncio.Future[str]) -> None:
        """Nobody waits for an event's future any more."""
        if not future.done():
            future.cancel()
        elif not future.cancelled():
            # It may have failed just before: the cancellation hides that.
            failure = future.exception()
            if isinstance(failure, WriteError) and self._abandoned is not None:
                self._abandoned(entry, failure)

    def _enqueue(self, entry: UntimedEntry) -> asyncio.Future[str]:
        future: asyncio.Future[str] = self._loop.create_future()
        self._queue.add(entry, future, self._loop.time())
        self._queued_bytes += entry.size
        if len(self._flights) < self.FLIGHTS:
            self._start_soon()
        return future

    async def room(self, event_id: str) -> None:
        """Wait until an event may be queued.

        Raises:
            QueueFullError: the time limit passed.
            ClosedError: the log was closed meanwhile.
        """
        deadline = self._loop.time() + self._limits.queue_timeout
        while not self.has_room:
            if self.closed:
                raise ClosedError
            future: asyncio.Future[None] = self._loop.create_future()
            self._rooms.append(future)
            try:
                async with asyncio.timeout_at(deadline):
                    await future
            except TimeoutError:
                raise QueueFullError(event_id=event_id) from None

    async def drain(self) -> None:
        """Wait until nothing is queued or in flight."""
        if self._queue and not self._flights:
            # Queued a moment ago, to be started at the loop's next turn.
            self._start()
        await self._idle.wait()

    async def close(self) -> None:
        """Take no more events and write those that are queued."""
        self.closed = True
        self._let_in()
        await self.drain()
        if self._watch is not None:
            self._watch.cancel()

    def _start_soon(self) -> None:
        # Callers that a commit has woken come back one by one. Starting when half of all are
        # there lets the others gather while these are written; where they do not come, what
        # is there goes once the loop has let everyone else run.
        if len(self._queue) >= self._start_at:
            self._start()
        elif not self._start_scheduled:
            self._start_scheduled = True
            self._loop.call_soon(self._start_idle)

    def _start_idle(self) -> None:
        self._start_scheduled = False
        if len(self._flights) < self.FLIGHTS and self._queue:
            self._start()

    def _start(self) -> None:
        batch = self._queue.gather(self._limits.batch_events, self._limits.batch_logs)
        self._queued_bytes -= batch.size
        self._idle.clear()
        flight = next(self._numbers)
        self._flights[flight] = Flight(self._loop.create_task(self._write(flight, batch)), batch)
        self._let_in()
        if self._watch is None:
            self._keep_watch()

    async def _write(self, flight: int, batch: Waiting) -> None:
        try:
            await self._carry(batch)
        finally:
            # Here and not in a callback of the task: the callers are awake but have not run.
            del self._flights[flight]
            self._start_at = max(1, (len(batch) + self.waiting) // self.FLIGHTS)
            if self._queue:
                self._start_soon()
            elif not self._flights:
                self._idle.set()

    def _tell(
        self, batch: Waiting, make: Callable[[UntimedEntry], WriteError], count: int | None = None
    ) -> None:
        for entry in batch.refuse(make, count):
            if self._abandoned is not None:
                self._abandoned(entry, make(entry))

    def _let_in(self) -> None:
        # As many as there are places; each looks again for itself once it runs.
        places = self._limits.queue_events - len(self._queue) if self.has_room else 0
        if self.closed:
            places = len(self._rooms)
        while self._rooms and places > 0:
            future = self._rooms.popleft()
            if not future.done():
                future.set_result(None)
                places -= 1

    def _keep_watch(self) -> None:
        now = self._loop.time()
        limit = self._limits.write_timeout
        # Those in flight may yet be committed; those in the queue are withdrawn.
        for flight in self._flights.values():
            self._tell(flight.batch, _timed_out, flight.batch.overdue(now - limit))
        overdue = self._queue.cut(self._queue.overdue(now - limit))
        self._queued_bytes -= overdue.size
        self._tell(overdue, lambda entry: WriteTimeoutError(event_id=entry.event_id))
        self._let_in()
        if self._flights or self._queue:
            self._watch = self._loop.call_later(limit / _CHECKS_PER_LIMIT, self._keep_watch)
        else:
            self._watch = None


def _timed_out(entry: UntimedEntry) -> WriteTimeoutError:
    return WriteTimeoutError(event_id=entry.event_id, outcome_known=False)
