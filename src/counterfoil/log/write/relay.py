"""The relay: moves what is committed in an application's outbox into the log.

Exactly once in effect: every draft has its id already, and the log records an id once. A draft
is removed only after the log has it; what no log will ever take stays in the table, marked, and
an ``audit.gap`` event says so.

What survives a crash at each step: drafts that were appended and not removed are appended
again, and found to be there; a refusal that was reported and not marked is reported again under
the same id, and recorded once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import Final, NamedTuple

from counterfoil.clock import id_of_report
from counterfoil.errors import ClosedError, CounterfoilError, RefusedError, StoreError, WriteError
from counterfoil.log.company_logs import DEFAULT_LOG
from counterfoil.log.limits import Limits
from counterfoil.log.stats import OutboxStats
from counterfoil.outbox import Claim, Connect, Row, Source, open_source, opened_source
from counterfoil.record.entry import UntimedEntry

from .arrival import arrived
from .delivery import Append, Delivery, Fault, LogKey, MakeGap, Put, log_of

logger = logging.getLogger("counterfoil")

#: Drafts that are taken in hand at once, and how often before the beginning is looked at again,
#: for what was committed late.
_AT_ONCE: Final = 256
_CLAIMS: Final = 64
#: Seconds between looks for committed drafts: the shortest while some come, and the longest.
_SOON: Final = 0.02
_IDLE: Final = 0.5


class _Pending(NamedTuple):
    """A draft in hand, its entry, and which log it is for."""

    row: Row
    entry: UntimedEntry
    log: LogKey


class Relay:
    """Moves one outbox into an open log; see :meth:`AuditLog.relay`.

    Any number of relays may work on one outbox. A log that refuses to be written to holds up
    its own events only; while no log takes anything, all stays where it is.

    Args:
        connect: opens a connection of the relay's own.
        append, put, make_gap: the log's.
        limits: ``write_timeout`` bounds each answer of the outbox's database, ``retry_after``
            is the pause after a failure, ``batch_logs`` the most logs in one transaction.
    """

    def __init__(
        self, connect: Connect, append: Append, put: Put, make_gap: MakeGap, limits: Limits
    ) -> None:
        self._connect = connect
        self._delivery = Delivery(append, put, limits.batch_logs)
        self._put = put
        self._make_gap = make_gap
        self._timeout = limits.write_timeout
        self._pause = max(limits.retry_after, _SOON)
        self._source: Source | None = None
        self._name = "an outbox"
        self._turning = asyncio.Lock()
        self._woken = asyncio.Event()
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._moved = 0
        self._trouble = ""
        #: Logs that refused in this turn.
        self._refusing: dict[LogKey, RefusedError] = {}

    async def __aenter__(self) -> Relay:
        self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def closed(self) -> bool:
        """Whether it has ended, or is about to."""
        return self._closed

    @property
    def moved(self) -> int:
        """How many events it has moved."""
        return self._moved

    def start(self) -> None:
        """Begin to move in the background what is committed, within a second each.

        Raises:
            ClosedError: it was closed.
        """
        if self._closed:
            raise ClosedError("The relay is closed.", remedy="Make another one.")
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="counterfoil-relay")

    async def drain(self) -> int:
        """Move what is there now; how many events that were.

        Raises:
            StoreError: the outbox's database, or the log's, fails.
            WriteError: the log does not take an event now, or refuses to be written to.
        """
        before = self._moved
        try:
            while await self._turn():
                pass
        finally:
            if self._task is None:
                await self._let_go()
        for refusal in self._refusing.values():
            raise refusal
        return self._moved - before

    async def stats(self) -> OutboxStats:
        """What waits, since when, and what is wrong, through a connection of its own.

        It answers within about twice ``write_timeout``, and raises nothing where the outbox's
        database fails: then the numbers are None.
        """
        trouble = self._trouble
        waiting = oldest = refused = None
        try:
            async with asyncio.timeout(self._timeout):
                async with opened_source(self._connect, self._timeout) as source:
                    waiting, oldest, refused = await source.backlog()
            self._name = source.name
        except TimeoutError:
            trouble = trouble or "The outbox's database does not answer."
        except CounterfoilError as error:
            trouble = trouble or str(error)
        return OutboxStats(self._name, waiting, oldest, refused, self._moved, trouble)

    async def close(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109 - gives up, never raises
        """Move what can be moved now, and end. What is left is the next relay's. Idempotent.

        Args:
            timeout: seconds to go on for.
        """
        self._closed = True
        self._ending.set()
        self._woken.set()
        if self._task is not None:
            done, _ = await asyncio.wait({self._task}, timeout=timeout)
            if not done:
                self._task.cancel()
                await asyncio.wait({self._task})
        await self._let_go()

    def expect(self) -> None:
        """Something is about to be committed: look soon."""
        self._woken.set()

    async def _run(self) -> None:
        pause = _SOON
        while True:
            # Before the turn: what comes while it runs is for the next one.
            ending = self._ending.is_set()
            self._woken.clear()
            settled = await self._try_turn()
            if ending:
                return
            if settled is None:
                await _wait(self._ending, self._pause)
            elif not settled:
                woken = await _wait(self._woken, pause)
                pause = _SOON if woken else min(2 * pause, _IDLE)
            else:
                pause = _SOON

    async def _try_turn(self) -> int | None:
        """A turn; how many drafts it settled, or None where it is to be tried again later."""
        try:
            settled = await self._turn()
        except Exception as error:  # noqa: BLE001 - tried again, and said
            self._note(error)
            return None
        for refusal in self._refusing.values():
            self._note(refusal)
            return None
        self._trouble = ""
        return settled

    async def _turn(self) -> int:
        """Look at what waits, from its beginning; how many drafts wait no more."""
        async with self._turning:
            settled = 0
            self._refusing.clear()
            try:
                source = await self._open()
                after: int | None = 0
                for claims in count(1):
                    async with source.claim(after or 0, _AT_ONCE) as claim:
                        after = claim.end
                        settled += await self._move(claim)
                    # Past what is held up it goes on to the end, or nobody would get there.
                    if after is None or (settled and claims >= _CLAIMS):
                        break
            except BaseException:
                await self._let_go()
                raise
            return settled

    async def _move(self, claim: Claim) -> int:
        pending: list[_Pending] = []
        faulty: dict[int, str] = {}
        for row in claim.rows:
            try:
                entry = arrived(row.draft)
            except Exception as error:  # noqa: BLE001 - it is kept for somebody to look at
                if await self._report(row, "unreadable", error):
                    faulty[row.sequence] = "unreadable"
            else:
                pending.append(_Pending(row, entry, log_of(entry)))
        done: set[int] = set()
        for places in self._delivery.groups([one.entry for one in pending]):
            group = [pending[place] for place in places]
            for one, fault in await self._bring(group):
                if fault is None:
                    done.add(one.row.sequence)
                elif await self._report(one.row, fault.reason, fault.error, one.entry):
                    faulty[one.row.sequence] = fault.reason
        if done or faulty:
            await claim.settle(done, faulty)
            self._moved += len(done)
        return len(done) + len(faulty)

    async def _bring(self, group: Sequence[_Pending]) -> list[tuple[_Pending, Fault | None]]:
        """Bring a group into its logs; each that need not wait, and what is wrong with it."""
        group = [one for one in group if one.log not in self._refusing]
        try:
            faults = await self._delivery.bring([one.entry for one in group]) if group else ()
        except RefusedError as error:
            # One log's trouble is not the others': each is tried by itself.
            logs = dict.fromkeys(one.log for one in group)
            if len(logs) == 1:
                self._refusing[group[0].log] = error
                return []
            settled = []
            for log in logs:
                settled += await self._bring([one for one in group if one.log == log])
            return settled
        by_place = {fault.place: fault for fault in faults}
        return [(one, by_place.get(place)) for place, one in enumerate(group)]

    async def _report(
        self, row: Row, reason: str, error: Exception, entry: UntimedEntry | None = None
    ) -> bool:
        """Say in its log that a draft will never be recorded; whether the log took that."""
        facts = {"kind": "outbox_refused", "count": 1, "reason": reason}
        log, company = DEFAULT_LOG, None
        if entry is not None:
            log, company = entry.log, entry.company_id
        gap = self._make_gap(facts, _report_id(row), log, company)
        try:
            await self._put(gap)
        except RefusedError as refusal:
            self._refusing[log_of(gap)] = refusal
            return False
        logger.error(
            "An event of %s was not recorded, and is kept there as number %d (%s, %s).",
            self._name,
            row.sequence,
            reason,
            type(error).__name__,
        )
        return True

    async def _open(self) -> Source:
        if self._source is None:
            self._source = await open_source(self._connect, self._timeout)
            self._name = self._source.name
        return self._source

    async def _let_go(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            await source.close()

    def _note(self, error: Exception) -> None:
        """Say why the outbox waits, once for each reason."""
        if isinstance(error, CounterfoilError):
            trouble = str(error)
        else:
            trouble = f"The relay failed unexpectedly ({type(error).__name__})."
        if trouble != self._trouble:
            expected = isinstance(error, (StoreError, WriteError))
            level = logging.WARNING if expected else logging.ERROR
            logger.log(level, "What is in the outbox waits. %s", trouble)
        self._trouble = trouble


def _report_id(row: Row) -> str:
    """The id of the report about a draft, the same after a crash."""
    return id_of_report(row.made_at, b"%d" % row.sequence, row.draft)


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, or for so many seconds; whether it came."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


async def outbox_stats(relays: Iterable[Relay]) -> tuple[OutboxStats, ...]:
    """Of several relays at once."""
    return tuple(await asyncio.gather(*(relay.stats() for relay in relays)))
