"""SQLite: what connections of its two modules have in common.

The application's file is only ever opened by the module that the application uses: two copies
of SQLite in one process would take each other's locks away.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar

from counterfoil.errors import (
    CounterfoilError,
    OutboxError,
    SchemaError,
    StoreError,
    StoreUnavailableError,
)
from counterfoil.store.thread import ConnectionThread

from .source import MOST_BYTES, Backlog, Row
from .statement import MAKE_IT, MISSING, TABLE, statement, statements

logger = logging.getLogger("counterfoil")

R = TypeVar("R")

_NO_TABLE = f"no such table: {TABLE}"


class SQLiteAdapter:
    """Writes through a connection of a SQLite module.

    Args:
        error: what the module raises.
        elsewhere: tells whether an error says that the connection is another thread's.
        plain: makes a connection commit each statement by itself, and return plain rows.
    """

    blocking = True

    def __init__(
        self,
        error: type[Exception],
        elsewhere: Callable[[Exception], bool],
        plain: Callable[[Any], None],
    ) -> None:
        self.error = error
        self._elsewhere = elsewhere
        self._plain = plain

    def put(self, connection: Any, draft: bytes) -> None:
        """Add a draft, in the transaction that the connection is in."""
        try:
            connection.execute(statement("sqlite", "put"), (draft,))
        except self.error as error:
            raise self._refusal(error) from error

    def create(self, connection: Any) -> None:
        """Make the table, in the transaction that the connection is in."""
        try:
            _create(connection)
        except self.error as error:
            raise self._refusal(error) from error

    def own(self, connection: Any, timeout: float) -> str:
        """Make a connection that was opened for a relay fit for it; returns the file's name.

        Args:
            timeout: seconds to wait for another connection's lock.
        """
        self._plain(connection)
        connection.execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")
        rows = connection.execute("PRAGMA database_list").fetchall()
        return str(next(row[2] for row in rows if row[1] == "main") or ":memory:")

    def _refusal(self, error: Exception) -> OutboxError:
        if _NO_TABLE in str(error):
            return OutboxError(MISSING, remedy=MAKE_IT)
        if self._elsewhere(error):
            return OutboxError(
                "The connection belongs to another thread.",
                remedy="Call log_event in the thread that opened it; a SyncAuditLog can be "
                "called in any.",
            )
        return OutboxError(
            f"The application's connection failed ({type(error).__name__}).",
            remedy="Look at the error's cause, and roll the transaction back.",
        )


class SQLiteClaim(NamedTuple):
    """Rows that were read. Another relay may have them too; the log records each id once."""

    source: SQLiteSource
    rows: Sequence[Row]
    end: int | None

    async def settle(self, done: Collection[int], refused: Mapping[int, str]) -> None:
        """Remove and mark, in one transaction."""
        await self.source.run(lambda connection: _settle(connection, done, refused))


class SQLiteSource:
    """An outbox in a SQLite file.

    Every claim begins with all that waits, in order, so that what two relays do at once never
    changes the order.

    Args:
        thread: holds the connection, which is in autocommit mode.
        name: the file.
        error: what the module raises.
    """

    def __init__(self, thread: ConnectionThread[Any], name: str, error: type[Exception]) -> None:
        self._thread = thread
        self._error = error
        self.name = name

    @asynccontextmanager
    async def claim(self, after: int, limit: int) -> AsyncIterator[SQLiteClaim]:
        """Read the next rows."""
        rows = await self.run(lambda connection: _waiting(connection, after, limit))
        yield SQLiteClaim(self, rows, rows[-1].sequence if rows else None)

    async def backlog(self) -> Backlog:
        """Count."""
        row = await self.run(
            lambda connection: connection.execute(statement("sqlite", "backlog")).fetchone()
        )
        return Backlog(row[0], None if row[1] is None else max(0.0, row[1]), row[2])

    async def create(self) -> None:
        """Make the table."""
        await self.run(_create)

    async def retry(self) -> int:
        """Unmark what was refused."""
        return await self.run(_retry)

    async def close(self) -> None:
        """Close the connection in its thread."""
        try:
            await self._thread.close()
        except (CounterfoilError, self._error) as error:
            logger.warning("The outbox's connection was not closed (%s).", type(error).__name__)

    async def run(self, work: Callable[[Any], R]) -> R:
        """Run a function in the connection's thread, with the driver's errors as ours."""
        try:
            return await self._thread.run(work)
        except self._error as error:
            raise store_error(error) from error


def store_error(error: Exception) -> StoreError:
    """What a relay is told."""
    if _NO_TABLE in str(error):
        return SchemaError(MISSING, remedy=MAKE_IT)
    return StoreUnavailableError(
        f"The outbox's database does not answer ({type(error).__name__}).",
        remedy="Look for a long transaction, and at the file and its folder.",
    )


def _create(connection: Any) -> None:
    for one in statements("sqlite", "create"):
        connection.execute(one)


def _waiting(connection: Any, after: int, limit: int) -> list[Row]:
    rows: list[Row] = []
    size = 0
    for found in connection.execute(statement("sqlite", "waiting"), (after, limit)):
        row = Row(*found)
        size += len(row.draft)
        if rows and size > MOST_BYTES:
            break
        rows.append(row)
    return rows


def _settle(connection: Any, done: Collection[int], refused: Mapping[int, str]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany(statement("sqlite", "remove"), [(one,) for one in done])
        connection.executemany(
            statement("sqlite", "refuse"), [(reason, one) for one, reason in refused.items()]
        )
        connection.execute("COMMIT")
    except BaseException:
        # Where the disk is full, SQLite has rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _retry(connection: Any) -> int:
    connection.execute(statement("sqlite", "retry"))
    return int(connection.execute("SELECT changes()").fetchone()[0])
