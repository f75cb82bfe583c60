"""A small database with all that can be tampered with, and a hand that tampers."""

from __future__ import annotations

import asyncio
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import apsw
import asyncpg

from counterfoil.base import AuditContext, AuditEventType
from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.log import AuditLog
from counterfoil.log.proving.identity import Identity
from counterfoil.log.proving.key_file import KeyFile
from counterfoil.log.proving.prover import Prover
from counterfoil.log.proving.published import PublishedCheckpoints
from counterfoil.log.verification.report import Report
from counterfoil.log.verification.verifier import Verifier
from counterfoil.proof import Frontier
from counterfoil.store import open_store
from tests.postgres import Postgres

#: Events in the log ``default``: a full tile of leaves, and some that no checkpoint covers.
EVENTS = 330
#: Events that a checkpoint covers.
COVERED = 300
OTHER_LOG = "tenant-7"


#: What PostgreSQL says otherwise than SQLite.
_DIALECT = {
    "randomblob(16)": "decode(md5('another'), 'hex')",
    "9 << 40": "9::bigint << 40",
    "(1 << 40)": "(1::bigint << 40)",
    "INTO log SELECT": "INTO log OVERRIDING SYSTEM VALUE SELECT",
}


class Database(ABC):
    """A database, and a folder with its key file and published checkpoints.

    Args:
        folder: where those are.
    """

    #: What the database itself says where it does not take a change.
    refusals: tuple[type[Exception], ...]
    #: Bits of an integer that can be flipped in any column.
    bits: int

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    @abstractmethod
    def url(self) -> str: ...

    @property
    def key_file(self) -> KeyFile:
        return KeyFile(self.folder / "audit.db.key")

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement of somebody who knows nothing of logs."""
        return self.run_all([(sql, parameters)])

    @abstractmethod
    def run_all(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> list[tuple[Any, ...]]:
        """Run statements with question marks in one transaction; the last one's rows."""

    @abstractmethod
    def copy_to(self, folder: Path) -> Database: ...

    def text(self, data: bytes) -> tuple[str, Any]:
        """A text of these bytes: the SQL around the parameter, and the parameter."""
        return "CAST(? AS TEXT)", data

    def remove(self, first: int, last: int) -> None:
        """Remove the events at these positions without a trace beside them."""
        for table in ("mention", "event"):
            self.run(f"DELETE FROM {table} WHERE position BETWEEN ? AND ?", (first, last))

    async def verify(self, **how: Any) -> Report:
        """Verify as an auditor does who has the key file's neighbours, and opens all anew."""
        store = open_store(self.url)
        await store.open()
        try:
            key = self.key_file
            known = key.databases()[0]
            seed = key.seed(known)
            assert seed is not None
            public = Identity(known, None, None, seed).signing_key(known).verifier.public_key
            identity = Identity(known, public, key, seed)
            published = PublishedCheckpoints(key.published_folder)
            verifier = Verifier(store, identity, published, lambda log: f"{known}/{log}", self.url)
            return await verifier.verify(**how)
        finally:
            await store.close()


class SQLiteDatabase(Database):
    """A database file in that folder."""

    refusals = (apsw.ConstraintError,)
    bits = 63

    @property
    def path(self) -> Path:
        return self.folder / "audit.db"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def run_all(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> list[tuple[Any, ...]]:
        connection = apsw.Connection(str(self.path))
        rows: list[tuple[Any, ...]] = []
        try:
            # A single statement may be one that stands outside of any transaction.
            with connection if len(statements) > 1 else nullcontext():
                for sql, parameters in statements:
                    rows = list(connection.execute(sql, parameters))
        finally:
            connection.close()
        return rows

    def copy_to(self, folder: Path) -> SQLiteDatabase:
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return SQLiteDatabase(folder)


class PostgresDatabase(Database):
    """A database on a server, in the hands of its superuser."""

    refusals = (asyncpg.PostgresError, asyncpg.InterfaceError)
    bits = 15

    def __init__(self, folder: Path, server: Postgres, url: str) -> None:
        super().__init__(folder)
        self.server = server
        self._url = url

    @property
    def url(self) -> str:
        return self._url

    def run_all(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> list[tuple[Any, ...]]:
        return asyncio.run(self._run_all(statements))

    async def _run_all(
        self, statements: Sequence[tuple[str, Sequence[Any]]]
    ) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(
            self._url, server_settings={"search_path": "counterfoil, pg_catalog"}
        )
        rows: list[tuple[Any, ...]] = []
        try:
            async with connection.transaction():
                for sql, parameters in statements:
                    for ours, theirs in _DIALECT.items():
                        sql = sql.replace(ours, theirs)
                    first, *rest = sql.split("?")
                    numbered = first + "".join(f"${at}{part}" for at, part in enumerate(rest, 1))
                    rows = [tuple(row) for row in await connection.fetch(numbered, *parameters)]
        finally:
            await connection.close()
        return rows

    def copy_to(self, folder: Path) -> PostgresDatabase:
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        url = self.server.create(template=urlsplit(self._url).path[1:])
        return PostgresDatabase(folder, self.server, url)

    def remove(self, first: int, last: int) -> None:
        super().remove(first, last)
        self.run("DELETE FROM id WHERE position BETWEEN ? AND ?", (first, last))

    def text(self, data: bytes) -> tuple[str, Any]:
        return "?", data.decode()

    def drop(self) -> None:
        self.server.drop(self._url)


async def fill(database: Database) -> None:
    """Write two logs with several checkpoints, mentions, companies and kinds."""
    types = (AuditEventType.USER_LOGIN, AuditEventType.PRICE_CHANGED, "order.shipped")
    log = await AuditLog.open(
        database.url, key_file=database.key_file.path, checkpoint_interval=None, spool=False
    )

    async def write(first: int, last: int, name: str = "default") -> None:
        for number in range(first, last):
            await log.log_event(
                types[number % 3],
                user_id=f"user-{number % 7}",
                ip_address=f"192.0.2.{number % 250}",
                resource_id=f"order-{number}",
                resource_type="order",
                details={"number": number, "note": "a kettle"},
                context=AuditContext(
                    company_id=f"company-{number % 3}",
                    session_id=f"session-{number}",
                    request_id=f"request-{number}",
                    before_state={"price": "12.50"},
                    after_state={"price": f"{number}.00"},
                ),
                outcome="failure" if number % 5 == 0 else "success",
                subjects=["person-1", f"person-{number}"] if number % 4 == 0 else (),
                on_behalf_of="person-9" if number % 9 == 0 else None,
                log=name,
            )

    store = open_store(database.url)
    await store.open()
    identity = await Identity.establish(store, database.key_file, SYSTEM_CLOCK)
    published = PublishedCheckpoints(database.key_file.published_folder)
    prover = Prover(store, identity, published, SYSTEM_CLOCK)
    done = 0
    for size in (100, 200, COVERED):
        await write(done, size)
        await prover.checkpoint("default")
        done = size
    await write(done, EVENTS)
    await write(0, 20, OTHER_LOG)
    await prover.checkpoint(OTHER_LOG)
    await store.close()
    await log.close()


def base_of(database: Database, log: str = "default") -> int:
    """The position of a log's first event."""
    (number,) = database.run("SELECT number FROM log WHERE name = ?", (log,))[0]
    return int(number) << 40


def recompute(database: Database, log: str = "default") -> None:
    """Make tiles, head and roll-ups fit the rows, as a tamperer with much time would."""
    base = base_of(database, log)
    number = base >> 40
    rows = database.run(
        "SELECT leaf, recorded_at FROM event WHERE position BETWEEN ? AND ? ORDER BY position",
        (base, base + (1 << 40) - 1),
    )
    frontier, growth = Frontier().append([leaf for leaf, _ in rows])
    changes: list[tuple[str, Sequence[Any]]] = [("DELETE FROM tile WHERE log = ?", (number,))]
    changes += [
        (
            "INSERT INTO tile VALUES (?, ?, ?, ?)",
            (number, grown.level, grown.index, grown.hashes),
        )
        for grown in growth
    ]
    changes.append(
        (
            "UPDATE log SET size = ?, recorded_at = ?, frontier = ? WHERE number = ?",
            (len(rows), rows[-1][1], frontier.to_bytes(), number),
        )
    )
    for table, hours, kind in (
        ("count_by_hour", 1, "coalesce(company_id, ''), type, level, outcome"),
        ("count_by_day", 24, "type, level, outcome"),
    ):
        changes.append((f"DELETE FROM {table} WHERE log = ?", (number,)))
        sql = (
            f"INSERT INTO {table} SELECT {number}, recorded_at / 3600000000 / {hours} AS bucket, "
            f"{kind}, count(*) FROM event WHERE position BETWEEN ? AND ? GROUP BY bucket, {kind}"
        )
        changes.append((sql, (base, base + (1 << 40) - 1)))
    database.run_all(changes)
