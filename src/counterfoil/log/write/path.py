"""The write path: into the backend, and into the spool while that is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from counterfoil.clock import Clock
from counterfoil.errors import StoreError, WriteError, WriteTimeoutError
from counterfoil.log.backend import Backend
from counterfoil.log.limits import Limits
from counterfoil.log.stats import SpoolStats, take_spool_stats
from counterfoil.policy.catalogue import Catalogue
from counterfoil.record.entry import UntimedEntry
from counterfoil.spool import Spool
from counterfoil.store.thread import ConnectionThread

from .drain import Drain
from .fallback import GAP_TYPE, Fallback
from .intake import Intake
from .writer import write_error

logger = logging.getLogger("counterfoil")


class WritePath:
    """Brings entries into the log, or keeps them until that is possible.

    Args:
        backend: where they go.
        spool: bridges its absence for the types that may wait; None refuses their events.
        intake: makes the log's own events.
        catalogue: says which types may wait.
        clock: gives times.
        limits: bounds of waiting.
        in_order: whether events may pass none that waits in the spool: while it holds any,
            those that may wait go behind them.
    """

    def __init__(
        self,
        backend: Backend,
        spool: Spool | None,
        intake: Intake,
        *,
        catalogue: Catalogue,
        clock: Clock,
        limits: Limits,
        in_order: bool = False,
    ) -> None:
        self._put = backend.put
        self._queue = backend.queue
        self._left = backend.left
        self._intake = intake
        self._limits = limits
        self._folder = None if spool is None else spool.path
        self._spool: ConnectionThread[Spool] | None = None
        self._fallback: Fallback | None = None
        self._drain: Drain | None = None
        if spool is None:
            return
        self._spool = ConnectionThread(lambda: spool, Spool.close, "counterfoil-spool")
        self._fallback = Fallback(self._spool, catalogue, clock, limits, lambda: drain.kept())
        self._drain = drain = Drain(
            self._spool,
            backend.append,
            backend.put,
            self.make_gap,
            self._fallback.store_is_back,
            limits,
            in_order=in_order,
        )

    def make_gap(
        self, facts: dict[str, Any], event_id: str, log: str, company: str | None
    ) -> UntimedEntry:
        """An ``audit.gap`` entry.

        Args:
            facts: its ``audit`` member.
            event_id: its id, the same whenever the same is reported.
            log: where it stands; empty for the company's own.
        """
        return self._intake.own(
            GAP_TYPE, log=log, audit=facts, event_id=event_id, company_id=company
        )

    async def start(self, away: StoreError | None = None) -> None:
        """Open the spool, and begin to deliver what is in it.

        Args:
            away: why the backend could not be reached, if it could not.

        Raises:
            SpoolError: it cannot be opened.
        """
        if self._spool is not None and self._drain is not None:
            await self._spool.open()
            if away is not None and self._fallback is not None:
                self._fallback.store_is_gone(away)
            self._drain.start()

    async def write(self, entry: UntimedEntry) -> str:
        """Bring an entry in, and return its id once it is durable.

        Raises:
            WriteError: it is not recorded, or not known to be.
            RefusedError: the log refuses to be written to.
        """
        fallback = self._fallback
        if fallback is not None and fallback.store_is_away and fallback.takes(entry):
            if self._drain is not None and self._drain.is_catching_up:
                await self._wait_behind(self._drain, entry)
            if fallback.store_is_away:
                return await fallback.keep(entry, None)
        future = None
        try:
            # One coroutine fewer on nearly every event's way.
            future = self._queue(entry)
            return await (self._put(entry) if future is None else future)
        except (WriteError, StoreError) as error:
            return await self.bridge(entry, error)
        except asyncio.CancelledError:
            if future is not None:
                self._left(entry, future)
            raise

    async def _wait_behind(self, drain: Drain, entry: UntimedEntry) -> None:
        """Let the spool be emptied first, rather than fill it as fast as that is done."""
        try:
            await drain.catch_up(self._limits.write_timeout / 2)
        except asyncio.CancelledError:
            self.abandon(entry, WriteTimeoutError(event_id=entry.event_id))
            raise

    @property
    def is_bridging(self) -> bool:
        """Whether entries go into the spool, since the backend is away."""
        return self._fallback is not None and self._fallback.store_is_away

    async def bridge(self, entry: UntimedEntry, error: WriteError | StoreError) -> str:
        """Keep an entry that the backend did not take, where its type may wait.

        Raises:
            WriteError: it may not, or the spool does not take it either.
        """
        fallback = self._fallback
        if fallback is not None and fallback.takes(entry, error):
            return await fallback.keep(entry, error)
        if isinstance(error, WriteError):
            raise error
        raise write_error(entry, error) from error

    def abandon(self, entry: UntimedEntry, error: WriteError) -> None:
        """An event was not recorded, and its caller was cancelled: it is not withdrawn."""
        if self._fallback is not None:
            self._fallback.abandon(entry, error)
        else:
            logger.error(
                "An event of type %s was lost after its caller was cancelled. %s",
                entry.event_type,
                error,
            )

    async def spooled(self) -> SpoolStats | None:
        """What waits in the spool; None where there is none.

        Raises:
            SpoolError: it cannot be read, or its disk does not answer in time.
        """
        if self._folder is None:
            return None
        found = await take_spool_stats(self._folder, self._limits.write_timeout)
        return replace(found, trouble=self._trouble)

    @property
    def _trouble(self) -> str:
        if self._drain is None or self._fallback is None or self._drain.is_catching_up:
            return ""
        return self._drain.trouble or self._fallback.trouble

    async def drain(self, timeout: float) -> None:  # noqa: ASYNC109 - gives up, and does not raise
        """Deliver of the spool what can be delivered now, for so many seconds at most."""
        if self._drain is not None:
            await self._drain.close(timeout)

    async def finish(self) -> None:
        """Put no more into the spool, once what is on its way there has arrived."""
        if self._fallback is not None:
            await self._fallback.close()

    async def close(self) -> None:
        """Let go of the spool.

        Raises:
            SpoolError: its disk failed, so that a count of lost events is lost too.
        """
        if self._spool is not None:
            await self._spool.close()


@asynccontextmanager
async def given_up(deadline: float, message: str) -> AsyncIterator[None]:
    """Go on at a moment of the loop's time, and say what was left."""
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except TimeoutError:
        logger.error("%s", message)
