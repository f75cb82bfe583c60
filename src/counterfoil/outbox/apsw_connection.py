"""apsw: connections of the module that Counterfoil itself uses."""

from __future__ import annotations

from typing import Any, Final

import apsw

from .sqlite import SQLiteAdapter


def _elsewhere(error: Exception) -> bool:
    return isinstance(error, apsw.ThreadingViolationError)


def _plain(connection: Any) -> None:
    connection.exec_trace = connection.row_trace = None


ADAPTER: Final = SQLiteAdapter(apsw.Error, _elsewhere, _plain)
