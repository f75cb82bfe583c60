"""The embedded store: one SQLite file in WAL mode, synced at every commit, through apsw.

One thread writes, a few read, each on a connection of its own; ``sqlite_append`` says how a
batch goes in.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import apsw

from counterfoil.errors import ClosedError, ForkedError, StoreCorruptError
from counterfoil.record.row import LOG_SPAN, EventRow, MentionRow

from .interface import (
    LARGEST,
    SMALLEST,
    Build,
    CheckpointRow,
    Coverage,
    Head,
    HeadRequest,
    Holding,
    Selection,
)
from .registry import RegistryRow
from .sqlite_append import Appender
from .sqlite_connection import connect, migrate, refuse_moved, transaction
from .sqlite_counts import counts_sql
from .sqlite_error import store_error
from .sqlite_registry import (
    register,
    registered,
    registry,
    reregister,
    unregister,
    unregister_expired,
)
from .sqlite_select import count_sql, select_sql, shortest
from .sqlite_statement import company_logs, head_of, heads_where, rows_by_id, statement, value_of
from .thread import ConnectionThread

R = TypeVar("R")

READERS = 2


class SQLiteStore:
    """A log in one SQLite file.

    Args:
        path: the file; made where it is missing, its folder must exist.
        timeout: seconds to wait for another process's write lock, above 0.
        vfs: the name of an apsw VFS to open the file through (for tests of power loss).
    """

    def __init__(self, path: Path, *, timeout: float = 10.0, vfs: str | None = None) -> None:
        self.path = path
        # Of the moment it was made: the process may change its folder.
        self._file = path.absolute()
        self._timeout = timeout
        self._vfs = vfs
        #: The process that opened it.
        self._pid: int | None = None
        self._writer: ConnectionThread[apsw.Connection] | None = None
        self._appender: Appender | None = None
        self._readers: list[ConnectionThread[apsw.Connection]] = []

    @property
    def name(self) -> str:
        return f"sqlite:///{self.path}"

    @property
    def companions(self) -> Path:
        return self.path

    async def open(self) -> None:
        if self._pid not in (None, os.getpid()):
            raise ForkedError
        self._pid = os.getpid()
        self._writer = self._thread("writer", self._connect_writer)
        self._readers = [self._thread(f"reader-{n}", self._connect) for n in range(READERS)]
        try:
            # The writer first: it makes the file and its schema.
            for thread in (self._writer, *self._readers):
                await self._guard(thread.open())
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        readers, self._readers = self._readers, []
        for reader in readers:
            await self._guard(reader.close())
        if self._writer is not None:
            await self._guard(self._writer.close())
        self._pid = None

    async def append(
        self,
        requests: Sequence[HeadRequest],
        ids: Sequence[bytes],
        build: Build,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        def work(_: apsw.Connection) -> None:
            if prepare is not None:
                prepare()
            assert self._appender is not None, "made with the connection"
            self._appender.append(requests, ids, build)

        await self._write(work)

    async def head(self, log: str) -> Head | None:
        found = await self._read(lambda c: heads_where(c, "WHERE name = ?", (log,)))
        return found[0] if found else None

    async def heads(self) -> list[Head]:
        return await self._read(lambda c: heads_where(c, "ORDER BY name", ()))

    async def coverage(self, after: str, limit: int) -> list[Coverage]:
        def read(connection: apsw.Connection) -> list[Coverage]:
            rows = connection.execute(statement("coverage"), (after, limit))
            return [Coverage(head_of(row[:-2]), row[-2] or 0, row[-1] or 0) for row in rows]

        return await self._read(read)

    async def find(self, ids: Sequence[bytes]) -> list[EventRow]:
        return await self._read(lambda c: list(rows_by_id(c, ids).values()))

    async def select(self, selection: Selection) -> list[EventRow]:
        def read(connection: apsw.Connection) -> list[EventRow]:
            sql, parameters = select_sql(selection, shortest(connection, selection))
            return [EventRow._make(row) for row in connection.execute(sql, parameters)]

        return await self._read(read)

    async def count(self, selection: Selection) -> int:
        def read(connection: apsw.Connection) -> int:
            parts = count_sql(selection, shortest(connection, selection))
            return sum(value_of(connection, *part) for part in parts)

        return await self._read(read)

    async def mentions(self, first: int, last: int) -> list[MentionRow]:
        sql = statement("mentions")
        return await self._read(
            lambda c: [MentionRow._make(row) for row in c.execute(sql, (first, last))]
        )

    async def boundary(self, number: int, size: int, recorded_at: int) -> int:
        return await self._read(lambda c: _boundary(c, number, size, recorded_at))

    async def counts(
        self,
        number: int,
        unit: str,
        first: int,
        last: int,
        equal: Mapping[str, Collection[Any]],
        by: Sequence[str],
    ) -> list[tuple[int, tuple[Any, ...], int]]:
        sql, parameters = counts_sql(number, unit, first, last, equal, by)
        return await self._read(
            lambda c: [(row[0], row[1:-1], row[-1]) for row in c.execute(sql, parameters)]
        )

    async def tile(self, number: int, level: int, index: int) -> bytes | None:
        return await self._read(lambda c: value_of(c, statement("tile"), (number, level, index)))

    async def tiles(
        self, number: int, level: int, first: int, last: int
    ) -> list[tuple[int, bytes]]:
        sql = statement("tiles")
        return await self._read(lambda c: list(c.execute(sql, (number, level, first, last))))

    async def leaves(self, first: int, last: int) -> list[tuple[int, bytes]]:
        return await self._read(lambda c: list(c.execute(statement("leaves"), (first, last))))

    async def misplaced_ids(self, first: int, last: int) -> list[tuple[int, int | None]]:
        sql = statement("misplaced_ids")
        return await self._read(lambda c: list(c.execute(sql, (first, last))))

    async def stray_ids(
        self, limit: int, first: int = SMALLEST, last: int = LARGEST
    ) -> list[tuple[int, bytes]]:
        values = (first, last, limit)
        return await self._read(lambda c: list(c.execute(statement("stray_ids"), values)))

    async def put_checkpoints(self, checkpoints: Sequence[CheckpointRow]) -> None:
        sql = statement("put_checkpoint")
        await self._write(lambda c: transaction(c, lambda: c.executemany(sql, checkpoints)))

    async def checkpoints(
        self, number: int, *, limit: int = 1, first: int = SMALLEST, last: int = LARGEST
    ) -> list[CheckpointRow]:
        sql = statement("checkpoints")
        return await self._read(
            lambda c: [
                CheckpointRow._make(row) for row in c.execute(sql, (number, first, last, limit))
            ]
        )

    async def inventory(self) -> list[Holding]:
        sql = statement("inventory")
        return await self._read(lambda c: [Holding._make(row) for row in c.execute(sql)])

    async def meta(self) -> dict[str, str]:
        return await self._read(lambda c: dict(c.execute("SELECT name, value FROM meta")))

    async def put_meta(self, values: Mapping[str, str]) -> dict[str, str]:
        def put(connection: apsw.Connection) -> dict[str, str]:
            def insert() -> None:
                connection.executemany(statement("put_meta"), list(values.items()))

            transaction(connection, insert)
            return dict(connection.execute("SELECT name, value FROM meta"))

        return await self._write(put)

    async def register(self, row: RegistryRow) -> RegistryRow:
        return await self._write(lambda c: register(c, row))

    async def reregister(self, row: RegistryRow, expected: bytes) -> bool:
        return await self._write(lambda c: reregister(c, row, expected))

    async def unregister(self, kind: str, name: str) -> bool:
        return await self._write(lambda c: unregister(c, kind, name))

    async def unregister_expired(self, now: int) -> int:
        return await self._write(lambda c: unregister_expired(c, now))

    async def registered(self, kind: str, name: str) -> RegistryRow | None:
        return await self._read(lambda c: registered(c, kind, name))

    async def registry(self, kind: str) -> list[RegistryRow]:
        return await self._read(lambda c: registry(c, kind))

    async def company_logs(self, companies: Sequence[str]) -> dict[str, str]:
        return await self._read(lambda c: company_logs(c, companies))

    async def put_company_logs(self, names: Mapping[str, str]) -> dict[str, str]:
        sql = statement("put_company_log")

        def put(connection: apsw.Connection) -> dict[str, str]:
            transaction(connection, lambda: connection.executemany(sql, list(names.items())))
            return company_logs(connection, list(names))

        return await self._write(put)

    async def company_log_page(self, after: str, limit: int) -> list[tuple[str, str]]:
        sql = statement("company_log_page")
        return await self._read(lambda c: list(c.execute(sql, (after, limit))))

    async def version(self) -> object:
        # Each connection sees the commits of all others, so one fixed reader is asked.
        return await self._run(self._reader(0), lambda c: c.pragma("data_version"))

    async def usage(self) -> dict[str, int]:
        def sizes() -> dict[str, int]:
            log = self._file.with_name(self._file.name + "-wal")
            return {"database": _size(self._file), "log": _size(log)}

        return await asyncio.to_thread(sizes)

    # Connections

    def _thread(
        self, role: str, connect: Callable[[], apsw.Connection]
    ) -> ConnectionThread[apsw.Connection]:
        return ConnectionThread(connect, apsw.Connection.close, f"counterfoil-{role}")

    def _connect_writer(self) -> apsw.Connection:
        connection = self._connect()
        try:
            migrate(connection)
            self._appender = Appender(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self) -> apsw.Connection:
        return connect(self._file, timeout=self._timeout, vfs=self._vfs)

    def _reader(self, number: int | None = None) -> ConnectionThread[apsw.Connection]:
        if not self._readers:
            raise ClosedError
        if number is not None:
            return self._readers[number]
        return min(self._readers, key=lambda reader: reader.waiting)

    async def _read(self, function: Callable[[apsw.Connection], R]) -> R:
        return await self._run(self._reader(), function)

    async def _write(self, function: Callable[[apsw.Connection], R]) -> R:
        if self._writer is None:
            raise ClosedError

        def write(connection: apsw.Connection) -> R:
            refuse_moved(connection, self.path)
            return function(connection)

        return await self._run(self._writer, write)

    async def _run(
        self, thread: ConnectionThread[apsw.Connection], function: Callable[[apsw.Connection], R]
    ) -> R:
        return await self._guard(thread.run(function))

    async def _guard(self, awaitable: Awaitable[R]) -> R:
        try:
            return await awaitable
        except apsw.Error as error:
            raise store_error(error, self.path) from error
        except UnicodeDecodeError:
            # The error holds the text itself, which may be an event's: it is not passed on.
            raise StoreCorruptError(f"A text in {self.path} is not UTF-8.") from None


def _size(file: Path) -> int:
    """A file's bytes; the last connection to be closed removes the log, at any moment."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _boundary(connection: apsw.Connection, number: int, size: int, recorded_at: int) -> int:
    base = number * LOG_SPAN
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        row = next(connection.execute(statement("time_at"), (base + middle, base + high)), None)
        if row is not None and row[1] < recorded_at:
            low = row[0] - base + 1
        else:
            high = middle
    return low
