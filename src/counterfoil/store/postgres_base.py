"""What the PostgreSQL store stands on: its sessions, and how work is done on them.

Reading and writing have sessions of their own, so that neither waits for the other.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from counterfoil.errors import ClosedError, ForkedError, StoreError

from .postgres_address import PostgresAddress
from .postgres_connection import Connector, Session
from .postgres_error import FAILURES, is_elsewhere, store_error
from .postgres_schema import migrate
from .postgres_session import Sessions
from .statement import read_statement

R = TypeVar("R")

READERS = 4
WRITERS = 4
#: How many times as long as a write a read may take: some sum or count a whole log.
_READING = 6


class PostgresBase:
    """Opened, closed, and at work.

    Args:
        address: the database.
        timeout: seconds to wait for the server, and for another session's lock, above 0.
    """

    def __init__(self, address: PostgresAddress, *, timeout: float = 10.0) -> None:
        self._address = address
        self._timeout = timeout
        self._connector = Connector(address, timeout)
        #: The process that opened it.
        self._pid: int | None = None
        self._readers: Sessions | None = None
        self._writers: Sessions | None = None
        #: Of the one turn that this process can have, where others write to its log.
        self._turns: Sessions | None = None
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def name(self) -> str:
        return self._address.name

    @property
    def path(self) -> None:
        return None

    @property
    def companions(self) -> Path:
        # In the working folder: the database is on no disk of this machine.
        return Path(self._address.database)

    async def open(self) -> None:
        self._check_process()
        self._pid = os.getpid()
        timeout = self._timeout
        self._writers = self._sessions(patience=timeout, size=WRITERS)
        self._readers = self._sessions(patience=timeout * _READING, size=READERS)
        self._turns = self._sessions(patience=timeout, size=1)
        try:
            await self._guard(self._open(self._writers, self._readers))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        self._check_process()
        all_sessions = [self._writers, self._readers, self._turns]
        self._writers = self._readers = self._turns = None
        try:
            while self._running:
                await asyncio.wait(self._running)
        except asyncio.CancelledError:
            for task in self._running:
                task.cancel()
            for sessions in all_sessions:
                if sessions is not None:
                    sessions.terminate()
            raise
        for sessions in all_sessions:
            if sessions is not None:
                await sessions.close()
        self._pid = None

    def _sessions(self, *, patience: float, size: int) -> Sessions:
        return Sessions(self._connector, patience=patience, size=size)

    async def _open(self, writers: Sessions, readers: Sessions) -> None:
        async with writers.one() as session:
            await migrate(session)
        async with readers.one():
            pass

    async def _rows(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        sql = read_statement("postgres", statement)
        return await self._read(lambda session: session.fetch(sql, *arguments))

    async def _row(self, statement: str, *arguments: Any) -> asyncpg.Record | None:
        sql = read_statement("postgres", statement)
        return await self._read(lambda session: session.fetchrow(sql, *arguments))

    async def _value(self, statement: str, *arguments: Any) -> Any:
        sql = read_statement("postgres", statement)
        return await self._read(lambda session: session.fetchval(sql, *arguments))

    async def _read(self, work: Callable[[Session], Awaitable[R]]) -> R:
        return await self._run(self._open_sessions(self._readers).run(work))

    async def _write(self, statement: str, *arguments: Any) -> int:
        """Run a small statement in a transaction of its own; how many rows it changed."""
        return await self._run(
            self._transact(self._open_sessions(self._writers), statement, arguments)
        )

    async def _transact(self, writers: Sessions, statement: str, arguments: Sequence[Any]) -> int:
        async with writers.one() as session:
            async with session.transaction():
                await session.execute(read_statement("postgres", "sync_commits"))
                done = await session.execute(read_statement("postgres", statement), *arguments)
            return int(done.rpartition(" ")[2])

    def _open_sessions(self, sessions: Sessions | None) -> Sessions:
        self._check_process()
        if sessions is None:
            raise ClosedError
        return sessions

    def _check_process(self) -> None:
        if self._pid not in (None, os.getpid()):
            raise ForkedError

    def _start(self, work: Awaitable[R]) -> asyncio.Task[R]:
        task = asyncio.ensure_future(self._guard(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _run(self, work: Awaitable[R]) -> R:
        """Have work done to its end, also where its caller is cancelled."""
        return await asyncio.shield(self._start(work))

    async def _guard(self, work: Awaitable[R]) -> R:
        try:
            return await work
        except (asyncpg.DataError, UnicodeError):
            # Such errors hold the value itself, which may be an event's: they are not passed on.
            raise StoreError(f"PostgreSQL cannot hold a value ({self.name}).") from None
        except FAILURES as error:
            if is_elsewhere(error):
                # What is read from there may be behind what is written elsewhere.
                for sessions in (self._readers, self._writers, self._turns):
                    if sessions is not None:
                        sessions.terminate()
            raise store_error(error, self.name) from error
