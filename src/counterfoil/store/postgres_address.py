"""Addresses of PostgreSQL databases."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from counterfoil.errors import ConfigurationError

SCHEMES = ("postgresql", "postgres")


class PostgresAddress(NamedTuple):
    """Where a database is.

    Attributes:
        dsn: the address as given, which may hold a password.
        name: the address without secrets, for messages.
        database: the database's name.
    """

    dsn: str
    name: str
    database: str


def postgres_address(url: str) -> PostgresAddress:
    """Read ``postgresql://user:password@host:port/database?sslmode=…``, the form of libpq.

    Raises:
        ConfigurationError: it names no database. The message holds nothing of it.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _unreadable() from None
    database = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in SCHEMES or not database or "/" in database or parts.fragment:
        raise _unreadable()
    hosts = parts.netloc.rpartition("@")[2]
    return PostgresAddress(url, f"postgresql://{hosts}/{database}", database)


def _unreadable() -> ConfigurationError:
    return ConfigurationError(
        "The PostgreSQL address cannot be read, or names no database.",
        remedy="Use postgresql://user@host:port/database, with %40 for an @ in a password.",
    )
