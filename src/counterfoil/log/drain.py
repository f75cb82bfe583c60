"""The drain: brings what waits in the spool into the log, in order, once the store is back.

At least once by nature, and once in effect: a spooled event has its id already, and the log
records an id once. What was lost is reported by ``audit.gap`` events before it is forgotten.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from counterfoil.errors import ConflictError, CounterfoilError, InputError, SpoolCorruptError
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.instant import rfc3339
from counterfoil.record.spooled import decode
from counterfoil.spool import Spool
from counterfoil.spool.journal import Journal, Record

logger = logging.getLogger("counterfoil")

GAP_TYPE = "audit.gap"

#: Makes the log's own event: the ``audit`` member and the event's id.
MakeGap = Callable[[dict[str, Any], str], UntimedEntry]
Put = Callable[[UntimedEntry], Awaitable[str]]


class Drain:
    """Delivers the spool in the background.

    Args:
        spool: what is delivered, with what dead processes left.
        put: writes an entry to the log and waits for its commit.
        make_gap: makes an ``audit.gap`` entry.
        delivered: called when the store has taken something.
        interval: seconds between tries while there is something to deliver.
        adopt_every: tries between looks for what dead processes left.
    """

    def __init__(
        self,
        spool: Spool,
        put: Put,
        make_gap: MakeGap,
        delivered: Callable[[], None],
        *,
        interval: float = 0.5,
        adopt_every: int = 20,
    ) -> None:
        self._spool = spool
        self._put = put
        self._make_gap = make_gap
        self._delivered = delivered
        self._interval = interval
        self._adopt_every = adopt_every
        self._wake = asyncio.Event()
        self._closing = False
        self._task = asyncio.get_running_loop().create_task(self._run(), name="counterfoil-drain")

    def kept(self) -> None:
        """There is something to deliver."""
        self._wake.set()

    async def close(self) -> None:
        """Try once more, and end. What is left stays for the next process. Idempotent."""
        if self._closing:
            return
        self._closing = True
        self._wake.set()
        await self._task
        await self.turn()

    async def turn(self) -> bool:
        """Deliver what can be delivered now; whether nothing is left."""
        try:
            await self._report()
            for journal in await asyncio.to_thread(self._spool.journals):
                while records := await asyncio.to_thread(journal.read):
                    await self._deliver(journal, records)
                    self._delivered()
                await self._report()
                await asyncio.to_thread(self._spool.retire, journal)
        except CounterfoilError as error:
            logger.info("The spool waits: %s", error)
            return False
        return True

    async def _run(self) -> None:
        turns = 0
        empty = False
        while not self._closing:
            if turns % self._adopt_every == 0:
                await self._adopt()
                empty = False
            turns += 1
            if not empty or self._wake.is_set():
                self._wake.clear()
                empty = await self.turn()
            try:
                async with asyncio.timeout(self._interval):
                    await self._wake.wait()
            except TimeoutError:
                continue
            if not empty:
                # The store is away: what is added meanwhile is no reason to try at once.
                await asyncio.sleep(self._interval)

    async def _adopt(self) -> None:
        try:
            adoption = await asyncio.to_thread(self._spool.adopt)
        except CounterfoilError as error:
            logger.warning("The spool's folder cannot be looked through: %s", error)
            return
        for failure in adoption.errors:
            logger.warning("A spool that another process left cannot be taken over: %s", failure)

    async def _deliver(self, journal: Journal, records: Sequence[Record]) -> None:
        entries: list[UntimedEntry] = []
        for record in records:
            try:
                entries.append(UntimedEntry(decode(record.payload)))
            except (SpoolCorruptError, InputError) as error:
                path = await asyncio.to_thread(journal.set_aside, record)
                logger.error(
                    "A spooled event cannot be read and was set aside in %s: %s", path, error
                )
        # All are queued before the first is awaited, so that they keep their order and share
        # a commit.
        tasks = [asyncio.ensure_future(self._put(entry)) for entry in entries]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, ConflictError):
                logger.error("A spooled event was not recorded: %s", result)
            elif isinstance(result, BaseException):
                raise result
        await asyncio.to_thread(journal.done, records[-1].position)

    async def _report(self) -> None:
        for report in await asyncio.to_thread(self._spool.take_gaps):
            facts = {
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
            await self._put(self._make_gap(facts, report.id))
            await asyncio.to_thread(self._spool.confirm_gaps, report)
        for recovery in await asyncio.to_thread(self._spool.recoveries):
            if recovery.is_clean:
                continue
            facts = {
                "kind": "spool_damaged",
                "count": recovery.lost_records,
                "torn_bytes": recovery.torn_bytes,
                "damaged_bytes": recovery.damaged_bytes,
            }
            await self._put(self._make_gap(facts, recovery.report_id))
            self._spool.confirm_recovery(recovery)


#: An ``audit`` member has at most 16 KiB; the count covers all types in any case.
_MOST_TYPES = 64
