"""Stats: how much there is, where it is, and what waits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from counterfoil.errors import SpoolCorruptError, SpoolError
from counterfoil.record.instant import to_datetime
from counterfoil.record.spooled import decode
from counterfoil.spool import survey
from counterfoil.store import Store
from counterfoil.store.interface import Coverage

#: Logs that are asked for in one call of the store.
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class LogStats:
    """One log.

    Attributes:
        size: events that it has ever had.
        recorded_at: when the last one was recorded; None where there is none.
        checkpoint_size: how many events the last recorded checkpoint covers, 0 without one.
        checkpoint_at: when that was signed.
    """

    name: str
    origin: str
    size: int
    recorded_at: datetime | None
    checkpoint_size: int
    checkpoint_at: datetime | None

    @property
    def uncovered(self) -> int:
        """Events that no checkpoint covers yet."""
        return self.size - self.checkpoint_size


@dataclass(frozen=True, slots=True)
class OutboxStats:
    """An application's outbox, as a relay of this process sees it.

    Attributes:
        outbox: the database that it is in, without secrets.
        waiting: drafts to be moved; None, as the next two, where the database does not answer.
        oldest: seconds since the first of them was put there; None where none waits.
        refused: drafts that no log takes and that are kept there.
        moved: events that this relay has moved since it was made.
        trouble: why what waits is not moved; empty where nothing is wrong.
    """

    outbox: str
    waiting: int | None
    oldest: float | None
    refused: int | None
    moved: int
    trouble: str


@dataclass(frozen=True, slots=True)
class SpoolStats:
    """What waits in a spool's folder, of all processes that share it.

    Attributes:
        events: how many wait for the database.
        bytes: what their files take.
        since: when the oldest of them happened; None where none waits, or it cannot be told.
        lost: events that could be kept nowhere, and that no ``audit.gap`` event tells of yet.
        quarantined: files that were set aside for somebody to look at.
        trouble: why what waits is not delivered, as this process sees it; empty where nothing
            is wrong.
    """

    events: int
    bytes: int
    since: datetime | None
    lost: int
    quarantined: int
    trouble: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits, is to be reported or to be looked at."""
        return not (self.events or self.lost or self.quarantined)


@dataclass(frozen=True, slots=True)
class Stats:
    """A database and this process's part in it.

    Attributes:
        store: the address, without secrets.
        logs: the logs, by name.
        waiting: events of this process that are queued or being written.
        usage: bytes by part of the database, as far as the engine can tell.
        outboxes: those that this process's relays move.
        spool: what waits for the database on this machine; None where there is no spool.
        trouble: why the server takes no events with the access key; empty where nothing is
            known to be wrong. Where the key may not read either, ``logs`` is empty.
    """

    store: str
    logs: tuple[LogStats, ...]
    waiting: int
    usage: Mapping[str, int]
    outboxes: tuple[OutboxStats, ...] = ()
    spool: SpoolStats | None = None
    trouble: str = ""

    @property
    def size(self) -> int:
        """Events in all logs."""
        return sum(log.size for log in self.logs)


def _log_stats(item: Coverage) -> LogStats:
    head = item.head
    return LogStats(
        name=head.log,
        origin=head.origin,
        size=head.size,
        recorded_at=to_datetime(head.recorded_at) if head.size else None,
        checkpoint_size=item.size,
        checkpoint_at=to_datetime(item.signed_at) if item.signed_at else None,
    )


async def take_stats(store: Store, waiting: int) -> Stats:
    """Ask a store, and add what waits in this process."""
    logs: list[LogStats] = []
    while page := await store.coverage(logs[-1].name if logs else "", _PAGE):
        logs += map(_log_stats, page)
    return Stats(store.name, tuple(logs), waiting, await store.usage())


async def take_spool_stats(folder: Path, timeout: float) -> SpoolStats:  # noqa: ASYNC109
    """Look through a spool's folder, which need not be there.

    Args:
        timeout: seconds to wait for its disk.

    Raises:
        SpoolError: it cannot be read, or its disk does not answer in time.
    """
    try:
        async with asyncio.timeout(timeout):
            found = await asyncio.to_thread(survey, folder)
    except TimeoutError:
        raise SpoolError("The spool's disk does not answer.") from None
    moments = [moment for record in found.oldest if (moment := _happened_at(record)) is not None]
    return SpoolStats(
        found.records,
        found.size,
        to_datetime(min(moments)) if moments else None,
        found.unreported,
        found.quarantined,
    )


def _happened_at(record: bytes) -> int | None:
    try:
        return decode(record).occurred_at
    except SpoolCorruptError:
        return None
