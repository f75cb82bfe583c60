"""Addresses: one URL picks the engine."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from counterfoil.errors import ConfigurationError, MissingExtraError

from .interface import Store
from .postgres_address import SCHEMES, postgres_address


def open_store(url: str, *, timeout: float = 10.0) -> Store:
    """A store that is not opened yet.

    Args:
        url: ``sqlite:///relative.db``, ``sqlite:////absolute/path.db``,
            ``postgresql://user@host/database`` or ``memory:``.
        timeout: seconds that a call may wait for another process's lock, above 0.

    Raises:
        ConfigurationError: the address is of no known form.
        MissingExtraError: the packages for the engine are not installed.
    """
    scheme = url.partition(":")[0] if type(url) is str else None
    if scheme == "memory":
        from .memory import MemoryStore

        return MemoryStore()
    if scheme == "sqlite":
        from .sqlite import SQLiteStore

        return SQLiteStore(sqlite_path(url), timeout=timeout)
    if scheme in SCHEMES:
        address = postgres_address(url)
        try:
            from .postgres import PostgresStore
        except ModuleNotFoundError as error:
            if error.name != "asyncpg":
                raise
            raise MissingExtraError("A log in PostgreSQL", "postgres") from error
        return PostgresStore(address, timeout=timeout)
    raise ConfigurationError(
        "The log's address is of no known form.",
        remedy="Use sqlite:///audit.db, postgresql://user@host/database or memory:.",
    )


def sqlite_path(url: str) -> Path:
    """The file of a ``sqlite:`` address.

    Raises:
        ConfigurationError: it names no file, or a host or options.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    path = Path(unquote(parts.path.removeprefix("/")))
    more = parts.netloc or parts.query or parts.fragment
    if parts.scheme != "sqlite" or more or path.name in ("", ".."):
        raise ConfigurationError(
            "The SQLite address names no file, or more than a file.",
            remedy="Use sqlite:///audit.db, or sqlite:////absolute/path/audit.db, with %3F for a "
            "? and %23 for a # in a name.",
        )
    return path
