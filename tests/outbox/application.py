"""An application with a database of its own, of each kind that events can be recorded through."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import asyncpg

from counterfoil import AuditLog, Limits

KINDS = ("sqlite3", "apsw", "asyncpg")
#: And of the older server.
ALL_KINDS = (*KINDS, "older asyncpg")
#: Failures are tried again at once.
EAGER = Limits(retry_after=0.0)


class _RolledBackError(Exception):
    pass


class Application(ABC):
    """A shop with products, which changes them in transactions.

    Args:
        place: its database's file, or its address.
    """

    def __init__(self, place: Path | str) -> None:
        self.place = place

    @abstractmethod
    def connect(self) -> Any:
        """Open a connection; what asyncpg gives is to be awaited."""

    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """A connection of its own, in a transaction that ends with the block."""

    @abstractmethod
    async def run(self, connection: Any, sql: str, *parameters: Any) -> Sequence[Sequence[Any]]:
        """The rows of a statement with ``?`` for parameters."""

    async def within(self, *steps: Callable[[Any], Awaitable[object]]) -> None:
        """Take steps in one transaction, each with its connection."""
        async with self.transaction() as connection:
            for step in steps:
                await step(connection)

    @asynccontextmanager
    async def rolled_back(self) -> AsyncIterator[Any]:
        """A connection in a transaction that is rolled back in the end."""
        try:
            async with self.transaction() as connection:
                yield connection
                raise _RolledBackError
        except _RolledBackError:
            pass

    async def rows(self, sql: str, *parameters: Any) -> Sequence[Sequence[Any]]:
        """The rows of a statement, through a connection of its own."""
        async with self.transaction() as connection:
            return await self.run(connection, sql, *parameters)

    async def sell(self, connection: Any, name: str) -> None:
        """Change something of the shop's own."""
        await self.run(connection, "INSERT INTO product (name) VALUES (?)", name)

    async def products(self) -> list[str]:
        """What the shop has."""
        return [row[0] for row in await self.rows("SELECT name FROM product ORDER BY name")]

    async def waiting(self) -> list[bytes]:
        """The drafts in the outbox, refused ones too."""
        found = await self.rows("SELECT draft FROM counterfoil_outbox ORDER BY sequence")
        return [row[0] for row in found]

    async def refused(self) -> list[str]:
        """Why drafts are kept."""
        sql = "SELECT refused FROM counterfoil_outbox WHERE refused IS NOT NULL ORDER BY sequence"
        return [row[0] for row in await self.rows(sql)]

    async def forge(self, draft: bytes) -> None:
        """Put bytes into the outbox that no call has made."""
        await self.rows("INSERT INTO counterfoil_outbox (draft) VALUES (?)", draft)

    async def prepare(self, audit: AuditLog) -> None:
        """Make the shop's tables."""
        async with self.transaction() as connection:
            await self.run(connection, "CREATE TABLE product (name text)")
            await audit.create_outbox(connection)


class SQLiteApplication(Application):
    """With a file that one of the two modules opens."""

    def __init__(self, place: Path, *, kind: str) -> None:
        super().__init__(place)
        self.kind = kind

    def connect(self) -> Any:
        if self.kind == "apsw":
            connection = apsw.Connection(str(self.place))
            connection.set_busy_timeout(5000)
            return connection
        return sqlite3.connect(self.place, isolation_level=None, timeout=5.0)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        connection = self.connect()
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        finally:
            connection.close()

    async def run(self, connection: Any, sql: str, *parameters: Any) -> Sequence[Sequence[Any]]:
        return list(connection.execute(sql, parameters).fetchall())


class PostgresApplication(Application):
    """With a PostgreSQL database."""

    def connect(self) -> Any:
        return asyncpg.connect(str(self.place))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        connection = await self.connect()
        try:
            async with connection.transaction():
                yield connection
        finally:
            await connection.close()

    async def run(self, connection: Any, sql: str, *parameters: Any) -> Sequence[Sequence[Any]]:
        for number in range(len(parameters)):
            sql = sql.replace("?", f"${number + 1}", 1)
        rows: list[Sequence[Any]] = await connection.fetch(sql, *parameters)
        return rows


async def recorded(audit: AuditLog, log: str = "default") -> list[str]:
    """The ids of the application's events, in the order of the log."""
    found = [event async for event in audit.events(log=log)]
    return [event.id for event in found if not event.type.startswith("audit.")]


async def own_events(audit: AuditLog, kind: str) -> list[dict[str, Any]]:
    """What the log's own events of a type say."""
    return [event.audit or {} async for event in audit.events() if event.type == kind]
