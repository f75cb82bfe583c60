"""PostgreSQL: an outbox as a relay reads it.

A claim is a transaction of the relay's own. It locks the first row of each business
transaction (``FOR UPDATE SKIP LOCKED``), and thereby has the transaction's other rows: another
relay takes other transactions, and none is moved in parts that could overtake each other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, NamedTuple

import asyncpg

from counterfoil.errors import (
    SchemaError,
    StoreBusyError,
    StoreError,
    StoreLoginError,
    StoreMissingError,
    StoreReadOnlyError,
    StoreUnavailableError,
)
from counterfoil.store import postgres_error

from .source import MOST_BYTES, Backlog, Row
from .statement import MAKE_IT, MISSING, statement, statements

logger = logging.getLogger("counterfoil")

#: A relay that is stopped while it holds rows is cut off by the server after this, in
#: milliseconds, so that another one can have them.
_STOPPED_AFTER: Final = 60_000
#: What is wrong with an application's database as it may be with a log's.
_TOLD: Final = (StoreLoginError, StoreMissingError, StoreReadOnlyError, StoreBusyError)


class PostgreSQLClaim(NamedTuple):
    """Rows that nobody else moves for as long as the transaction lasts."""

    source: PostgreSQLSource
    rows: Sequence[Row]
    end: int | None

    async def settle(self, done: Collection[int], refused: Mapping[int, str]) -> None:
        """Remove and mark; it counts once the claim ends."""
        await self.source.settle(done, refused)


class PostgreSQLSource:
    """An outbox in a PostgreSQL database.

    Args:
        connection: the relay's own.
        name: the database.
        timeout: seconds that the server may take to answer.
    """

    def __init__(self, connection: Any, name: str, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout
        #: Business transaction -> its first row that waits, of those seen since the beginning.
        self._firsts: dict[int, int] = {}
        #: Sequence -> business transaction, of the claim.
        self._window: dict[int, int] = {}
        self.name = name

    @asynccontextmanager
    async def claim(self, after: int, limit: int) -> AsyncIterator[PostgreSQLClaim]:
        """Lock the next transactions' first rows, and read what waits of them."""
        if not after:
            self._firsts.clear()
        window = self._window = await self._look(after, limit)
        if not window:
            yield PostgreSQLClaim(self, (), None)
            return
        firsts = {self._firsts.setdefault(one, sequence) for sequence, one in window.items()}
        transaction = self._connection.transaction()
        try:
            rows = await self._lock(transaction, sorted(firsts), list(window))
            yield PostgreSQLClaim(self, rows, max(window))
        except BaseException:
            await _roll_back(transaction)
            raise
        with _translated():
            await transaction.commit()

    async def settle(self, done: Collection[int], refused: Mapping[int, str]) -> None:
        """Remove and mark, in the claim's transaction."""
        with _translated():
            if done:
                await self._connection.execute(
                    statement("postgresql", "remove"), list(done), timeout=self._timeout
                )
            if refused:
                await self._connection.execute(
                    statement("postgresql", "refuse"),
                    list(refused),
                    list(refused.values()),
                    timeout=self._timeout,
                )
        self._advance({*done, *refused})

    async def backlog(self) -> Backlog:
        """Count."""
        with _translated():
            row = await self._connection.fetchrow(
                statement("postgresql", "backlog"), timeout=self._timeout
            )
        return Backlog(row[0], None if row[1] is None else max(0.0, row[1]), row[2])

    async def create(self) -> None:
        """Make the table and its index, both or neither."""
        with _translated():
            async with self._connection.transaction():
                for one in statements("postgresql", "create"):
                    await self._connection.execute(one, timeout=self._timeout)

    async def retry(self) -> int:
        """Unmark what was refused."""
        with _translated():
            answer = await self._connection.execute(
                statement("postgresql", "retry"), timeout=self._timeout
            )
        return int(answer.rpartition(" ")[2])

    async def close(self) -> None:
        """Close the connection; one that does not answer is cut."""
        try:
            await self._connection.close(timeout=1.0)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            logger.warning("The outbox's connection was cut (%s).", type(error).__name__)
            self._connection.terminate()

    def _advance(self, settled: Collection[int]) -> None:
        """Find the transactions' first rows anew, where those wait no more."""
        left: dict[int, int] = {}
        for sequence, transaction in self._window.items():
            if sequence not in settled:
                left.setdefault(transaction, sequence)
        for transaction in set(self._window.values()):
            if self._firsts[transaction] in settled:
                # Here, or else in what is looked at next.
                del self._firsts[transaction]
                if transaction in left:
                    self._firsts[transaction] = left[transaction]

    async def _look(self, after: int, limit: int) -> dict[int, int]:
        window: dict[int, int] = {}
        size = 0
        with _translated():
            found = await self._connection.fetch(
                statement("postgresql", "window"), after, limit, timeout=self._timeout
            )
        for sequence, transaction, octets in found:
            size += octets
            if window and size > MOST_BYTES:
                break
            window[sequence] = transaction
        return window

    async def _lock(
        self, transaction: Any, firsts: Sequence[int], window: Sequence[int]
    ) -> list[Row]:
        with _translated():
            await transaction.start()
            await self._connection.execute(
                f"SET LOCAL idle_in_transaction_session_timeout = {_STOPPED_AFTER}",
                timeout=self._timeout,
            )
            found = await self._connection.fetch(
                statement("postgresql", "claim"), firsts, window, timeout=self._timeout
            )
        return [Row(*row) for row in found]


async def _roll_back(transaction: Any) -> None:
    try:
        await transaction.rollback()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        # The server has ended it, or will.
        logger.debug("The outbox's claim was not given back (%s).", type(error).__name__)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        raise store_error(error) from error


def store_error(error: BaseException) -> StoreError:
    """What a relay is told."""
    if isinstance(error, asyncpg.UndefinedTableError):
        return SchemaError(MISSING, remedy=MAKE_IT)
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return SchemaError(
            "The role may not do that to the outbox.",
            remedy="A relay's role needs SELECT, UPDATE and DELETE on counterfoil_outbox; who "
            "makes the table needs CREATE on its schema.",
        )
    found = postgres_error.store_error(error, "The outbox")
    if isinstance(found, StoreMissingError):
        found.remedy = "Create it, or correct the name in the address."
    if isinstance(found, _TOLD):
        return found
    return StoreUnavailableError(
        f"The outbox's database does not answer ({type(error).__name__}).",
        remedy="Look at the server, and at the address, the role and its password.",
    )


async def connected(connection: Any, timeout: float) -> PostgreSQLSource:  # noqa: ASYNC109
    """The source of a connection that was opened for a relay.

    Args:
        timeout: seconds that the server may take to answer, each time.
    """
    with _translated():
        async with asyncio.timeout(timeout):
            name = await connection.fetchval("SELECT current_database()")
    return PostgreSQLSource(connection, f"postgresql database {name}", timeout)
