"""A small database with all that can be tampered with, and a hand that tampers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

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

#: Events in the log ``default``: a full tile of leaves, and some that no checkpoint covers.
EVENTS = 330
#: Events that a checkpoint covers.
COVERED = 300
OTHER_LOG = "tenant-7"


@dataclass(frozen=True)
class Database:
    """A database file with its key file and published checkpoints beside it."""

    path: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    @property
    def key_file(self) -> KeyFile:
        return KeyFile(self.path.with_name(f"{self.path.name}.key"))

    def copy_to(self, folder: Path) -> Database:
        shutil.copytree(self.path.parent, folder, dirs_exist_ok=True)
        return Database(folder / self.path.name)

    @contextmanager
    def hand(self) -> Iterator[apsw.Connection]:
        """A connection that knows nothing of logs."""
        connection = apsw.Connection(str(self.path))
        try:
            yield connection
        finally:
            connection.close()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self.hand() as connection:
            return list(connection.execute(sql, parameters))

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


async def fill(folder: Path) -> Database:
    """Make a database of two logs with several checkpoints, mentions, companies and kinds."""
    database = Database(folder / "audit.db")
    types = (AuditEventType.USER_LOGIN, AuditEventType.PRICE_CHANGED, "order.shipped")
    log = await AuditLog.open(database.url, checkpoint_interval=None)

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
    database.run("PRAGMA wal_checkpoint(TRUNCATE)")
    return database


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
    with database.hand() as connection, connection:
        connection.execute("DELETE FROM tile WHERE log = ?", (number,))
        for grown in growth:
            connection.execute(
                "INSERT INTO tile VALUES (?, ?, ?, ?)",
                (number, grown.level, grown.index, grown.hashes),
            )
        connection.execute(
            "UPDATE log SET size = ?, recorded_at = ?, frontier = ? WHERE number = ?",
            (len(rows), rows[-1][1], frontier.to_bytes(), number),
        )
        for table, hours, kind in (
            ("count_by_hour", 1, "coalesce(company_id, ''), type, level, outcome"),
            ("count_by_day", 24, "type, level, outcome"),
        ):
            connection.execute(f"DELETE FROM {table} WHERE log = ?", (number,))
            connection.execute(
                f"INSERT INTO {table} SELECT ?, recorded_at / 3600000000 / ? AS bucket, "
                f"{kind}, count(*) FROM event WHERE position BETWEEN ? AND ? "
                f"GROUP BY bucket, {kind}",
                (number, hours, base, base + (1 << 40) - 1),
            )
