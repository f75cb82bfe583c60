"""The fallback: where an event goes whose log cannot be written, if its type's rule allows.

What is kept here is durable before the caller hears of it, and the drain brings it into the
log later. What can be kept nowhere is refused with an error and counted, so that the log will
say how much is missing. Who was cancelled meanwhile is told nothing, and the same is done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, repeat
from typing import NamedTuple

from counterfoil.clock import Clock
from counterfoil.errors import (
    ClosedError,
    ConflictError,
    CounterfoilError,
    KeyRefusedError,
    RefusedError,
    SpoolError,
    SpoolFullError,
    StoreError,
    WriteError,
)
from counterfoil.log.limits import Limits
from counterfoil.policy.catalogue import LOG_RULES, Catalogue, FailureMode
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.spooled import draft_of, encode
from counterfoil.spool import Gap, Loss, Spool
from counterfoil.store.thread import ConnectionThread

logger = logging.getLogger("counterfoil")

#: The log's own event about what was lost. It is made again where it could not be written.
GAP_TYPE = "audit.gap"
#: Records that go into the spool in one synced write.
_GROUP = 256


class _Waiting(NamedTuple):
    """An event on its way into the spool: owned by this process until it is synced."""

    entry: UntimedEntry
    record: bytes
    future: asyncio.Future[None]


class Fallback:
    """Keeps events in the spool while the store is away.

    Args:
        spool: the local spool, in a thread of its own.
        catalogue: says which types may wait in it.
        clock: gives the times of gaps.
        limits: ``write_timeout`` bounds the waiting for the spool's disk, ``queue_events`` and
            ``queue_bytes`` what waits for it, and ``retry_after`` how long the store is not
            tried where nothing is spooled that the drain could try it with.
        kept: called on the event loop when the spool holds something to deliver.
    """

    def __init__(
        self,
        spool: ConnectionThread[Spool],
        catalogue: Catalogue,
        clock: Clock,
        limits: Limits,
        kept: Callable[[], None],
    ) -> None:
        self._spool = spool
        self._catalogue = catalogue
        self._clock = clock
        self._limits = limits
        self._kept = kept
        self._loop = asyncio.get_running_loop()
        self._away = False
        self._spooled = False
        self._away_until = 0.0
        #: Why the store is away, and whether that was said here.
        self._why = ""
        self._said = False
        self._waiting: dict[asyncio.Future[None], _Waiting] = {}
        self._waiting_bytes = 0
        #: By log, company and type.
        self._losses: dict[tuple[str, str, str], Gap] = {}
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def store_is_away(self) -> bool:
        """Whether events that may be spooled go there at once.

        So it is from a failure until the drain has found the store back, or, where nothing is
        spooled that the drain could try it with, for a short while.
        """
        return self._away and (self._spooled or self._loop.time() < self._away_until)

    def store_is_back(self) -> None:
        """The store has taken something: it is tried again at once."""
        if self._said:
            logger.warning("The store takes events again.")
        self._away = self._spooled = self._said = False

    @property
    def trouble(self) -> str:
        """Why events that may wait go to the spool; empty where they do not."""
        return self._why if self.store_is_away else ""

    def store_is_gone(self, error: WriteError | StoreError) -> None:
        """The store has failed: for a while it is not tried for what may wait."""
        # What sends events has said of a refused key that they wait.
        if not self._said and not isinstance(error, KeyRefusedError):
            logger.warning("Events that may wait go to the spool. %s", error)
            self._said = True
        self._away = True
        cause = error.__cause__
        self._why = str(cause if isinstance(cause, CounterfoilError) else error)
        self._away_until = self._loop.time() + self._limits.retry_after

    def takes(self, entry: UntimedEntry, error: CounterfoilError | None = None) -> bool:
        """Whether an event may wait in the spool, after this error if there was one."""
        if isinstance(error, (ConflictError, RefusedError)):
            return False
        if isinstance(error, (WriteError, StoreError)):
            self.store_is_gone(error)
        if entry.event_type in LOG_RULES:
            return False
        return self._catalogue.rule(entry.event_type).on_failure is FailureMode.SPOOL

    async def keep(self, entry: UntimedEntry, error: WriteError | StoreError | None) -> str:
        """Put an event into the spool; returns its id once it is synced there.

        Cancelling the caller does not withdraw the event.

        Args:
            error: why it is not in the store, if that was tried.

        Raises:
            WriteError: the spool failed too. The event is counted as missing.
            ClosedError: the log was closed.
        """
        try:
            one = self._take(entry)
            await asyncio.wait({one.future}, timeout=self._limits.write_timeout)
            if not one.future.done():
                raise self._give_up(one)
            one.future.result()
        except SpoolError as failure:
            raise _lost(entry, failure, error) from error or failure
        return entry.event_id

    def abandon(self, entry: UntimedEntry, error: CounterfoilError) -> None:
        """Keep an event whose caller was cancelled before it failed, or count it."""
        if entry.event_type == GAP_TYPE:
            return
        if self.takes(entry, error):
            try:
                self._take(entry)
            except (SpoolError, ClosedError) as failure:
                _note_loss(entry, failure)
        else:
            self._lose(entry)
            _note_loss(entry, error)

    async def close(self) -> None:
        """Take no more events, and wait for those on their way into the spool."""
        self._closed = True
        if self._task is not None:
            await asyncio.wait({self._task})

    def _take(self, entry: UntimedEntry) -> _Waiting:
        if self._closed:
            raise ClosedError
        if (
            len(self._waiting) >= self._limits.queue_events
            or self._waiting_bytes >= self._limits.queue_bytes
        ):
            self._lose(entry)
            raise SpoolError("Too many events wait for the spool's disk.")
        try:
            record = encode(draft_of(entry))
        except Exception as error:
            self._lose(entry)
            raise SpoolError(
                f"The event is of no form that can be spooled ({type(error).__name__}).",
                remedy="Look at the policy chain: what it leaves must be plain JSON.",
            ) from error
        future: asyncio.Future[None] = self._loop.create_future()
        # It may be that nobody is left to ask.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        one = _Waiting(entry, record, future)
        self._waiting[future] = one
        self._waiting_bytes += len(record)
        self._work()
        return one

    def _give_up(self, one: _Waiting) -> SpoolError:
        failure = SpoolError("The spool's disk does not answer.")
        if self._waiting.pop(one.future, None) is None:
            # The disk has it: it may yet be kept, or counted once that has failed.
            failure.outcome_known = False
        else:
            self._waiting_bytes -= len(one.record)
            self._lose(one.entry)
        return failure

    def _lose(self, entry: UntimedEntry) -> None:
        now = self._clock.now()
        # The name of a company's own log may not be known yet.
        company = "" if entry.log else entry.company_id or ""
        kind = (entry.log, company, entry.event_type)
        known = self._losses.get(kind) or Gap(entry.event_type, 0, now, now)
        self._losses[kind] = known.grown(now)
        self._work()

    def _work(self) -> None:
        if self._task is None:
            self._task = self._loop.create_task(self._write(), name="counterfoil-fallback")

    async def _write(self) -> None:
        try:
            while self._waiting or self._losses:
                group = list(islice(self._waiting.values(), _GROUP))
                for one in group:
                    del self._waiting[one.future]
                    self._waiting_bytes -= len(one.record)
                await self._append(group)
                await self._count()
        finally:
            self._task = None

    async def _append(self, group: Sequence[_Waiting]) -> None:
        size = len(group)
        while group:
            part = group[:size]
            failure = await self._try([one.record for one in part])
            if isinstance(failure, SpoolFullError) and size > 1:
                # All of a group is kept or nothing; a part of it may have room.
                size //= 2
            elif failure is not None:
                for one in group:
                    self._lose(one.entry)
                # Counted before anybody hears of it.
                await self._count()
                _settle(group, failure)
                return
            else:
                _settle(part, None)
                group = group[size:]
                self._spooled = True
                self._kept()

    async def _try(self, records: Sequence[bytes]) -> SpoolError | None:
        failure: SpoolError
        try:
            await self._spool.run(lambda spool: spool.append(records))
            return None
        except SpoolError as error:
            return error
        except CounterfoilError as error:
            failure = SpoolError(error.message, remedy=error.remedy)
            failure.__cause__ = error
        except Exception as error:  # noqa: BLE001 - whatever went wrong, callers must hear of it
            failure = SpoolError(f"The spool failed unexpectedly ({type(error).__name__}).")
            failure.__cause__ = error
            failure.outcome_known = False
        return failure

    async def _count(self) -> None:
        losses, self._losses = self._losses, {}
        if not losses:
            return
        try:
            saved = await self._spool.run(lambda spool: spool.count_gap(_each(losses)))
        except CounterfoilError as error:
            logger.error("Events were lost that nobody will count. %s", error)
            return
        if not saved:
            logger.error(
                "Events of the types %s could be kept nowhere, and their count stands in memory "
                "only.",
                ", ".join(sorted({gap.event_type for gap in losses.values()})),
            )
        self._kept()


def _each(losses: Mapping[tuple[str, str, str], Gap]) -> Iterator[Loss]:
    for (log, company, event_type), gap in losses.items():
        yield Loss(log, event_type, gap.first, company)
        yield from repeat(Loss(log, event_type, gap.last, company), gap.count - 1)


def _settle(group: Sequence[_Waiting], failure: SpoolError | None) -> None:
    for one in group:
        if one.future.done():
            continue
        if failure is None:
            one.future.set_result(None)
        else:
            one.future.set_exception(failure)


def _note_loss(entry: UntimedEntry, error: CounterfoilError) -> None:
    logger.error(
        "An event of type %s was lost after its caller was cancelled. %s", entry.event_type, error
    )


def _lost(
    entry: UntimedEntry, failure: SpoolError, error: WriteError | StoreError | None
) -> WriteError:
    known = failure.outcome_known and (error is None or error.outcome_known)
    return WriteError(
        f"The event {'was not' if known else 'may not have been'} recorded: the store is away, "
        f"and so is the spool. {failure.message}",
        remedy=failure.remedy or "Look at the store and at the spool's disk.",
        event_id=entry.event_id,
        outcome_known=known,
    )
