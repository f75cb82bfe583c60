"""Places: an application's database as a command names it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import apsw

from counterfoil.errors import ConfigurationError
from counterfoil.store.address import sqlite_path

from .opening import Connect, connector

_SQLITE: Final = "sqlite:"


def connector_to(place: str) -> Connect:
    """How to connect from a process that the application is not in.

    A SQLite file is opened with our own SQLite, which only such a process may do.

    Args:
        place: a PostgreSQL address, a ``sqlite:`` address or a file.

    Raises:
        ConfigurationError: it is of no known form, or there is no such file.
        MissingExtraError: asyncpg is not installed.
    """
    if "://" in place and not place.startswith(_SQLITE):
        return connector(place)
    path = sqlite_path(place) if place.startswith(_SQLITE) else Path(place)
    if not path.is_file():
        raise ConfigurationError(
            f"There is no database {path}.", remedy="Name the application's own database file."
        )
    return lambda: apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
