"""The carrier: stands in for a connection where the draft is made in another thread than its own.

A facade for threads has its drafts made in an event loop; a connection that blocks is to be
used by the thread that called, and by no other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .adapter import Adapter, blocking_adapter_of


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


def hand_over(connection: Any, record: Callable[[Carrier], str]) -> str:
    """Record through a connection of the calling thread, and return the event's id.

    Args:
        record: records the event in another thread, through the stand-in that it is given.

    Raises:
        InputError: the connection is of no known kind, or belongs to an event loop.
        OutboxError: the connection does not take the event.
    """
    adapter = blocking_adapter_of(connection)
    carrier = Carrier()
    event_id = record(carrier)
    adapter.put(connection, carrier.draft)
    return event_id
