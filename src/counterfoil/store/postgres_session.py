"""Sessions on a PostgreSQL server: a few connections, made when needed and again when lost.

Every wait is bounded, on both sides: the server gives up a statement, a lock, or a session that
stopped in the middle of a transaction; and a server that does not answer is left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from counterfoil.errors import ConfigurationError, StoreUnsafeError

from .postgres_address import PostgresAddress
from .postgres_error import is_lost
from .statement import read_statement

R = TypeVar("R")

Session: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

#: Pages come in an index's order and stop early. What else the planner may think of reads all,
#: and sorts, which it takes to be cheap where it expects few events.
PLANNING = {"enable_bitmapscan": "off", "enable_seqscan": "off"}
#: Seconds that the server is given to say itself that it gives up.
_GRACE = 1.0


class Backend(NamedTuple):
    """The server's process behind a session. Its number may come again, but not with its start."""

    process: int
    begun_at: datetime


class Sessions:
    """Up to ``size`` sessions of one kind of work.

    Args:
        address: the database.
        timeout: seconds for connecting, for a free session and for another session's lock.
        patience: seconds for a statement.
        size: how many at once.
    """

    def __init__(
        self, address: PostgresAddress, *, timeout: float, patience: float, size: int
    ) -> None:
        self._timeout = timeout
        self._backends: dict[int, Backend] = {}
        self._opened = False
        try:
            self._pool = asyncpg.create_pool(
                address.dsn,
                min_size=0,
                max_size=size,
                timeout=timeout,
                command_timeout=patience + _GRACE,
                init=self._begin,
                reset=_leave_as_it_is,
                server_settings={
                    "application_name": "counterfoil",
                    "default_transaction_isolation": "read committed",
                    "idle_in_transaction_session_timeout": _milliseconds(timeout),
                    "lock_timeout": _milliseconds(timeout),
                    "statement_timeout": _milliseconds(patience),
                    # Compiling pays for long statements only, and ours are short.
                    "jit": "off",
                    **PLANNING,
                    "search_path": "pg_catalog",
                },
            )
        except (ValueError, asyncpg.InterfaceError):
            # The driver's message may hold a part of the address, and so of the password.
            raise ConfigurationError(
                "The PostgreSQL address cannot be used.",
                remedy="Use postgresql://user@host:port/database and the options of libpq.",
            ) from None

    async def open(self) -> None:
        """Connect once, to see that it goes."""
        await self._pool
        self._opened = True
        async with self.one():
            pass

    async def close(self) -> None:
        """Let go of every connection, of those that hang without a word."""
        if not self._opened:
            return
        try:
            async with asyncio.timeout(self._timeout):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    def terminate(self) -> None:
        """Drop every connection at once."""
        if self._opened:
            self._pool.terminate()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Session]:
        """A session of one's own. One that is lost, or does not answer, is not used again."""
        session = await self._pool.acquire(timeout=self._timeout)
        try:
            yield session
        except BaseException as error:
            if is_lost(error) or isinstance(error, (TimeoutError, asyncio.CancelledError)):
                session.terminate()
            raise
        finally:
            await self._pool.release(session, timeout=self._timeout)

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

    def backend(self, session: Session) -> Backend:
        """Who serves a session."""
        return self._backends[session.get_server_pid()]

    async def _begin(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        found: Any = await connection.fetchrow(read_statement("postgres", "session"))
        if found["encoding"] != "UTF8":
            raise ConfigurationError(
                f"The database's encoding is {found['encoding']}.",
                remedy="Create it with ENCODING 'UTF8'.",
            )
        if not found["synced"]:
            raise StoreUnsafeError
        number = connection.get_server_pid()
        self._backends[number] = Backend(found["process"], found["begun_at"])

        def forget(_: object) -> None:
            self._backends.pop(number, None)

        connection.add_termination_listener(forget)


async def _leave_as_it_is(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Nothing of ours outlives its transaction, so no statement is spent on undoing it."""


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))
