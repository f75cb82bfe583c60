"""One thread that owns one connection.

A database driver that blocks runs here, never on the event loop. The thread is a daemon: an
interpreter that exits without closing is not held up, and what was acknowledged before is
committed by then.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

from counterfoil.errors import ClosedError, ForkedError

C = TypeVar("C")
R = TypeVar("R")

_Job = tuple[Callable[[C], object], "asyncio.Future[object]"]


class ConnectionThread(Generic[C]):
    """Runs functions on a connection, one after the other, in a thread of its own.

    Args:
        connect: makes the connection, in the thread.
        disconnect: closes it, in the thread.
        name: the thread's name.
    """

    def __init__(
        self, connect: Callable[[], C], disconnect: Callable[[C], None], name: str
    ) -> None:
        self._connect = connect
        self._disconnect = disconnect
        self._jobs: SimpleQueue[_Job[C] | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[object] = self._loop.create_future()
        self._done: asyncio.Future[object] = self._loop.create_future()
        self._closed = False
        self._pid = os.getpid()
        self.waiting = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    async def open(self) -> None:
        """Start the thread and connect. Raises what ``connect`` raises."""
        self._thread.start()
        await self._opened

    async def run(self, function: Callable[[C], R]) -> R:
        """Call a function with the connection and return its result.

        Cancelling the caller does not stop the function.

        Raises:
            ClosedError: the thread was closed. ForkedError: this is a child process.
        """
        if os.getpid() != self._pid:
            raise ForkedError
        if self._closed:
            raise ClosedError
        future: asyncio.Future[object] = self._loop.create_future()
        self.waiting += 1
        self._jobs.put((function, future))
        try:
            return await future  # type: ignore[return-value]
        finally:
            self.waiting -= 1

    async def close(self) -> None:
        """Let what is queued finish, disconnect, end the thread. Idempotent."""
        if os.getpid() != self._pid:
            raise ForkedError
        if not self._closed:
            self._closed = True
            if self._thread.ident is None:
                return
            self._jobs.put(None)
        if self._thread.ident is not None:
            await asyncio.shield(self._done)

    def _run(self) -> None:
        try:
            connection = self._connect()
        except BaseException as error:  # noqa: BLE001 - handed to whoever opens
            self._settle(self._opened, None, error)
            self._settle(self._done, None, None)
            return
        self._settle(self._opened, None, None)
        while (job := self._jobs.get()) is not None:
            function, future = job
            try:
                result = function(connection)
            except BaseException as error:  # noqa: BLE001 - handed to the caller
                self._settle(future, None, error)
            else:
                self._settle(future, result, None)
            # Keep nothing of the last job alive while waiting for the next one.
            del job, function, future
        try:
            self._disconnect(connection)
        except BaseException as error:  # noqa: BLE001 - handed to whoever closes
            self._settle(self._done, None, error)
        else:
            self._settle(self._done, None, None)

    def _settle(
        self, future: asyncio.Future[object], result: object, error: BaseException | None
    ) -> None:
        try:
            self._loop.call_soon_threadsafe(_set, future, result, error)
        except RuntimeError:
            # The loop was closed under us: nobody waits any more, and the work is done.
            if not self._loop.is_closed():
                raise


def _set(future: asyncio.Future[object], result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
