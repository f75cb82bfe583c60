"""Connections to an SQLite file: how they are set, who waits for whom, and the schema."""

from __future__ import annotations

import ctypes
import random
import time
from collections.abc import Callable
from pathlib import Path

import apsw

from counterfoil.errors import SchemaError, StoreUnavailableError

from . import migration
from .sqlite_error import commit_error
from .sqlite_file import make_private
from .sqlite_statement import statement, value_of

PAGE_SIZE = 8192


def connect(path: Path, *, timeout: float, vfs: str | None) -> apsw.Connection:
    """A connection in WAL mode that syncs at every commit.

    Args:
        path: the file; made where it is missing, for its owner alone.
        timeout: seconds to wait for another connection's lock.
        vfs: the name of an apsw VFS to open the file through, or None for the usual one.

    Raises:
        SchemaError: the file is a database of something else; it is left as it was.
        StoreUnavailableError: the file system cannot hold a write-ahead log.
    """
    if vfs is None:
        make_private(path)
    connection = apsw.Connection(str(path), vfs=vfs)
    try:
        connection.set_busy_handler(_Patience(timeout))
        _set_up(connection, path, timeout)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up(connection: apsw.Connection, path: Path, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            _refuse_foreign(connection)
            # The page size counts only until the first page is written.
            connection.pragma("page_size", PAGE_SIZE)
            mode = connection.pragma("journal_mode", "wal")
            break
        except apsw.BusyError:
            # Where two connections turn a new file to WAL at once, SQLite gives up at once on
            # one of them: it asks no busy handler where both might wait for each other.
            if time.monotonic() >= deadline:
                raise
            _pause()
    if mode != "wal":
        raise StoreUnavailableError(
            f"The file system of {path} cannot hold a write-ahead log.",
            remedy="Put the file on a local disk; network shares do not work.",
        )
    connection.pragma("synchronous", "full")
    connection.pragma("foreign_keys", True)
    connection.pragma("temp_store", "memory")
    connection.pragma("cache_size", -16_000)
    connection.pragma("trusted_schema", False)


def transaction(connection: apsw.Connection, work: Callable[[], object]) -> None:
    """Run a function between BEGIN IMMEDIATE and COMMIT; roll back where it raises.

    Raises:
        StoreError: the commit failed; ``outcome_known`` tells whether it may yet turn up.
    """
    roll_back(connection)
    connection.execute("BEGIN IMMEDIATE")
    try:
        work()
    except BaseException:
        roll_back(connection)
        raise
    try:
        connection.execute("COMMIT")
    except apsw.Error as error:
        roll_back(connection)
        raise commit_error(error, connection.filename) from error


def roll_back(connection: apsw.Connection) -> None:
    """End a transaction that is open.

    Some failures roll back by themselves; and where rolling back failed the last time, it must
    be tried again before anything new is written.
    """
    if not connection.get_autocommit():
        connection.execute("ROLLBACK")


def refuse_moved(connection: apsw.Connection, path: Path) -> None:
    """Refuse to write to a file that no longer stands at its place.

    SQLite would go on writing to it, and whoever opens the place finds nothing of that.

    Raises:
        StoreUnavailableError: it was removed, renamed or replaced.
    """
    moved = ctypes.c_int(0)
    # Unlike os.stat it keeps the interpreter lock, whose return can take milliseconds.
    connection.file_control("main", apsw.SQLITE_FCNTL_HAS_MOVED, ctypes.addressof(moved))
    if moved.value:
        raise StoreUnavailableError(
            f"The file {path} was removed, renamed or replaced while the log was open.",
            remedy="Put it back, or close the log and open it again.",
        )


def migrate(connection: apsw.Connection) -> None:
    """Create the schema, or bring it up to date, under the write lock.

    Raises:
        SchemaError: the schema is newer than this code, or a migration was changed.
    """
    migrations = migration.load("sqlite")

    def applied() -> dict[int, str]:
        if not value_of(connection, statement("has_migrations"), ()):
            return {}
        return dict(connection.execute("SELECT number, checksum FROM migration"))

    if not migration.pending(migrations, applied()):
        return

    def run() -> None:
        _refuse_foreign(connection)
        connection.execute(statement("migration_table"))
        for item in migration.pending(migrations, applied()):
            connection.execute(item.sql)
            connection.execute(
                "INSERT INTO migration (number, name, checksum) VALUES (?, ?, ?)",
                (item.number, item.name, item.checksum),
            )

    transaction(connection, run)


def _refuse_foreign(connection: apsw.Connection) -> None:
    if value_of(connection, statement("is_foreign"), ()):
        raise SchemaError(
            "The file is a database of something else.",
            remedy="Give the log a file of its own.",
        )


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
        _pause()
        return True


def _pause() -> None:
    time.sleep(random.uniform(0.0002, 0.002))  # noqa: S311 - spreads the waiters only
