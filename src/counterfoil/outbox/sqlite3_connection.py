"""sqlite3: connections of the interpreter's own module."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from .sqlite import SQLiteAdapter


def _elsewhere(error: Exception) -> bool:
    # The module has no class of its own for it.
    return isinstance(error, sqlite3.ProgrammingError) and "thread" in str(error)


def _plain(connection: Any) -> None:
    if getattr(connection, "autocommit", True) is False:
        # Python 3.12 and later: such a connection would never leave its transaction.
        connection.autocommit = True
    else:
        connection.isolation_level = None
    connection.row_factory = None


ADAPTER: Final = SQLiteAdapter(sqlite3.Error, _elsewhere, _plain)
