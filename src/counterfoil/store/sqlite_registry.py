"""The registry in an SQLite file: small facts that servers of one database share."""

from __future__ import annotations

import apsw

from .registry import RegistryRow
from .sqlite_connection import transaction
from .sqlite_statement import statement


def register(connection: apsw.Connection, row: RegistryRow) -> RegistryRow:
    """Add a row, unless there is one; returns what is there."""
    transaction(connection, lambda: connection.execute(statement("register"), row))
    return registered(connection, row.kind, row.name) or row


def reregister(connection: apsw.Connection, row: RegistryRow, expected: bytes) -> bool:
    """Replace a row whose value is the one expected."""
    values = (row.value, row.expires_at, row.kind, row.name, expected)
    return _changed(connection, statement("reregister"), values) > 0


def unregister(connection: apsw.Connection, kind: str, name: str) -> bool:
    """Remove a row; whether it was there."""
    return _changed(connection, statement("unregister"), (kind, name)) > 0


def unregister_expired(connection: apsw.Connection, now: int) -> int:
    """Remove the rows that expired by a time; how many there were."""
    return _changed(connection, statement("unregister_expired"), (now,))


def registered(connection: apsw.Connection, kind: str, name: str) -> RegistryRow | None:
    """One row, or None."""
    row = next(connection.execute(statement("registered"), (kind, name)), None)
    return None if row is None else RegistryRow._make(row)


def registry(connection: apsw.Connection, kind: str) -> list[RegistryRow]:
    """The rows of a kind, by name."""
    return [RegistryRow._make(row) for row in connection.execute(statement("registry"), (kind,))]


def _changed(connection: apsw.Connection, sql: str, values: tuple[object, ...]) -> int:
    """How many rows a statement changed, in a transaction of its own."""
    before = connection.total_changes()
    transaction(connection, lambda: connection.execute(sql, values))
    return connection.total_changes() - before
