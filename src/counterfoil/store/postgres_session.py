"""Sessions on a PostgreSQL server: a few connections, made when needed and again when lost.

Every wait is bounded, on both sides: the server gives up a statement, a lock, or a session that
stopped in the middle of a transaction; and a server that does not answer is left alone.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import asyncpg

from counterfoil.errors import ConfigurationError, StoreUnsafeError

from .postgres_address import PostgresAddress
from .postgres_error import FAILURES, is_lost
from .statement import read_statement

R = TypeVar("R")

if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]
else:
    _Connection = asyncpg.Connection

#: Pages come in an index's order and stop early. What else the planner may think of reads all,
#: and sorts, which it takes to be cheap where it expects few events. So no value changes how a
#: question is answered, and each is planned once a session, which is a fifth of a page's time.
PLANNING = {
    "enable_bitmapscan": "off",
    "enable_seqscan": "off",
    "plan_cache_mode": "force_generic_plan",
}
#: What to do about a setting, by where it was made (pg_settings.source).
_SWITCHED_OFF = {
    "database": "Run ALTER DATABASE … RESET {} with this database's name.",
    "user": "Run ALTER ROLE … RESET {} with this user's name.",
    "database user": "Run ALTER ROLE … IN DATABASE … RESET {} with this user and database.",
    "client": "Take {} out of the address.",
}
#: Seconds that the server is given to say itself that it gives up.
_GRACE = 1.0


class Backend(NamedTuple):
    """The server's process behind a session. Its number may come again, but not with its start."""

    process: int
    begun_at: datetime


class Session(_Connection):
    """A connection that leaves its socket alone in a child process, which has a copy of it.

    Attributes:
        backend: the server's process behind it.
    """

    backend: Backend

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._owner = os.getpid()

    def __del__(self) -> None:
        # Taking it out of the event loop there would take it out of the parent's, too.
        if os.getpid() == self._owner:
            super().__del__()


class Sessions:
    """Up to ``size`` sessions of one kind of work, each used by one at a time.

    Args:
        address: the database.
        timeout: seconds for connecting, for a free session and for another session's lock.
        patience: seconds for a statement.
        size: how many at once.
    """

    def __init__(
        self, address: PostgresAddress, *, timeout: float, patience: float, size: int
    ) -> None:
        self._address = address
        self._timeout = timeout
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
        """A session of one's own. One that is lost, or does not answer, is not used again."""
        await self._enter()
        try:
            session = await self._take()
            try:
                yield session
            except BaseException as error:
                if is_lost(error) or isinstance(error, (TimeoutError, asyncio.CancelledError)):
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
        return await self._connect()

    def _give_back(self, session: Session) -> None:
        if session.is_closed() or session.is_in_transaction():
            session.terminate()
        else:
            self._free.append(session)

    async def _connect(self) -> Session:
        try:
            session = await asyncpg.connect(
                self._address.dsn,
                timeout=self._timeout,
                command_timeout=self._patience + _GRACE,
                connection_class=Session,
                server_settings={
                    "application_name": "counterfoil",
                    "default_transaction_isolation": "read committed",
                    "idle_in_transaction_session_timeout": _milliseconds(self._timeout),
                    "lock_timeout": _milliseconds(self._timeout),
                    "statement_timeout": _milliseconds(self._patience),
                    # Compiling pays for long statements only, and ours are short.
                    "jit": "off",
                    "search_path": "pg_catalog",
                    **PLANNING,
                },
            )
        except OSError:
            raise
        except ValueError:
            # The driver's message may hold a part of the address, and so of the password.
            raise ConfigurationError(
                "The PostgreSQL address cannot be used.",
                remedy="Use postgresql://user@host:port/database and the options of libpq.",
            ) from None
        try:
            session.backend = await _greet(session)
        except BaseException:
            session.terminate()
            raise
        return session


async def _greet(session: Session) -> Backend:
    """See that a new session is one to work with.

    Raises:
        ConfigurationError: the database cannot hold every text.
        StoreUnsafeError: it does not sync what it commits.
    """
    found: Any = await session.fetchrow(read_statement("postgres", "session"))
    if found["encoding"] != "UTF8":
        raise ConfigurationError(
            f"The database's encoding is {found['encoding']}.",
            remedy="Create it with ENCODING 'UTF8'.",
        )
    if not found["synced"]:
        raise await _unsafe(session)
    return Backend(found["process"], found["begun_at"])


async def _unsafe(session: Session) -> StoreUnsafeError:
    """The error that says which setting is off, and where it is to be mended."""
    found: Any = await session.fetchrow(read_statement("postgres", "unsynced"))
    if found is None:
        # Switched on a moment ago.
        return StoreUnsafeError()
    name, source = found
    remedy = _SWITCHED_OFF.get(source, "Set {} to on in the configuration file, and reload that.")
    return StoreUnsafeError(
        f"The database does not sync what it commits: {name} is off.", remedy=remedy.format(name)
    )


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))
