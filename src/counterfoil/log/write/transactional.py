"""Transactional capture: an event as a part of the caller's own transaction.

What is written there is the finished draft. It becomes an event once the transaction is
committed and a relay has moved it; where the transaction is rolled back, it never was.
"""

from __future__ import annotations

from typing import Any

from counterfoil.errors import InputError, OutboxError
from counterfoil.outbox import Adapter
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.spooled import draft_of, encode


async def put(adapter: Adapter, connection: Any, entry: UntimedEntry) -> str:
    """Write a finished entry's draft into the caller's transaction, and return its id.

    Where the connection blocks, it is written before anything is awaited, in the caller's
    thread.

    Raises:
        OutboxError: it is not there. On PostgreSQL the transaction has failed with it.
    """
    try:
        draft = encode(draft_of(entry))
    except InputError as error:
        raise OutboxError(
            "The event is of no form that can be kept in an outbox.",
            remedy="Look at the policy chain: what it leaves must be plain JSON.",
            event_id=entry.event_id,
        ) from error
    try:
        written = adapter.put(connection, draft)
        if written is not None:
            await written
    except OutboxError as error:
        error.event_id = entry.event_id
        raise
    return entry.event_id
