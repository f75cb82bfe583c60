"""Adapters: how a draft is put into the transaction of a connection that is the application's.

A connection is recognised by the name of its class, so that no driver is imported that the
application does not use. A further kind is one file with an ``ADAPTER`` and one line here.
"""

from __future__ import annotations

from collections.abc import Awaitable
from importlib import import_module
from typing import Any, Final, Protocol

from counterfoil.errors import InputError

#: The class of a connection, by its full name, and the module of its adapter. Subclasses count.
_KINDS: Final = {
    "apsw.Connection": "apsw_connection",
    "sqlite3.Connection": "sqlite3_connection",
    "asyncpg.connection.Connection": "asyncpg_connection",
    "asyncpg.pool.PoolConnectionProxy": "asyncpg_connection",
    "counterfoil.outbox.carrier.Carrier": "carrier",
}


class Adapter(Protocol):
    """Writes the outbox's table through one kind of connection.

    It begins no transaction and ends none: what it writes is the caller's to commit.
    """

    @property
    def blocking(self) -> bool:
        """Whether the work is done when a method returns, in the thread that called it.

        If not, the method returns what is to be awaited in the connection's event loop.
        """
        ...

    def put(self, connection: Any, draft: bytes) -> Awaitable[object] | None:
        """Add a draft to the outbox.

        Raises:
            OutboxError: the connection does not take it.
        """
        ...

    def create(self, connection: Any) -> Awaitable[object] | None:
        """Make the outbox's table, where there is none yet.

        Raises:
            OutboxError: the connection does not take it.
        """
        ...


def adapter_of(connection: Any) -> Adapter:
    """The adapter for a connection.

    Raises:
        InputError: it is of no known kind.
    """
    for kind in type(connection).__mro__:
        module = _KINDS.get(f"{kind.__module__}.{kind.__qualname__}")
        if module is not None:
            found: Adapter = import_module(f"{__package__}.{module}").ADAPTER
            return found
    raise InputError(
        "The connection is of no kind that events can be recorded through.",
        remedy="Give an asyncpg connection, or one of sqlite3 or apsw; or leave it out, and "
        "record the event beside the transaction.",
    )


def blocking_adapter_of(connection: Any) -> Adapter:
    """The adapter for a connection that is used in a thread, without an event loop.

    Raises:
        InputError: it is of no known kind, or belongs to an event loop.
    """
    adapter = adapter_of(connection)
    if not adapter.blocking:
        raise InputError(
            "The connection belongs to an event loop, and the call came from outside of it.",
            remedy="Await log_event of an AuditLog that was opened in the connection's loop.",
        )
    return adapter
