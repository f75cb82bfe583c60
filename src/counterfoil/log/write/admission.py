"""Admission: an entry's way to a place in the queue, where it must wait for that.

It waits in a task of its own, so that a caller who is cancelled meanwhile withdraws nothing
(``spec/proof.md`` section 6, point 6). Of events whose callers are gone only so many wait:
the next one is given up at once, and so is spooled or counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from counterfoil.errors import ClosedError, CounterfoilError, QueueFullError, WriteError
from counterfoil.record.entry import UntimedEntry

from .queue import WriteQueue
from .writer import write_error

Place = asyncio.Future[str]


class Admission:
    """Lets entries into the queue, once their logs are cleared and there is room.

    Args:
        writer: has the queue.
        clear: lets an entry's log be written to, or refuses it.
        abandoned: told of an entry that got no place and whose caller was cancelled.
        most: entries whose callers are gone that may wait.
    """

    def __init__(
        self,
        writer: WriteQueue,
        clear: Callable[[UntimedEntry], Awaitable[None]],
        abandoned: Callable[[UntimedEntry, WriteError], None],
        most: int,
    ) -> None:
        self._writer = writer
        self._clear = clear
        self._abandoned = abandoned
        self._most = most
        self._tasks: set[asyncio.Task[Place]] = set()
        #: Those whose callers are gone.
        self._left: set[asyncio.Task[Place]] = set()
        self._closed = False

    @property
    def waiting(self) -> int:
        """Entries on their way into the queue."""
        return len(self._tasks)

    async def place(self, entry: UntimedEntry) -> Place:
        """Wait until an entry is queued; what its place in the queue comes to.

        Raises:
            WriteError: there was no room in time, or the log refuses to be written to.
            StoreError: the store is away. ClosedError: the log was closed meanwhile.
        """
        if self._closed:
            raise ClosedError
        task = asyncio.get_running_loop().create_task(
            self._admit(entry), name="counterfoil-admission"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            self._left.add(task)
            task.add_done_callback(partial(self._go_on, entry))
            if len(self._left) > self._most:
                task.cancel()
            raise
        return task.result()

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - gives up, and does not raise
        """Let nothing more in but what is on its way; wait for that whose callers are gone.

        Callers that are there hear of the closing from the queue, and need not wait for it.

        Args:
            timeout: seconds to wait for.
        """
        self._closed = True
        if self._left:
            await asyncio.wait(self._left, timeout=timeout)

    async def settle(self) -> None:
        """Wait until nothing is on its way any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _admit(self, entry: UntimedEntry) -> Place:
        await self._clear(entry)
        if not self._writer.has_room:
            await self._writer.room(entry.event_id)
        return self._writer.put(entry)

    def _go_on(self, entry: UntimedEntry, task: asyncio.Task[Place]) -> None:
        """For a caller who is gone."""
        self._left.discard(task)
        failure = None if task.cancelled() else task.exception()
        if task.cancelled():
            self._abandoned(entry, QueueFullError(event_id=entry.event_id))
        elif failure is None:
            # The writer tells of those whose callers are gone.
            task.result().cancel()
        elif isinstance(failure, WriteError):
            self._abandoned(entry, failure)
        elif isinstance(failure, CounterfoilError):
            self._abandoned(entry, write_error(entry, failure))
        else:
            self._abandoned(
                entry,
                WriteError(
                    f"The event was not recorded ({type(failure).__name__}).",
                    event_id=entry.event_id,
                ),
            )
