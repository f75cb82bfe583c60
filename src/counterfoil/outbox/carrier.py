"""The carrier: stands in for a connection where the draft is made in another thread than its own.

A facade for threads has its drafts made in an event loop; a connection that blocks is to be
used by the thread that called, and by no other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from counterfoil.errors import OutboxError

from .adapter import Adapter, blocking_adapter_of

P = ParamSpec("P")
S = TypeVar("S")


class Carrier:
    """Takes one draft, to be written elsewhere."""

    def __init__(self) -> None:
        self.draft = b""


class CarrierAdapter:
    """Hands a draft to a carrier."""

    blocking = True

    def put(self, connection: Carrier, draft: bytes) -> None:
        """Keep the draft."""
        connection.draft = draft

    def create(self, connection: Carrier) -> None:
        """There is nothing to make."""


ADAPTER: Final[Adapter] = CarrierAdapter()


def through_own_thread(
    method: Callable[Concatenate[S, P], str],
) -> Callable[Concatenate[S, P], str]:
    """A ``log_event`` for threads, which uses a ``connection`` in the thread that calls.

    Args:
        method: records an event in another thread, and returns its id.

    Raises:
        InputError: the connection is of no known kind, or belongs to an event loop.
        OutboxError: the connection does not take the event.
    """

    @wraps(method)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> str:
        connection = kwargs.get("connection")
        if connection is None:
            return method(self, *args, **kwargs)
        adapter = blocking_adapter_of(connection)
        carrier = Carrier()
        kwargs["connection"] = carrier
        event_id = method(self, *args, **kwargs)
        try:
            adapter.put(connection, carrier.draft)
        except OutboxError as error:
            error.event_id = event_id
            raise
        return event_id

    return call
