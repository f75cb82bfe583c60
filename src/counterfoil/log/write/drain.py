"""The drain: brings what waits in the spool into the log, in order, once the store is back.

At least once by nature, and once in effect: a spooled event has its id already, and the log
records an id once. What was lost is reported by ``audit.gap`` events before it is forgotten.

What survives a crash at each step: records that were appended and not marked as done are
appended again, and found to be there; a record that was set aside and not reported is set
aside again in the same place and reported under the same id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from counterfoil.errors import (
    AccessError,
    CounterfoilError,
    KeyRefusedError,
    RefusedError,
    StoreCorruptError,
    StoreUnavailableError,
)
from counterfoil.log.company_logs import DEFAULT_LOG
from counterfoil.log.limits import Limits
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.instant import rfc3339
from counterfoil.record.spooled import decode
from counterfoil.spool import GapReport, Journal, Record, Recovery, Spool
from counterfoil.spool.gaps import OTHERS
from counterfoil.store.thread import ConnectionThread

from .delivery import Append, Delivery, MakeGap, Put

logger = logging.getLogger("counterfoil")

#: Seconds between looks for what dead processes left.
ADOPT_EVERY = 10.0
#: The shortest pause between two tries, in seconds.
_PAUSE = 0.01
#: The longest pause that a server is granted, in seconds.
_LONGEST_PAUSE = 60.0
#: An ``audit`` member has at most 16 KiB; the count covers all types in any case.
_MOST_TYPES = 64


class _Pending(NamedTuple):
    """A record, and the entry that it holds."""

    record: Record
    entry: UntimedEntry


class _Faulty(NamedTuple):
    """A record that will never be recorded, and why."""

    record: Record
    entry: UntimedEntry | None
    reason: str
    error: Exception


class Drain:
    """Delivers the spool in the background.

    Args:
        spool: what is delivered, with what dead processes left.
        append: appends what was spooled.
        put: writes an entry to the log by the usual way, and waits for its commit.
        make_gap: makes an ``audit.gap`` entry.
        taken: called when the store has taken something.
        in_order: whether ``taken`` is called only once nothing waits any more.
        limits: ``retry_after`` is the pause between tries, ``batch_logs`` the most logs in one
            transaction.
    """

    def __init__(
        self,
        spool: ConnectionThread[Spool],
        append: Append,
        put: Put,
        make_gap: MakeGap,
        taken: Callable[[], None],
        limits: Limits,
        *,
        in_order: bool = False,
    ) -> None:
        self._spool = spool
        self._delivery = Delivery(append, put, limits.batch_logs)
        self._put = put
        self._make_gap = make_gap
        self._taken = taken
        self._in_order = in_order
        #: Seconds that a server asked to be left alone for.
        self._asked = 0.0
        #: Set unless something was delivered and more of it waits.
        self._caught_up = asyncio.Event()
        self._caught_up.set()
        self._pause = max(limits.retry_after, _PAUSE)
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        #: Logs that refused a report, which is said once.
        self._refused: set[str] = set()
        #: Why the last turn ended early.
        self._trouble = ""

    def start(self) -> None:
        """Begin, with what dead processes left."""
        self._task = self._loop.create_task(self._run(), name="counterfoil-drain")

    def kept(self) -> None:
        """There is something to deliver."""
        self._woken.set()

    @property
    def is_catching_up(self) -> bool:
        """Whether the store takes what waits, and has not had all of it yet."""
        return not self._caught_up.is_set()

    @property
    def trouble(self) -> str:
        """Why what is spooled waits; empty where nothing keeps it."""
        return self._trouble

    async def catch_up(self, seconds: float) -> None:
        """Wait until all is delivered, or the store is away again; so long at most."""
        await _wait(self._caught_up, seconds)

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - gives up, and does not raise
        """Deliver what can be delivered now, and end. What is left is the next process's.

        Args:
            timeout: seconds to go on for.
        """
        self._ending.set()
        self._woken.set()
        self._caught_up.set()
        if self._task is None:
            return
        done, _ = await asyncio.wait({self._task}, timeout=timeout)
        if not done:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def turn(self) -> bool:
        """Deliver what can be delivered now; whether nothing is left."""
        try:
            await self._deliver_all()
        except Exception as error:  # noqa: BLE001 - tried again, and said
            self._note(error)
            self._caught_up.set()
            if isinstance(error, StoreUnavailableError) and error.retry_after is not None:
                self._asked = min(error.retry_after, _LONGEST_PAUSE)
            return False
        self._trouble = ""
        if self.is_catching_up and not self._woken.is_set():
            # Whatever was kept until now is delivered.
            self._taken()
            self._caught_up.set()
        return True

    async def _run(self) -> None:
        adopt_at = self._loop.time()
        while True:
            # Before the turn: what comes while it runs is for the next one.
            ending = self._ending.is_set()
            self._woken.clear()
            if self._loop.time() >= adopt_at:
                await self._adopt()
                adopt_at = self._loop.time() + ADOPT_EVERY
            empty = await self.turn()
            if ending:
                return
            if empty:
                await _wait(self._woken, adopt_at - self._loop.time())
            else:
                # The store is away: what is added meanwhile is no reason to try at once.
                await _wait(self._ending, max(self._pause, self._asked))
                self._asked = 0.0

    async def _adopt(self) -> None:
        try:
            adoption = await self._spool.run(Spool.adopt)
        except CounterfoilError as error:
            logger.warning("The spool's folder cannot be looked through. %s", error)
            return
        for failure in adoption.errors:
            logger.warning("A spool that another process left cannot be taken over. %s", failure)

    async def _deliver_all(self) -> None:
        await self._report()
        for journal in await self._spool.run(Spool.journals):
            while records := await self._spool.run(_reading(journal)):
                # What reading has found missing, before it is passed over.
                await self._report()
                await self._deliver(journal, records)
            await self._report()
            await self._spool.run(_retiring(journal))

    async def _deliver(self, journal: Journal, records: Sequence[_Pending | _Faulty]) -> None:
        faulty = [one for one in records if isinstance(one, _Faulty)]
        pending = [one for one in records if isinstance(one, _Pending)]
        entries = [one.entry for one in pending]
        for places in self._delivery.groups(entries):
            for fault in await self._delivery.bring([entries[place] for place in places]):
                one = pending[places[fault.place]]
                faulty.append(_Faulty(*one, fault.reason, fault.error))
            self._go_on()
        for found in faulty:
            await self._set_aside(journal, found)
        last = records[-1].record.position
        await self._spool.run(lambda _: journal.done(last))

    async def _set_aside(self, journal: Journal, one: _Faulty) -> None:
        path = await self._spool.run(lambda _: journal.set_aside(one.record))
        logger.error(
            "A spooled event was not recorded, and is kept in %s (%s).",
            path,
            type(one.error).__name__,
        )
        facts = {"kind": "set_aside", "count": 1, "reason": one.reason}
        log, company = DEFAULT_LOG, None
        if one.entry is not None:
            log, company = one.entry.log, one.entry.company_id
        await self._put(self._make_gap(facts, journal.report_id(one.record), log, company))
        self._go_on()

    async def _report(self) -> None:
        gaps, recoveries = await self._spool.run(_losses)
        for report in gaps:
            log = DEFAULT_LOG if report.log == OTHERS else report.log
            try:
                await self._put(
                    self._make_gap(_gap_facts(report), report.id, log, report.company or None)
                )
            except RefusedError as error:
                # One log's trouble is not the others'; its count waits until it is mended.
                if log not in self._refused:
                    self._refused.add(log)
                    logger.error("What log %s has lost cannot be said in it. %s", log, error)
                continue
            self._go_on()
            await self._spool.run(_confirming(report))
        for recovery in recoveries:
            facts = _recovery_facts(recovery)
            await self._put(self._make_gap(facts, recovery.report_id, DEFAULT_LOG, None))
            self._go_on()
            await self._spool.run(_confirming(recovery))

    def _go_on(self) -> None:
        self._trouble = ""
        if self._in_order:
            self._caught_up.clear()
        else:
            self._taken()

    def _note(self, error: Exception) -> None:
        """Say why the spool waits, once for each reason."""
        if isinstance(error, CounterfoilError):
            trouble = str(error)
            cause = error.__cause__ if isinstance(error.__cause__, CounterfoilError) else error
            is_worse = isinstance(cause, StoreCorruptError)
        else:
            trouble = f"Draining it failed unexpectedly ({type(error).__name__})."
            is_worse = True
        # What sends events has said that a key is refused.
        if trouble != self._trouble and not isinstance(error, (AccessError, KeyRefusedError)):
            level = logging.ERROR if is_worse else logging.WARNING
            logger.log(level, "What is spooled waits. %s", trouble)
        self._trouble = trouble


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


# What the spool's thread does


def _reading(journal: Journal) -> Callable[[Spool], list[_Pending | _Faulty]]:
    return lambda _: [_decoded(record) for record in journal.read()]


def _decoded(record: Record) -> _Pending | _Faulty:
    try:
        return _Pending(record, UntimedEntry(decode(record.payload)))
    except Exception as error:  # noqa: BLE001 - it is kept for somebody to look at, and reported
        return _Faulty(record, None, "unreadable", error)


def _retiring(journal: Journal) -> Callable[[Spool], bool]:
    return lambda spool: spool.retire(journal)


def _losses(spool: Spool) -> tuple[list[GapReport], list[Recovery]]:
    return spool.take_gaps(), [one for one in spool.recoveries() if not one.is_clean]


def _confirming(report: GapReport | Recovery) -> Callable[[Spool], object]:
    if isinstance(report, GapReport):
        return lambda spool: spool.confirm_gaps(report)
    return lambda spool: spool.confirm_recovery(report)


# What the log's own events say


def _gap_facts(report: GapReport) -> dict[str, Any]:
    return {
        "kind": "not_kept",
        "count": report.count,
        "types": [
            {
                "type": gap.event_type,
                "count": gap.count,
                "first": rfc3339(gap.first),
                "last": rfc3339(gap.last),
            }
            for gap in report.gaps[:_MOST_TYPES]
        ],
    }


def _recovery_facts(recovery: Recovery) -> dict[str, Any]:
    return {
        "kind": "spool_damaged",
        "count": recovery.lost_records,
        "torn_bytes": recovery.torn_bytes,
        "damaged_bytes": recovery.damaged_bytes,
    }
