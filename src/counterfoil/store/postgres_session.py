"""Sessions on a PostgreSQL server: a few connections, made when needed and again when lost.

Every wait is bounded, on both sides: the server gives up a statement, a lock, or a session that
stopped in the middle of a transaction; and a server that does not answer is left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from .postgres_connection import Connector, Session
from .postgres_error import FAILURES, is_elsewhere, is_lost

R = TypeVar("R")


class Sessions:
    """Up to ``size`` sessions of one kind of work, each used by one at a time.

    Args:
        connector: makes them; a free one is waited for as long as for connecting.
        patience: seconds for a statement.
        size: how many at once.
    """

    def __init__(self, connector: Connector, *, patience: float, size: int) -> None:
        self._connector = connector
        self._timeout = connector.timeout
        self._patience = patience
        self._room = asyncio.Semaphore(size)
        #: The last one used is used next, so that few are kept busy.
        self._free: list[Session] = []

    async def close(self) -> None:
        """Let go of every connection, of those that hang without a word."""
        while self._free:
            session = self._free.pop()
            try:
                await session.close(timeout=self._timeout)
            except FAILURES:
                session.terminate()

    def terminate(self) -> None:
        """Drop every connection at once."""
        while self._free:
            self._free.pop().terminate()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Session]:
        """A session of one's own; one that is lost, hangs or takes no writes is not used again."""
        await self._enter()
        try:
            session = await self._take()
            try:
                yield session
            except BaseException as error:
                if _is_spoilt(error):
                    session.terminate()
                raise
            finally:
                self._give_back(session)
        finally:
            self._room.release()

    async def run(self, work: Callable[[Session], Awaitable[R]]) -> R:
        """Do something that changes nothing: it is done again where the connection was lost."""
        try:
            async with self.one() as session:
                return await work(session)
        except BaseException as error:
            if not is_lost(error):
                raise
        async with self.one() as session:
            return await work(session)

    async def _enter(self) -> None:
        if self._room.locked():
            async with asyncio.timeout(self._timeout):
                await self._room.acquire()
        else:
            # There is room: nothing is awaited, and so no turn of the event loop is lost.
            await self._room.acquire()

    async def _take(self) -> Session:
        while self._free:
            session = self._free.pop()
            if not session.is_closed():
                return session
        return await self._connector.session(self._patience)

    def _give_back(self, session: Session) -> None:
        if session.is_closed() or session.is_in_transaction():
            session.terminate()
        else:
            self._free.append(session)


def _is_spoilt(error: BaseException) -> bool:
    return (
        is_lost(error)
        or is_elsewhere(error)
        or isinstance(error, (TimeoutError, asyncio.CancelledError))
    )
