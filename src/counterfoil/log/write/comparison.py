"""Comparisons: calls whose event id was there already, until it is known what to tell them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from counterfoil.errors import ConflictError, WriteError, WriteTimeoutError
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.row import EventRow
from counterfoil.store import Store

from .repeat import same_event

logger = logging.getLogger("counterfoil")


class Comparisons:
    """Compares repeated calls with what is recorded, one task each, and answers them.

    Args:
        store: where what is recorded stands.
        timeout: seconds that a comparison may take, the recording of a conflict included.
        conflict: records that an id came again with other content, from the new call's entry.
    """

    def __init__(
        self, store: Store, timeout: float, conflict: Callable[[UntimedEntry], Awaitable[None]]
    ) -> None:
        self._store = store
        self._timeout = timeout
        self._conflict = conflict
        self._running: set[asyncio.Task[None]] = set()

    def start(
        self, entry: UntimedEntry, future: asyncio.Future[str], earlier: EventRow | UntimedEntry
    ) -> None:
        """Compare a call with the event that has its id, and then answer it.

        Args:
            earlier: the stored event, or one of the same batch.
        """
        task = asyncio.create_task(self._compare(entry, future, earlier))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drain(self) -> None:
        """Wait until nobody waits for an answer."""
        while self._running:
            await asyncio.wait(self._running)

    async def _compare(
        self, entry: UntimedEntry, future: asyncio.Future[str], earlier: EventRow | UntimedEntry
    ) -> None:
        failure: WriteError | None = None
        try:
            async with asyncio.timeout(self._timeout):
                assert entry.draft is not None, "an id of its own makes an entry keep its draft"
                if not await same_event(entry.draft, earlier, self._store):
                    failure = ConflictError(event_id=entry.event_id)
                    await self._conflict(entry)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the caller must hear of it
            if failure is None:
                failure = WriteError(
                    "The event id is there already, and could not be compared with it "
                    f"({type(error).__name__}).",
                    remedy=WriteTimeoutError.remedy,
                    event_id=entry.event_id,
                    outcome_known=False,
                )
            else:
                logger.error("A conflict of event ids was not recorded (%s).", type(error).__name__)
            failure.__cause__ = error
        if future.done():
            return
        if failure is None:
            future.set_result(entry.event_id)
        else:
            future.set_exception(failure)
