"""Batches whose answer was lost on the way: what became of them is found out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from counterfoil.errors import StoreUnavailableError
from counterfoil.record.row import EventRow

from .interface import Batch, HeadRequest
from .postgres_connection import Backend, Session
from .postgres_error import FAILURES, is_elsewhere, is_lost, store_error
from .postgres_session import Sessions
from .statement import read_statement

#: Seconds between two looks.
_PAUSE = 0.05


class LostAnswerError(Exception):
    """A batch was sent to be committed, and the answer was lost.

    Attributes:
        batch: what may be recorded or not.
        backend: the server's process that may still be at it.
        error: how the connection was lost.
    """

    def __init__(self, batch: Batch, backend: Backend, error: Exception) -> None:
        super().__init__()
        self.batch = batch
        self.backend = backend
        self.error = error


async def is_recorded(
    sessions: Sessions,
    requests: Sequence[HeadRequest],
    lost: LostAnswerError,
    seconds: float,
    name: str,
) -> bool:
    """Whether a batch is there after all, once nobody can still be writing it.

    Args:
        requests: the logs that it touches.
        seconds: the most to look for it.
        name: the database's address without secrets, for messages.

    Raises:
        StoreUnavailableError: that cannot be found out.
    """
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    async with sessions.one() as session:
                        return await _find_lost(session, requests, lost)
                except FAILURES as error:
                    # A standby may not have it yet, and may soon take the place of the other.
                    if not is_lost(error) and not is_elsewhere(error):
                        raise
                    await asyncio.sleep(_PAUSE)
    except FAILURES as error:
        failure = store_error(error, name)
        if isinstance(error, TimeoutError):
            failure = StoreUnavailableError(
                f"The connection to the database {name} was lost during a commit.",
                remedy="A retry with the same event_id is safe: it is recorded once.",
            )
        failure.outcome_known = False
        raise failure from lost.error


def named(requests: Sequence[HeadRequest]) -> tuple[list[str], list[str]]:
    """The names of logs, and their origins."""
    return [one.log for one in requests], [one.origin for one in requests]


async def _find_lost(
    session: Session, requests: Sequence[HeadRequest], lost: LostAnswerError
) -> bool:
    statement = read_statement("postgres", "end_session")
    while True:
        if not await session.fetchval(statement, *lost.backend):
            break
        await asyncio.sleep(_PAUSE)
    await await_standbys(session, requests)
    if not lost.batch.rows:
        return not lost.batch.heads
    # All of a batch is there or nothing; and no other event has its leaf, which is salted.
    row = EventRow._make(lost.batch.rows[-1])
    leaf = read_statement("postgres", "leaf")
    found: bytes | None = await session.fetchval(leaf, row.position)
    return found == row.leaf


async def await_standbys(session: Session, requests: Sequence[HeadRequest]) -> None:
    """Wait until what can be read is where it has to be, on this server and its standbys.

    A commit that was cut short while it waited for a standby can be read all the same. To lock the
    heads is a write of its own: its commit waits as that one did, and no standby allows it.
    """
    await session.fetch(read_statement("postgres", "lock_heads"), *named(requests))
