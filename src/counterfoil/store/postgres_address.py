"""Addresses of PostgreSQL databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from counterfoil.errors import ConfigurationError

SCHEMES = ("postgresql", "postgres")


class Host(NamedTuple):
    """One of the servers that an address names; no port means the usual one."""

    name: str
    port: int | None


class PostgresAddress(NamedTuple):
    """Where a database is.

    Attributes:
        dsn: the address as given, which may hold a password.
        name: the address without secrets, for messages.
        database: the database's name.
        hosts: the servers, where it names several: one of them takes writes.
        options: what stands behind its question mark.
    """

    dsn: str
    name: str
    database: str
    hosts: Sequence[Host] = ()
    options: Mapping[str, str] = MappingProxyType({})


def postgres_address(url: str) -> PostgresAddress:
    """Read ``postgresql://user:password@host:port/database?sslmode=…``, the form of libpq.

    Raises:
        ConfigurationError: it names no database. The message holds nothing of it.
    """
    try:
        parts = urlsplit(url)
        database = unquote(parts.path.removeprefix("/"))
        if parts.scheme not in SCHEMES or not database or "/" in database or parts.fragment:
            raise ValueError
        hosts = parts.netloc.rpartition("@")[2]
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        found = [_host(one) for one in hosts.split(",")] if hosts else _options_hosts(options)
    except ValueError:
        raise _unreadable() from None
    return PostgresAddress(
        url,
        f"postgresql://{hosts}/{database}",
        database,
        found if len(found) > 1 else (),
        options,
    )


def _host(text: str) -> Host:
    if text.startswith("["):
        name, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    else:
        name, _, port = text.partition(":")
    return Host(unquote(name), int(unquote(port)) if port else None)


def _options_hosts(options: dict[str, str]) -> list[Host]:
    """The hosts of ``?host=one,another&port=5432,5433``; one port is for all."""
    names = options.get("host", "").split(",")
    ports = [int(port) if port else None for port in options.get("port", "").split(",")]
    if len(ports) == 1:
        ports *= len(names)
    if len(ports) != len(names):
        raise ValueError
    return [Host(*pair) for pair in zip(names, ports, strict=True)]


def _unreadable() -> ConfigurationError:
    return ConfigurationError(
        "The PostgreSQL address cannot be read, or names no database.",
        remedy="Use postgresql://user@host:port/database, with %40 for an @ in a password.",
    )
