"""The fallback: where an event goes whose log cannot be written, if its type's rule allows.

What is kept here is durable before the caller hears of it, and the drain brings it into the
log later. What can be kept nowhere is refused with an error and counted, so that the log will
say how much is missing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from counterfoil.clock import Clock
from counterfoil.errors import (
    ConflictError,
    CounterfoilError,
    RefusedError,
    SpoolError,
    StoreError,
    WriteError,
)
from counterfoil.policy.catalogue import LOG_RULES, Catalogue, FailureMode
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.spooled import draft_of, encode
from counterfoil.spool import Spool

logger = logging.getLogger("counterfoil")

#: Records that go into the spool in one synced write.
_GROUP = 256


class _Waiting(NamedTuple):
    """An event on its way into the spool: owned by this process until it is synced."""

    entry: UntimedEntry
    record: bytes
    future: asyncio.Future[str]


class Fallback:
    """Keeps events in the spool while the store is away.

    Args:
        spool: the local spool.
        catalogue: says which types may wait in it.
        clock: gives the times of gaps.
        timeout: seconds that a caller waits for the spool's disk.
        retry: seconds after a failure during which the store is not tried, where nothing is
            spooled: a store that hangs must not make every caller wait.
        kept: called on the event loop when the spool holds something to deliver.
    """

    def __init__(
        self,
        spool: Spool,
        catalogue: Catalogue,
        clock: Clock,
        *,
        timeout: float,
        retry: float,
        kept: Callable[[], None],
    ) -> None:
        self._spool = spool
        self._catalogue = catalogue
        self._clock = clock
        self._timeout = timeout
        self._retry = retry
        self._kept = kept
        self._loop = asyncio.get_running_loop()
        self._away = False
        self._spooled = False
        self._away_until = 0.0
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def store_is_away(self) -> bool:
        """Whether events that may be spooled go there at once.

        So it is from a failure until the drain has found the store back, or, where nothing is
        spooled that the drain could try it with, for a short while.
        """
        return self._away and (self._spooled or self._loop.time() < self._away_until)

    def store_is_back(self) -> None:
        """The store has taken something: try it again at once."""
        self._away = self._spooled = False

    def takes(self, entry: UntimedEntry, error: CounterfoilError | None = None) -> bool:
        """Whether an event may wait in the spool, after this error if there was one."""
        if isinstance(error, (ConflictError, RefusedError)):
            return False
        if isinstance(error, (WriteError, StoreError)):
            self._away = True
            self._away_until = self._loop.time() + self._retry
        if entry.event_type in LOG_RULES:
            return False
        return self._catalogue.rule(entry.event_type).on_failure is FailureMode.SPOOL

    async def keep(self, entry: UntimedEntry, error: CounterfoilError | None) -> str:
        """Put an event into the spool; returns its id once it is synced there.

        Raises:
            WriteError: the spool failed too. The event is counted as missing.
        """
        future: asyncio.Future[str] = self._loop.create_future()
        # Nobody may be left to ask once the time has passed.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._waiting.append(_Waiting(entry, encode(draft_of(entry)), future))
        if self._task is None:
            self._task = self._loop.create_task(self._write())
        try:
            async with asyncio.timeout(self._timeout):
                return await asyncio.shield(future)
        except SpoolError as failure:
            await self._lose(entry)
            raise _lost(entry, failure, known=failure.outcome_known) from error or failure
        except TimeoutError as failure:
            raise _lost(entry, SpoolError("The spool's disk does not answer."), known=False) from (
                error or failure
            )

    async def close(self) -> None:
        """Wait for what is on its way into the spool."""
        if self._task is not None:
            await self._task

    async def _write(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:_GROUP], self._waiting[_GROUP:]
                await self._append(group)
        finally:
            self._task = None

    async def _append(self, group: list[_Waiting]) -> None:
        try:
            await asyncio.to_thread(self._spool.append, [one.record for one in group])
        except CounterfoilError as error:
            failure = error if isinstance(error, SpoolError) else SpoolError(error.message)
            for one in group:
                if not one.future.done():
                    one.future.set_exception(failure)
            return
        for one in group:
            if not one.future.done():
                one.future.set_result(one.entry.event_id)
        self._spooled = True
        self._kept()

    async def _lose(self, entry: UntimedEntry) -> None:
        event = (entry.event_type, self._clock.now())
        if not await asyncio.to_thread(self._spool.count_gap, [event]):
            logger.error(
                "An event of type %s could be kept nowhere, and the count of such events only "
                "stands in memory.",
                entry.event_type,
            )
        self._kept()


def _lost(entry: UntimedEntry, failure: SpoolError, *, known: bool) -> WriteError:
    return WriteError(
        f"The event was not recorded: the store is away, and {failure.message[:1].lower()}"
        f"{failure.message[1:]}",
        remedy=failure.remedy or "Look at the store and at the spool's disk.",
        event_id=entry.event_id,
        outcome_known=known,
    )
