"""The text index in PostgreSQL: a schema of its own beside the log's (tsvector, GIN)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from counterfoil.errors import StoreError
from counterfoil.record.row import LOG_SPAN
from counterfoil.store.postgres_address import PostgresAddress
from counterfoil.store.postgres_connection import Connector
from counterfoil.store.postgres_error import FAILURES, store_error

from .text_index import Candidate, Document, Mark, Marks
from .words import Phrase

Session: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

_VERSION: Final = "1"
_SCHEMA: Final = """
CREATE SCHEMA counterfoil_search;
CREATE TABLE counterfoil_search.fact (name text PRIMARY KEY, value text NOT NULL);
CREATE TABLE counterfoil_search.mark (
    log bigint PRIMARY KEY, origin text NOT NULL, size bigint NOT NULL
);
CREATE TABLE counterfoil_search.document (
    position bigint PRIMARY KEY, id bytea NOT NULL, company text NOT NULL, words tsvector NOT NULL
);
CREATE INDEX document_words ON counterfoil_search.document USING gin (words);
INSERT INTO counterfoil_search.fact (name, value) VALUES ('epoch', '0');
"""
#: Where tsvector ends: a word has no position behind it, and is found where no phrase is asked.
_LAST_PLACE: Final = 16_383
_SESSIONS: Final = 3


class PostgresTextIndex:
    """Words in a PostgreSQL database. Satisfies ``TextIndex``.

    What is forgotten is deleted; like everything in PostgreSQL it leaves the disk with the next
    vacuum.

    Args:
        address: the log's database.
        database: its random id, whose events the index holds.
        timeout: seconds to wait for the server.
    """

    def __init__(self, address: PostgresAddress, database: str, *, timeout: float = 10.0) -> None:
        self._address = address
        self._connector = Connector(address, timeout)
        self._database = database
        self._timeout = timeout
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._lease: asyncpg.Connection[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Make the schema, or take up what is there."""
        # What is left of an opening that failed halfway.
        await self.close()
        try:
            self._pool = await asyncpg.create_pool(
                connect=self._connect,
                min_size=0,
                max_size=_SESSIONS,
                command_timeout=self._timeout * 6,
                server_settings={"application_name": "counterfoil search"},
            )
        except FAILURES as error:
            raise store_error(error, self._address.name) from error
        async with self._transaction() as session:
            await session.execute("SELECT pg_advisory_xact_lock(hashtext('counterfoil search'), 1)")
            await self._settle(session)

    async def close(self) -> None:
        """Let go of every session."""
        lease, self._lease = self._lease, None
        pool, self._pool = self._pool, None
        if lease is not None:
            lease.terminate()
        if pool is not None:
            await pool.close()

    async def lease(self) -> bool:
        """Whether this process holds the database's lock, in a session of its own."""
        if self._lease is not None and not self._lease.is_closed():
            return True
        try:
            session = await self._connector.connect()
            taken = await session.fetchval(
                "SELECT pg_try_advisory_lock(hashtext('counterfoil search'), 0)"
            )
        except FAILURES as error:
            raise store_error(error, self._address.name) from error
        if not taken:
            session.terminate()
            return False
        self._lease = session
        return True

    async def marks(self) -> Marks:
        """How much is in."""
        async with self._transaction() as session:
            rows = await session.fetch("SELECT log, origin, size FROM counterfoil_search.mark")
            epoch = await _epoch(session)
        return Marks(epoch, {row["log"]: Mark(row["origin"], row["size"]) for row in rows})

    async def add(
        self, epoch: int, number: int, mark: Mark, size: int, documents: Sequence[Document]
    ) -> bool:
        """Add documents, and move the mark."""
        async with self._transaction() as session:
            if await _epoch(session, locked=True) != epoch:
                return False
            row = await session.fetchrow(
                "SELECT origin, size FROM counterfoil_search.mark WHERE log = $1", number
            )
            if (mark.origin, mark.size) != (tuple(row) if row else (mark.origin, 0)):
                return False
            await _insert(session, documents)
            await session.execute(
                "INSERT INTO counterfoil_search.mark (log, origin, size) VALUES ($1, $2, $3) "
                "ON CONFLICT (log) DO UPDATE SET origin = excluded.origin, size = excluded.size",
                number,
                mark.origin,
                size,
            )
        return True

    async def put(self, epoch: int, documents: Sequence[Document]) -> bool:
        """Add documents again."""
        async with self._transaction() as session:
            if await _epoch(session, locked=True) != epoch:
                return False
            await _insert(session, documents)
        return True

    async def find(
        self,
        phrases: Sequence[Phrase],
        companies: Collection[str],
        first: int,
        last: int,
        *,
        newest_first: bool,
        limit: int,
    ) -> list[Candidate]:
        """Candidates, in order."""
        order = "DESC" if newest_first else "ASC"
        sql = (
            "SELECT position, id FROM counterfoil_search.document "  # noqa: S608 - no values
            "WHERE words @@ $1::text::tsquery AND position BETWEEN $2 AND $3 "
            "AND (cardinality($4::text[]) = 0 OR company = ANY ($4)) "
            f"ORDER BY position {order} LIMIT $5"
        )
        async with self._transaction() as session:
            rows = await session.fetch(sql, _query(phrases), first, last, list(companies), limit)
        return [Candidate(row["position"], row["id"]) for row in rows]

    async def forget(self, positions: Sequence[int]) -> int:
        """Remove rows."""
        async with self._transaction() as session:
            epoch = await _next_epoch(session)
            await session.execute(
                "DELETE FROM counterfoil_search.document WHERE position = ANY ($1::bigint[])",
                list(positions),
            )
        return epoch

    async def reset(self, number: int | None = None) -> None:
        """Empty it, or what it holds of one log."""
        async with self._transaction() as session:
            await _next_epoch(session)
            if number is None:
                await session.execute("TRUNCATE counterfoil_search.document")
                await session.execute("DELETE FROM counterfoil_search.mark")
                return
            base = number * LOG_SPAN
            await session.execute(
                "DELETE FROM counterfoil_search.document WHERE position BETWEEN $1 AND $2",
                base,
                base + LOG_SPAN - 1,
            )
            await session.execute("DELETE FROM counterfoil_search.mark WHERE log = $1", number)

    async def _settle(self, session: Session) -> None:
        wanted = {"database": self._database, "version": _VERSION}
        if await session.fetchval("SELECT to_regclass('counterfoil_search.fact') IS NOT NULL"):
            rows = await session.fetch("SELECT name, value FROM counterfoil_search.fact")
            facts = {row["name"]: row["value"] for row in rows}
            if facts == {**facts, **wanted}:
                return
            await session.execute("DROP SCHEMA counterfoil_search CASCADE")
        await session.execute(_SCHEMA)
        await session.executemany(
            "INSERT INTO counterfoil_search.fact (name, value) VALUES ($1, $2)", wanted.items()
        )

    async def _connect(self, *_: object, **options: Any) -> Any:
        return await self._connector.connect(**options)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Session]:
        if self._pool is None:
            raise StoreError("The text index is not open.")
        try:
            async with self._pool.acquire() as session, session.transaction():
                # Not on connecting: a pooler would refuse it.
                await session.execute("SET LOCAL jit = off")
                yield session
        except FAILURES as error:
            raise store_error(error, self._address.name) from error


async def _epoch(session: Session, *, locked: bool = False) -> int:
    """The epoch; locked, so that nobody ends it before this transaction has ended."""
    sql = "SELECT value FROM counterfoil_search.fact WHERE name = 'epoch'"
    return int(await session.fetchval(f"{sql} FOR SHARE" if locked else sql))


async def _next_epoch(session: Session) -> int:
    value: Any = await session.fetchval(
        "UPDATE counterfoil_search.fact SET value = (value::bigint + 1)::text "
        "WHERE name = 'epoch' RETURNING value"
    )
    return int(value)


async def _insert(session: Session, documents: Sequence[Document]) -> None:
    await session.executemany(
        "INSERT INTO counterfoil_search.document (position, id, company, words) "
        "VALUES ($1, $2, $3, $4::text::tsvector) ON CONFLICT (position) DO UPDATE "
        "SET id = excluded.id, company = excluded.company, words = excluded.words",
        [(item.position, item.id, item.company, _vector(item.text)) for item in documents],
    )


def _vector(text: str) -> str:
    """Words with their places, as tsvector reads them; a gap has a place, and is no word."""
    places: dict[str, list[str]] = {}
    for place, word in enumerate(text.split(" "), 1):
        if word.isalnum() and place <= _LAST_PLACE:
            places.setdefault(word, []).append(str(place))
    # A word keeps 255 places at most, by tsvector's rule; what is left over is not found as a
    # part of a phrase.
    return " ".join(f"'{word}':{','.join(found[:255])}" for word, found in places.items())


def _query(phrases: Sequence[Phrase]) -> str:
    asked = []
    for phrase in phrases:
        *before, last = phrase.words
        parts = [f"'{word}'" for word in before] + [f"'{last}'{':*' if phrase.prefix else ''}"]
        asked.append(f"({' <-> '.join(parts)})")
    return " & ".join(asked)
