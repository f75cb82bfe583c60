"""The embedded store: one SQLite file in WAL mode, synced at every commit, through apsw.

One thread writes, a few read, each on a connection of its own. A batch goes in by statements
of many rows, not one by one: each statement lets go of the interpreter lock once, and in an
application that is busy every return to it can take milliseconds.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from importlib.resources import files
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
from counterfoil.record.row import COLUMNS, LOG_SPAN, EventRow, MentionRow

from . import migration
from .interface import (
    HASH_BYTES,
    TILE_WIDTH,
    Batch,
    Build,
    CheckpointRow,
    CountRow,
    Head,
    HeadRequest,
    Selection,
    TileRow,
)
from .thread import ConnectionThread
from .where import branches, where

R = TypeVar("R")

PAGE_SIZE = 8192
READERS = 2
#: Rows an INSERT statement, largest first; all below apsw's 16 KiB of cacheable SQL.
_STATEMENT_ROWS = (256, 64, 16, 4, 1)

_COLUMN_LIST = ", ".join(COLUMNS)


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
            _append(connection, requests, ids, build)

        await self._write(work)

    async def head(self, log: str) -> Head | None:
        found = await self._read(lambda c: _heads(c, "WHERE name = ?", (log,)))
        return found[0] if found else None

    async def heads(self) -> list[Head]:
        return await self._read(lambda c: _heads(c, "ORDER BY name", ()))

    async def find(self, ids: Sequence[bytes]) -> list[EventRow]:
        return await self._read(lambda c: list(_find(c, ids).values()))

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
            total += await self._read(lambda c, s=sql, p=found.parameters: _value(c, s, p))
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
        return await self._read(lambda c: _value(c, statement("tile"), (number, level, index)))

    async def leaves(self, first: int, last: int) -> list[tuple[int, bytes]]:
        return await self._read(lambda c: list(c.execute(statement("leaves"), (first, last))))

    async def put_checkpoint(self, checkpoint: CheckpointRow) -> None:
        await self._write(
            lambda c: _transaction(c, lambda: c.execute(statement("put_checkpoint"), checkpoint))
        )

    async def checkpoints(self, number: int, *, limit: int = 1) -> list[CheckpointRow]:
        return await self._read(
            lambda c: [
                CheckpointRow._make(row)
                for row in c.execute(statement("checkpoints"), (number, limit))
            ]
        )

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


# Statements


@cache
def statement(name: str) -> str:
    """A named statement: ``store/sql/sqlite/<name>.sql``."""
    file = files("counterfoil.store").joinpath("sql", "sqlite", f"{name}.sql")
    return file.read_text("utf-8").strip().removesuffix(";")


@cache
def _insert(rows: int) -> str:
    values = f"({', '.join('?' * len(COLUMNS))})"
    return f"INSERT INTO event ({_COLUMN_LIST}) VALUES {', '.join([values] * rows)}"


def insert_rows(connection: apsw.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert event rows by as few statements as may be."""
    start, count = 0, len(rows)
    for size in _STATEMENT_ROWS:
        while count - start >= size:
            flat: list[Any] = []
            for row in rows[start : start + size]:
                flat += row
            connection.execute(_insert(size), flat)
            start += size


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
            f"SELECT {_COLUMN_LIST} FROM event WHERE {found[0].text} "  # noqa: S608 - no values
            f"ORDER BY position {order} LIMIT ?"
        )
    else:
        arms = " UNION ALL ".join(
            f"SELECT position FROM event WHERE {one.text}"  # noqa: S608 - no values
            for one in found
        )
        sql = (
            f"SELECT {_COLUMN_LIST} FROM event WHERE position IN "  # noqa: S608 - no values
            f"(SELECT position FROM ({arms} ORDER BY position {order} LIMIT ?)) "
            f"ORDER BY position {order}"
        )
    return sql, [*parameters, selection.limit]


# Work on a connection, in its thread


def _append(
    connection: apsw.Connection, requests: Sequence[HeadRequest], ids: Sequence[bytes], build: Build
) -> None:
    def work() -> None:
        heads = _lock_heads(connection, requests)
        batch = build(heads, _find(connection, ids) if ids else {})
        _write_batch(connection, batch)

    _transaction(connection, work)


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
        failure = _ours(error, None)
        # A commit whose sync failed may still be found in the log after a crash.
        failure.outcome_known = not isinstance(error, apsw.IOError)
        raise failure from error


def _rollback(connection: apsw.Connection) -> None:
    # Some failures roll back by themselves.
    if not connection.get_autocommit():
        connection.execute("ROLLBACK")


def _lock_heads(
    connection: apsw.Connection, requests: Sequence[HeadRequest]
) -> dict[str, Head]:
    heads: dict[str, Head] = {}
    for request in requests:
        found = _heads(connection, "WHERE name = ?", (request.log,))
        if not found:
            connection.execute(statement("new_log"), (request.log, request.origin))
            found = _heads(connection, "WHERE name = ?", (request.log,))
        head = found[0]
        width = head.size % TILE_WIDTH
        if request.known_size != head.size and width + request.events >= TILE_WIDTH:
            base = head.number * LOG_SPAN
            head.tail = bytes.fromhex(
                _value(connection, statement("tail"), (base + head.size - width, base + head.size))
                or ""
            )
        heads[request.log] = head
    return heads


def _write_batch(connection: apsw.Connection, batch: Batch) -> None:
    insert_rows(connection, batch.rows)
    for mention in batch.mentions:
        connection.execute(statement("new_mention"), mention)
    for tile in batch.tiles:
        _extend_tile(connection, tile)
    if batch.counts:
        _add_counts(connection, batch.counts)
    for head in batch.heads:
        connection.execute(
            statement("move_head"), (head.size, head.recorded_at, head.frontier, head.number)
        )


def _extend_tile(connection: apsw.Connection, tile: TileRow) -> None:
    key = (tile.log, tile.level, tile.number)
    before = _value(connection, statement("tile"), key) if tile.offset else b""
    if before is None or len(before) != tile.offset * HASH_BYTES:
        raise StoreCorruptError(f"Tile {tile.level}/{tile.number} does not fit its log.")
    connection.execute(statement("put_tile"), (*key, before + tile.hashes))


@cache
def _count_sql(unit: str, rows: int) -> str:
    return statement(f"add_{unit}").replace("(:row)", ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * rows))


def _add_counts(connection: apsw.Connection, counts: Sequence[CountRow]) -> None:
    for at in range(0, len(counts), 32):
        some = counts[at : at + 32]
        hours = [value for row in some for value in row]
        connection.execute(_count_sql("hours", len(some)), hours)
        days = [
            value for row in some for value in (row.log, row.hour // 24, *row[2:])
        ]
        connection.execute(_count_sql("days", len(some)), days)


def _heads(connection: apsw.Connection, clause: str, parameters: tuple[Any, ...]) -> list[Head]:
    sql = (
        "SELECT name, number, origin, size, recorded_at, frontier "  # noqa: S608 - no values
        f"FROM log {clause}"
    )
    return [Head(*row) for row in connection.execute(sql, parameters)]


def _find(connection: apsw.Connection, ids: Sequence[bytes]) -> dict[bytes, EventRow]:
    sql = f"SELECT {_COLUMN_LIST} FROM event WHERE id = ?"  # noqa: S608 - no values
    return {
        row[1]: EventRow._make(row) for one in ids for row in connection.execute(sql, (one,))
    }


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


def _value(connection: apsw.Connection, sql: str, parameters: Sequence[Any]) -> Any:
    row = next(connection.execute(sql, parameters), None)
    return None if row is None else row[0]


def _migrate(connection: apsw.Connection) -> None:
    migrations = migration.load("sqlite")

    def applied() -> dict[int, str]:
        if not _value(connection, statement("has_migrations"), ()):
            return {}
        return dict(connection.execute("SELECT number, checksum FROM migration"))

    if not migration.pending(migrations, applied()):
        return

    def run() -> None:
        if _value(connection, statement("is_foreign"), ()):
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

