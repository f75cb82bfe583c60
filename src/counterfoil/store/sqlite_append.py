"""Appending to SQLite: a whole batch as one statement.

The interpreter lock is let go of while SQLite runs a statement, and in an application that is
busy every return to it can take milliseconds. So a batch is one INSERT into a view whose
triggers write events, tiles, counts and heads; outside an explicit transaction it commits by
itself, sync included, before it returns. The heads that it was built on are checked inside
it: where another process has moved one, nothing is written and the batch is built anew under
the lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import apsw

from counterfoil.errors import StoreCorruptError, StoreError
from counterfoil.record.row import COLUMNS, LOG_SPAN

from .interface import TILE_WIDTH, Batch, Build, Head, HeadRequest
from .sqlite_connection import roll_back, transaction
from .sqlite_error import commit_error
from .sqlite_statement import heads_by_name, rows_by_id, statement, value_of

#: Rows a statement may have. A batch is filled up to the next size with rows that no trigger
#: takes, so that few statements are prepared; the largest stays below the 16 KiB of SQL text
#: that apsw caches, and below SQLite's 32,766 parameters.
_SIZES = (4, 8, 12, 18, 26, 36, 50, 68, 90, 132, 190, 260, 290)
_WIDTH = len(COLUMNS) + 1
_BLANK = (None,) * _WIDTH
#: Heads that are kept, some 700 bytes each.
MOST_HEADS = 8_192
#: After another process has moved a head, how many batches take the lock first.
_CAREFUL = 32

_PLACE = {name: number + 1 for number, name in enumerate(COLUMNS)}


class Appender:
    """Appends batches on one connection, in its thread.

    Keeps the heads as this connection last left them: right for as long as nobody else
    writes, and checked in the statement itself. Of very many logs only the ones written to
    last are kept; the others' are read again, all of a batch in one statement.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._heads: dict[str, Head] = {}
        self._careful = 0
        connection.execute(statement("append_view"))

    def append(
        self,
        requests: Sequence[HeadRequest],
        ids: Sequence[bytes],
        build: Build,
    ) -> None:
        """Append one batch; see :meth:`counterfoil.store.interface.Store.append`."""
        # The one INSERT below commits by itself only outside a transaction.
        roll_back(self._connection)
        if not ids and self._careful == 0:
            heads = self._known_heads(requests)
            if heads is not None:
                batch = build(heads, {})
                if self._insert_unlocked(_rows(batch, self._heads)):
                    self._keep(batch)
                    return
        self._careful = max(0, self._careful - 1)
        self._append_locked(requests, ids, build)

    def _insert_unlocked(self, rows: list[tuple[Any, ...]]) -> bool:
        """Insert a batch's rows; False where another process has moved a head meanwhile."""
        try:
            if len(rows) <= _SIZES[-1]:
                self._insert(rows)
            else:
                # The heads come first: where one has moved, nothing else is tried.
                transaction(self._connection, lambda: self._insert_all(rows))
        except apsw.ConstraintError as error:
            self._heads.clear()
            if "head moved" not in str(error):
                raise _fault(error) from error
            self._careful = _CAREFUL
            return False
        except apsw.Error as error:
            self._heads.clear()
            raise commit_error(error, self._connection.filename) from error
        except StoreError:
            self._heads.clear()
            raise
        return True

    def _append_locked(
        self,
        requests: Sequence[HeadRequest],
        ids: Sequence[bytes],
        build: Build,
    ) -> None:
        batch = Batch()

        def work() -> None:
            nonlocal batch
            heads = self._lock_heads(requests)
            before = {name: replace(head) for name, head in heads.items()}
            batch = build(heads, rows_by_id(self._connection, ids) if ids else {})
            self._insert_all(_rows(batch, before))

        try:
            transaction(self._connection, work)
        except BaseException as error:
            self._heads.clear()
            if isinstance(error, apsw.ConstraintError):
                raise _fault(error) from error
            raise
        self._keep(batch)

    def _known_heads(self, requests: Sequence[HeadRequest]) -> dict[str, Head] | None:
        unknown = [request.log for request in requests if request.log not in self._heads]
        if unknown:
            self._heads |= heads_by_name(self._connection, unknown)
        heads = {}
        for request in requests:
            head = self._heads.get(request.log)
            if head is None or request.wants_tail(head.size):
                return None
            heads[request.log] = replace(head)
        return heads

    def _lock_heads(self, requests: Sequence[HeadRequest]) -> dict[str, Head]:
        connection = self._connection
        heads = heads_by_name(connection, [request.log for request in requests])
        fresh = [request for request in requests if request.log not in heads]
        if fresh:
            connection.executemany(
                statement("new_log"), [(request.log, request.origin) for request in fresh]
            )
            heads |= heads_by_name(connection, [request.log for request in fresh])
        for request in requests:
            head = heads[request.log]
            if request.wants_tail(head.size):
                end = head.number * LOG_SPAN + head.size
                start = end - head.size % TILE_WIDTH
                leaves = value_of(connection, statement("tail"), (start, end))
                head.tail = bytes.fromhex(leaves or "")
        return heads

    def _insert_all(self, rows: list[tuple[Any, ...]]) -> None:
        for start in range(0, len(rows), _SIZES[-1]):
            self._insert(rows[start : start + _SIZES[-1]])

    def _insert(self, rows: list[tuple[Any, ...]]) -> None:
        count = len(rows)
        size = next(size for size in _SIZES if size >= count)
        flat: list[Any] = []
        for row in rows:
            if len(row) < _WIDTH:
                flat.append("event")
            flat += row
        flat += _BLANK * (size - count)
        self._connection.execute(_insert_sql(size), flat)

    def _keep(self, batch: Batch) -> None:
        heads = self._heads
        for head in batch.heads:
            head.tail = None
            # At the end, so that the one that was written to longest ago comes first.
            heads.pop(head.log, None)
            heads[head.log] = head
        while len(heads) > MOST_HEADS:
            del heads[next(iter(heads))]


@cache
def _insert_sql(rows: int) -> str:
    values = f"({','.join('?' * _WIDTH)})"
    return f"INSERT INTO append VALUES {','.join([values] * rows)}"  # noqa: S608 - no values


def _rows(batch: Batch, before: dict[str, Head]) -> list[tuple[Any, ...]]:
    """A batch as rows of the view ``append``: heads first, since they may refuse.

    Events' rows are the batch's own, and lack their kind: another tuple for each would be made
    and dropped by the hundred, and each time bring the garbage collector nearer.
    """
    rows = [
        _row(
            "head",
            position=head.number,
            type=head.origin,
            occurred_at=before[head.log].size,
            leaf=before[head.log].frontier,
            mentions=head.size,
            recorded_at=head.recorded_at,
            id=head.frontier,
            company_id=head.sealed,
            session_id=before[head.log].sealed,
        )
        for head in batch.heads
    ]
    rows += batch.rows
    rows += [
        _row("mention", position=one.position, type=one.name, user_id=one.person, entry=one.stored)
        for one in batch.mentions
    ]
    rows += [
        _row(
            "tile",
            position=tile.log,
            level=tile.level,
            occurred_at=tile.number,
            mentions=tile.offset,
            entry=tile.hashes,
        )
        for tile in batch.tiles
    ]
    rows += [
        _row(
            "count",
            position=count.log,
            recorded_at=count.hour,
            company_id=count.company,
            type=count.type,
            level=count.level,
            outcome=count.outcome,
            occurred_at=count.events,
        )
        for count in batch.counts
    ]
    return rows


def _row(kind: str, **values: Any) -> tuple[Any, ...]:
    row: list[Any] = [None] * _WIDTH
    row[0] = kind
    for name, value in values.items():
        row[_PLACE[name]] = value
    return tuple(row)


def _fault(error: apsw.ConstraintError) -> StoreCorruptError | apsw.Error:
    return StoreCorruptError("A tile does not fit its log.") if "tile" in str(error) else error
