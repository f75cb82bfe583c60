"""The named statements of the SQLite store, and the small reads that several parts need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

from counterfoil.record.row import COLUMNS, EventRow

from .interface import Head
from .statement import read_statement

COLUMN_LIST = ", ".join(COLUMNS)


def statement(name: str) -> str:
    """A named statement of this engine."""
    return read_statement("sqlite", name)


def value_of(connection: apsw.Connection, sql: str, parameters: Sequence[Any]) -> Any:
    """The first column of the first row, or None."""
    row = next(connection.execute(sql, parameters), None)
    return None if row is None else row[0]


def heads_where(
    connection: apsw.Connection, clause: str, parameters: tuple[Any, ...]
) -> list[Head]:
    """Heads by a fixed clause."""
    sql = (
        "SELECT name, number, origin, size, recorded_at, frontier, sealed "  # noqa: S608 - no values
        f"FROM log {clause}"
    )
    return [head_of(row) for row in connection.execute(sql, parameters)]


def heads_by_name(connection: apsw.Connection, names: Sequence[str]) -> dict[str, Head]:
    """The heads of these logs, as far as they are there, in one statement."""
    clause = f"WHERE name IN ({', '.join('?' * len(names))})"
    return {head.log: head for head in heads_where(connection, clause, tuple(names))}


def head_of(row: Sequence[Any]) -> Head:
    """A head from its columns."""
    log, number, origin, size, recorded_at, frontier, sealed = row
    return Head(log, number, origin, size, recorded_at, frontier, sealed=sealed)


def rows_by_id(connection: apsw.Connection, ids: Sequence[bytes]) -> dict[bytes, EventRow]:
    """The events that have these ids."""
    sql = f"SELECT {COLUMN_LIST} FROM event WHERE id = ?"  # noqa: S608 - no values
    return {row[1]: EventRow._make(row) for one in ids for row in connection.execute(sql, (one,))}


def company_logs(connection: apsw.Connection, companies: Sequence[str]) -> dict[str, str]:
    """The names of the logs of these companies, as far as they have one."""
    sql = "SELECT company, log FROM company_log WHERE company = ?"
    return {row[0]: row[1] for one in companies for row in connection.execute(sql, (one,))}
