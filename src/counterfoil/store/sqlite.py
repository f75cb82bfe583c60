"""The embedded store: one SQLite file in WAL mode, synced at every commit, through apsw.

One thread writes, a few read, each on a connection of its own; ``sqlite_append`` says how a
batch goes in.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import apsw

from counterfoil.errors import (
    ClosedError,
    SchemaError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from counterfoil.record.row import LOG_SPAN, EventRow, MentionRow

from . import migration
from .interface import (
    LARGEST,
    SMALLEST,
    Build,
    CheckpointRow,
    Head,
    HeadRequest,
    Holding,
    Selection,
)
from .sqlite_append import Appender
from .sqlite_statement import COLUMN_LIST, heads_where, rows_by_id, statement, value_of
from .thread import ConnectionThread
from .where import branches, where

R = TypeVar("R")

PAGE_SIZE = 8192
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
        self._timeout = timeout
        self._vfs = vfs
        self._writer: ConnectionThread[apsw.Connection] | None = None
        self._appender: Appender | None = None
        self._readers: list[ConnectionThread[apsw.Connection]] = []

    @property
    def name(self) -> str:
        return f"sqlite:///{self.path}"

    async def open(self) -> None:
        writer = self._thread("writer", self._connect_writer)
        await self._guard(writer.open())
        self._writer = writer
        for number in range(READERS):
            reader = self._thread(f"reader-{number}", self._connect)
            await self._guard(reader.open())
            self._readers.append(reader)

    async def close(self) -> None:
        readers, self._readers = self._readers, []
        for reader in readers:
            await reader.close()
        if self._writer is not None:
            await self._guard(self._writer.close())

    async def append(
        self,
        requests: Sequence[HeadRequest],
        ids: Sequence[bytes],
        build: Build,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        def work(connection: apsw.Connection) -> None:
            if prepare is not None:
                prepare()
            appender = self._appender or Appender(connection)
            self._appender = appender
            appender.append(
                requests,
                ids,
                build,
                lambda inside: _transaction(connection, inside),
                lambda error: _commit_failure(error, self.path),
            )

        await self._write(work)

    async def head(self, log: str) -> Head | None:
        found = await self._read(lambda c: heads_where(c, "WHERE name = ?", (log,)))
        return found[0] if found else None

    async def heads(self) -> list[Head]:
        return await self._read(lambda c: heads_where(c, "ORDER BY name", ()))

    async def find(self, ids: Sequence[bytes]) -> list[EventRow]:
        return await self._read(lambda c: list(rows_by_id(c, ids).values()))

    async def select(self, selection: Selection) -> list[EventRow]:
        sql, parameters = select_sql(selection)
        return await self._read(
            lambda c: [EventRow._make(row) for row in c.execute(sql, parameters)]
        )

    async def count(self, selection: Selection) -> int:
        total = 0
        for leading, value in branches(selection):
            found = where(selection, leading, value, shield=_shield, instr=_INSTR)
            sql = f"SELECT count(*) FROM event WHERE {found.text}"  # noqa: S608 - no values
            total += await self._read(lambda c, s=sql, p=found.parameters: value_of(c, s, p))
        return total

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
        columns = "".join(f", {column}" for column in by)
        conditions = "".join(
            f" AND {column} IN ({', '.join('?' * len(values))})" for column, values in equal.items()
        )
        table = {"hour": "count_by_hour", "day": "count_by_day"}[unit]
        sql = (
            f"SELECT bucket{columns}, sum(events) FROM {table} "  # noqa: S608 - no values
            f"WHERE log = ? AND bucket BETWEEN ? AND ?{conditions} "
            f"GROUP BY bucket{columns} ORDER BY bucket{columns}"
        )
        parameters = [number, first, last, *(item for items in equal.values() for item in items)]
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

    async def put_checkpoint(self, checkpoint: CheckpointRow) -> None:
        await self._write(
            lambda c: _transaction(c, lambda: c.execute(statement("put_checkpoint"), checkpoint))
        )

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

            _transaction(connection, insert)
            return dict(connection.execute("SELECT name, value FROM meta"))

        return await self._write(put)

    async def version(self) -> object:
        # Each connection sees the commits of all others, so one fixed reader is asked.
        return await self._run(self._reader(0), lambda c: c.pragma("data_version"))

    async def usage(self) -> dict[str, int]:
        def sizes() -> dict[str, int]:
            log = self.path.with_name(self.path.name + "-wal")
            return {
                "database": self.path.stat().st_size,
                "log": log.stat().st_size if log.exists() else 0,
            }

        return await asyncio.to_thread(sizes)

    # Connections

    def _thread(
        self, role: str, connect: Callable[[], apsw.Connection]
    ) -> ConnectionThread[apsw.Connection]:
        return ConnectionThread(connect, apsw.Connection.close, f"counterfoil-{role}")

    def _connect_writer(self) -> apsw.Connection:
        return _translated(self._connect_and_migrate)

    def _connect_and_migrate(self) -> apsw.Connection:
        connection = self._connect()
        try:
            _migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(str(self.path), vfs=self._vfs)
        connection.set_busy_handler(_Patience(self._timeout))
        # The page size counts only until the first page is written.
        connection.pragma("page_size", PAGE_SIZE)
        if connection.pragma("journal_mode", "wal") != "wal":
            raise StoreUnavailableError(
                f"The file system of {self.path} cannot hold a write-ahead log.",
                remedy="Put the file on a local disk; network shares do not work.",
            )
        connection.pragma("synchronous", "full")
        connection.pragma("foreign_keys", True)
        connection.pragma("temp_store", "memory")
        connection.pragma("cache_size", -16_000)
        connection.pragma("trusted_schema", False)
        return connection

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
        return await self._run(self._writer, function)

    async def _run(
        self, thread: ConnectionThread[apsw.Connection], function: Callable[[apsw.Connection], R]
    ) -> R:
        return await self._guard(thread.run(function))

    async def _guard(self, awaitable: Any) -> Any:
        try:
            return await awaitable
        except apsw.Error as error:
            raise _ours(error, self.path) from error
        except UnicodeDecodeError:
            # The error holds the text itself, which may be an event's: it is not passed on.
            raise StoreCorruptError(f"A text in {self.path} is not UTF-8.") from None


class _Patience:
    """Waits for another connection's lock in short steps, so that writers take turns."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._until = 0.0

    def __call__(self, tries: int) -> bool:
        now = time.monotonic()
        if tries == 0:
            self._until = now + self._timeout
        if now >= self._until:
            return False
        time.sleep(random.uniform(0.0002, 0.002))  # noqa: S311 - spreads the waiters only
        return True


_INSTR = "instr({column}, ?) > 0"


def _shield(column: str) -> str:
    return f"+{column}"


def select_sql(selection: Selection) -> tuple[str, list[Any]]:
    """The statement of a selection and its parameters.

    One range of one index a value of the leading column, each already in order; SQLite merges
    them and stops at the limit.
    """
    order = "DESC" if selection.newest_first else "ASC"
    found = [
        where(selection, leading, value, shield=_shield, instr=_INSTR)
        for leading, value in branches(selection)
    ]
    parameters = [item for one in found for item in one.parameters]
    if len(found) == 1:
        sql = (
            f"SELECT {COLUMN_LIST} FROM event WHERE {found[0].text} "  # noqa: S608 - no values
            f"ORDER BY position {order} LIMIT ?"
        )
    else:
        arms = " UNION ALL ".join(
            f"SELECT position FROM event WHERE {one.text}"  # noqa: S608 - no values
            for one in found
        )
        sql = (
            f"SELECT {COLUMN_LIST} FROM event WHERE position IN "  # noqa: S608 - no values
            f"(SELECT position FROM ({arms} ORDER BY position {order} LIMIT ?)) "
            f"ORDER BY position {order}"
        )
    return sql, [*parameters, selection.limit]


# Work on a connection, in its thread


def _transaction(connection: apsw.Connection, work: Callable[[], object]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        work()
    except BaseException:
        _rollback(connection)
        raise
    try:
        connection.execute("COMMIT")
    except apsw.Error as error:
        _rollback(connection)
        raise _commit_failure(error, None) from error


def _commit_failure(error: apsw.Error, path: Path | None) -> StoreError:
    failure = _ours(error, path)
    # A commit whose sync failed may still be found in the log after a crash.
    failure.outcome_known = not isinstance(error, apsw.IOError)
    return failure


def _rollback(connection: apsw.Connection) -> None:
    # Some failures roll back by themselves.
    if not connection.get_autocommit():
        connection.execute("ROLLBACK")


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


def _migrate(connection: apsw.Connection) -> None:
    migrations = migration.load("sqlite")

    def applied() -> dict[int, str]:
        if not value_of(connection, statement("has_migrations"), ()):
            return {}
        return dict(connection.execute("SELECT number, checksum FROM migration"))

    if not migration.pending(migrations, applied()):
        return

    def run() -> None:
        if value_of(connection, statement("is_foreign"), ()):
            raise SchemaError(
                "The file is a database of something else.",
                remedy="Give the log a file of its own.",
            )
        connection.execute(statement("migration_table"))
        for item in migration.pending(migrations, applied()):
            connection.execute(item.sql)
            connection.execute(
                "INSERT INTO migration (number, name, checksum) VALUES (?, ?, ?)",
                (item.number, item.name, item.checksum),
            )

    _transaction(connection, run)


# Errors


def _translated(function: Callable[[], R]) -> R:
    try:
        return function()
    except apsw.Error as error:
        raise _ours(error, None) from error


def _ours(error: apsw.Error, path: Path | None) -> StoreError:
    # apsw's own messages may quote a bound value, so none of them is passed on.
    place = "the SQLite file" if path is None else str(path)
    if isinstance(error, (apsw.BusyError, apsw.LockedError)):
        return StoreUnavailableError(
            f"Another process held the write lock of {place} for too long.",
            remedy="Look for a long transaction or a stopped process; the call can be retried.",
        )
    if isinstance(error, apsw.FullError):
        return StoreFullError(f"There is no room to write to {place}.")
    if isinstance(error, (apsw.CorruptError, apsw.NotADBError)):
        return StoreCorruptError(f"SQLite finds {place} damaged or not a database.")
    if isinstance(error, apsw.CantOpenError):
        return StoreUnavailableError(
            f"Cannot open {place}.", remedy="Check that its folder exists and may be written to."
        )
    if isinstance(error, (apsw.ReadOnlyError, apsw.PermissionsError, apsw.AuthError)):
        return StoreUnavailableError(
            f"Cannot write to {place}.", remedy="Check the rights of the file and of its folder."
        )
    if isinstance(error, apsw.IOError):
        return StoreError(
            f"Reading or writing {place} failed.",
            remedy="Check the disk, its quota and the file-size limit.",
        )
    return StoreError(f"SQLite failed on {place} ({type(error).__name__}).")
