"""Opening: from what a relay was told to a source."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from counterfoil.errors import (
    ConfigurationError,
    CounterfoilError,
    InputError,
    MissingExtraError,
    StoreError,
    StoreUnavailableError,
)
from counterfoil.store.postgres_address import postgres_address
from counterfoil.store.thread import ConnectionThread

from .adapter import adapter_of
from .source import Source
from .sqlite import SQLiteAdapter, SQLiteSource, store_error

#: Opens a connection for a relay alone: one of sqlite3 or apsw, or what asyncpg gives to await.
Connect = Callable[[], Any]

#: Seconds to find the server, or the right one of several.
_CONNECTING = 8.0
_USE_A_FUNCTION = (
    "Give a PostgreSQL address, or a function that opens a connection with the application's own "
    "module: lambda: sqlite3.connect('shop.db')."
)


def connector(source: str | Connect) -> Connect:
    """How to connect, from an address or as it is.

    Raises:
        ConfigurationError: it is no address of a PostgreSQL database and no function.
        MissingExtraError: asyncpg is not installed.
    """
    if callable(source):
        return source
    scheme = urlsplit(source).scheme if isinstance(source, str) else ""
    if scheme not in ("postgresql", "postgres"):
        raise ConfigurationError("The outbox cannot be opened by that.", remedy=_USE_A_FUNCTION)
    try:
        import_module("asyncpg")
    except ModuleNotFoundError:
        raise MissingExtraError("PostgreSQL", "postgres") from None
    from counterfoil.store.postgres_connection import Connector

    return Connector(postgres_address(source), _CONNECTING).connect


async def open_source(connect: Connect, timeout: float) -> Source:  # noqa: ASYNC109
    """Connect, and see what it is.

    Args:
        connect: called in a thread, which keeps the connection where that one blocks.
        timeout: seconds that a database may take to answer, each time.

    Raises:
        InputError: the connection is of no known kind.
        StoreError: the database cannot be reached.
    """
    thread: ConnectionThread[Any] = ConnectionThread(connect, _close, "counterfoil-outbox")
    try:
        await thread.open()
    except CounterfoilError:
        raise
    except Exception as error:
        raise _unreachable(error) from error
    connection = await thread.run(lambda found: found)
    if inspect.isawaitable(connection):
        await thread.close()
        try:
            async with asyncio.timeout(timeout):
                connection = await connection
        except CounterfoilError:
            raise
        except Exception as error:
            raise _unreachable(error) from error
        adapter_of(connection)
        from .postgresql import connected

        return await connected(connection, timeout)
    try:
        return await _blocking(thread, connection, timeout)
    except BaseException:
        await thread.close()
        raise


@asynccontextmanager
async def opened_source(connect: Connect, timeout: float) -> AsyncIterator[Source]:  # noqa: ASYNC109
    """A source that is closed when the block ends; see :func:`open_source`."""
    source = await open_source(connect, timeout)
    try:
        yield source
    finally:
        await source.close()


async def _blocking(thread: ConnectionThread[Any], connection: Any, seconds: float) -> Source:
    adapter = adapter_of(connection)
    if not isinstance(adapter, SQLiteAdapter):
        raise InputError("A relay cannot read through such a connection.", remedy=_USE_A_FUNCTION)
    try:
        name = await thread.run(lambda found: adapter.own(found, seconds))
    except adapter.error as error:
        raise store_error(error) from error
    return SQLiteSource(thread, name, adapter.error)


def _close(connection: Any) -> None:
    close = getattr(connection, "close", None)
    if close is not None and not inspect.isawaitable(connection):
        close()


def _unreachable(error: Exception) -> StoreError:
    if type(error).__module__.startswith("asyncpg."):
        from .postgresql import store_error

        return store_error(error)
    return StoreUnavailableError(
        f"The outbox's database cannot be opened ({type(error).__name__}).",
        remedy="Look at the error's cause: the address, the role, its password, the file.",
    )
