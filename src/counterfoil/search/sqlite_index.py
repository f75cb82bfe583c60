"""The text index in a SQLite file of its own, beside the database (FTS5)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw

from counterfoil.errors import StoreError
from counterfoil.record.row import LOG_SPAN
from counterfoil.spool.lock import FileLock
from counterfoil.store.sqlite_error import store_error
from counterfoil.store.sqlite_file import make_private
from counterfoil.store.thread import ConnectionThread

from .text_index import Candidate, Document, Mark, Marks
from .words import Phrase

R = TypeVar("R")

_VERSION: Final = "1"
#: ``ascii`` keeps our own words whole: they hold nothing of ASCII but letters and digits.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mark (
    log INTEGER PRIMARY KEY, origin TEXT NOT NULL, size INTEGER NOT NULL
) STRICT;
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
    text, company, id UNINDEXED, tokenize = 'ascii', columnsize = 0
);
INSERT OR IGNORE INTO fact (name, value) VALUES ('epoch', '0');
"""
_EMPTY: Final = """
DROP TABLE IF EXISTS words;
DROP TABLE IF EXISTS mark;
DROP TABLE IF EXISTS fact;
"""


class SQLiteTextIndex:
    """Words in a SQLite file. Satisfies ``TextIndex``.

    What is forgotten is overwritten in the file and its log, not only unlinked.

    Args:
        path: the file, or None for one in memory.
        database: the database's random id, whose events it holds.
        timeout: seconds to wait for another process's lock.
    """

    def __init__(self, path: Path | None, database: str, *, timeout: float = 10.0) -> None:
        self._path = None if path is None else path.absolute()
        self._database = database
        self._timeout = timeout
        self._lock: FileLock | None = None
        self._thread: ConnectionThread[apsw.Connection] | None = None

    async def open(self) -> None:
        """Make the file, or take up what is there."""
        thread = ConnectionThread(self._connect, _disconnect, "counterfoil-search")
        # Only one that is open is asked: what did not open answers nothing, ever.
        try:
            await thread.open()
        except BaseException:
            await thread.close()
            raise
        self._thread = thread

    async def close(self) -> None:
        """Let go of the file."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await thread.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    async def lease(self) -> bool:
        """Whether this process holds the file's lock."""
        if self._path is not None and self._lock is None:
            self._lock = FileLock.take(self._path.with_name(f"{self._path.name}.lock"))
        return self._path is None or self._lock is not None

    async def marks(self) -> Marks:
        """How much is in."""
        return await self._run(_marks)

    async def add(
        self, epoch: int, number: int, mark: Mark, size: int, documents: Sequence[Document]
    ) -> bool:
        """Add documents, and move the mark."""

        def work(connection: apsw.Connection) -> bool:
            if _epoch(connection) != epoch:
                return False
            found = connection.execute("SELECT origin, size FROM mark WHERE log = ?", (number,))
            row = found.fetchone()
            if (mark.origin, mark.size) != (row or (mark.origin, 0)):
                return False
            _insert(connection, documents)
            connection.execute(
                "INSERT INTO mark (log, origin, size) VALUES (?, ?, ?) "
                "ON CONFLICT (log) DO UPDATE SET origin = excluded.origin, size = excluded.size",
                (number, mark.origin, size),
            )
            return True

        return await self._write(work)

    async def put(self, epoch: int, documents: Sequence[Document]) -> bool:
        """Add documents again."""

        def work(connection: apsw.Connection) -> bool:
            if _epoch(connection) != epoch:
                return False
            _insert(connection, documents)
            return True

        return await self._write(work)

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
            "SELECT rowid, id FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ? "  # noqa: S608
            f"ORDER BY rowid {order} LIMIT ?"
        )
        asked = _match(phrases, companies)

        def work(connection: apsw.Connection) -> list[Candidate]:
            rows = connection.execute(sql, (asked, first, last, limit))
            return [Candidate(position, key) for position, key in rows]

        return await self._run(work)

    async def forget(self, positions: Sequence[int]) -> int:
        """Remove rows, and what the write-ahead log still holds of them."""

        def work(connection: apsw.Connection) -> int:
            connection.executemany(
                "DELETE FROM words WHERE rowid = ?", [(one,) for one in positions]
            )
            return _next_epoch(connection)

        epoch = await self._write(work)
        await self._run(_checkpoint)
        return epoch

    async def reset(self, number: int | None = None) -> None:
        """Empty it, or what it holds of one log."""

        def work(connection: apsw.Connection) -> None:
            if number is None:
                connection.execute("DELETE FROM words")
                connection.execute("DELETE FROM mark")
            else:
                base = number * LOG_SPAN
                connection.execute(
                    "DELETE FROM words WHERE rowid BETWEEN ? AND ?", (base, base + LOG_SPAN - 1)
                )
                connection.execute("DELETE FROM mark WHERE log = ?", (number,))
            _next_epoch(connection)

        await self._write(work)
        await self._run(_checkpoint)

    def _connect(self) -> apsw.Connection:
        try:
            return self._opened()
        except (apsw.CorruptError, apsw.NotADBError):
            # It holds nothing that cannot be made again.
            assert self._path is not None, "what is in memory is not corrupt"
            for name in (self._path.name, f"{self._path.name}-wal", f"{self._path.name}-shm"):
                self._path.with_name(name).unlink(missing_ok=True)
            return self._opened()
        except apsw.Error as error:
            raise store_error(error, str(self._path)) from error

    def _opened(self) -> apsw.Connection:
        if self._path is not None:
            make_private(self._path)
        connection = apsw.Connection(":memory:" if self._path is None else str(self._path))
        try:
            connection.set_busy_timeout(round(self._timeout * 1000))
            connection.pragma("journal_mode", "wal")
            # What a power cut takes is indexed again: the mark goes with it.
            connection.pragma("synchronous", "normal")
            connection.pragma("secure_delete", True)
            connection.pragma("temp_store", "memory")
            _transact(connection, lambda: self._settle(connection))
        except BaseException:
            connection.close()
            raise
        return connection

    def _settle(self, connection: apsw.Connection) -> None:
        wanted = {"database": self._database, "version": _VERSION}
        held = connection.execute("SELECT name FROM sqlite_schema WHERE name = 'fact'").fetchone()
        if held is not None:
            facts = dict(connection.execute("SELECT name, value FROM fact"))
            if facts == {**facts, **wanted}:
                return
            connection.execute(_EMPTY)
        connection.execute(_SCHEMA)
        connection.execute("INSERT INTO words (words, rank) VALUES ('secure-delete', 1)")
        connection.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", wanted.items())

    async def _write(self, work: Callable[[apsw.Connection], R]) -> R:
        def transact(connection: apsw.Connection) -> R:
            return _transact(connection, lambda: work(connection))

        return await self._run(transact)

    async def _run(self, work: Callable[[apsw.Connection], R]) -> R:
        if self._thread is None:
            raise StoreError("The text index is not open.")
        try:
            return await self._thread.run(work)
        except apsw.Error as error:
            raise store_error(error, str(self._path)) from error


def _transact(connection: apsw.Connection, work: Callable[[], R]) -> R:
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = work()
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return found


def _disconnect(connection: apsw.Connection) -> None:
    connection.close()


def _checkpoint(connection: apsw.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _epoch(connection: apsw.Connection) -> int:
    row: Any = connection.execute("SELECT value FROM fact WHERE name = 'epoch'").fetchone()
    return int(row[0])


def _next_epoch(connection: apsw.Connection) -> int:
    epoch = _epoch(connection) + 1
    connection.execute("UPDATE fact SET value = ? WHERE name = 'epoch'", (str(epoch),))
    return epoch


def _marks(connection: apsw.Connection) -> Marks:
    rows = connection.execute("SELECT log, origin, size FROM mark")
    return Marks(_epoch(connection), {log: Mark(origin, size) for log, origin, size in rows})


def _insert(connection: apsw.Connection, documents: Sequence[Document]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO words (rowid, text, company, id) VALUES (?, ?, ?, ?)",
        [(item.position, item.text, _token(item.company), item.id) for item in documents],
    )


def _match(phrases: Sequence[Phrase], companies: Collection[str]) -> str:
    """The question in FTS5's language; words hold nothing that means anything in it."""
    asked = " AND ".join(
        f'"{" ".join(phrase.words)}"{" *" if phrase.prefix else ""}' for phrase in phrases
    )
    if not companies:
        return f"{{text}} : ({asked})"
    tokens = " OR ".join(f'"{_token(company)}"' for company in companies)
    return f"({{text}} : ({asked})) AND ({{company}} : ({tokens}))"


def _token(company: str) -> str:
    """A company as one word."""
    return f"c{company.encode().hex()}"
