"""Addresses: one URL picks the engine."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from counterfoil.errors import ConfigurationError

from .interface import Store


def open_store(url: str, *, timeout: float = 10.0) -> Store:
    """A store that is not opened yet.

    Args:
        url: ``sqlite:///relative.db``, ``sqlite:////absolute/path.db`` or ``memory:``.
        timeout: seconds that a call may wait for another process's lock, above 0.

    Raises:
        ConfigurationError: the address is of no known form.
    """
    scheme = urlsplit(url).scheme
    if scheme == "memory":
        from .memory import MemoryStore

        return MemoryStore()
    if scheme == "sqlite":
        from .sqlite import SQLiteStore

        return SQLiteStore(sqlite_path(url), timeout=timeout)
    raise ConfigurationError(
        "The log's address is of no known form.",
        remedy="Use sqlite:///audit.db, sqlite:////absolute/path/audit.db or memory:.",
    )


def sqlite_path(url: str) -> Path:
    """The file of a ``sqlite:`` address.

    Raises:
        ConfigurationError: it names no file, or a host or options.
    """
    parts = urlsplit(url)
    path = unquote(parts.path.removeprefix("/"))
    if parts.scheme != "sqlite" or parts.netloc or not path or parts.query or parts.fragment:
        raise ConfigurationError(
            "The SQLite address names no file.",
            remedy="Use sqlite:///audit.db, or sqlite:////absolute/path/audit.db.",
        )
    return Path(path)
