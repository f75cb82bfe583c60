"""Records events in a store at times of the test's choosing, without the queue between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uuid_utils

from counterfoil.log.commits import Commits
from counterfoil.log.write.batch import BatchBuilder, TreeEdge
from counterfoil.record import Draft
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.instant import HOUR
from counterfoil.store import Store, open_store
from tests.postgres import Postgres

#: 2026-01-01T00:00:00Z in microseconds.
NEW_YEAR = 1_767_225_600_000_000


@dataclass
class StillClock:
    """A clock that stands where it was set."""

    micros: int = NEW_YEAR

    def now(self) -> int:
        return self.micros

    def event_id(self) -> str:
        return str(uuid_utils.uuid7())


@dataclass
class Recorder:
    """Appends to a store as the log's writer does."""

    store: Store
    clock: StillClock = field(default_factory=StillClock)
    commits: Commits = field(default_factory=Commits)
    edges: dict[str, TreeEdge] = field(default_factory=dict)

    async def record(self, *events: dict[str, Any], at: int | None = None) -> list[str]:
        """Record events in one batch, and return their ids.

        Args:
            at: microseconds since the Unix epoch; None leaves the clock where it is.
        """
        if at is not None:
            self.clock.micros = at
        drafts = [self._draft(event) for event in events]
        await self._append([UntimedEntry(draft) for draft in drafts])
        return [draft.event_id for draft in drafts]

    async def _append(self, entries: Sequence[UntimedEntry]) -> None:
        builder = BatchBuilder(entries, self.clock, self.edges, lambda log: f"test/{log}")
        await self.store.append(builder.requests, builder.ids, builder.build, builder.prepare)
        self.commits.notify(builder.sizes)

    def _draft(self, event: dict[str, Any]) -> Draft:
        fields = {"event_type": "order_created", "occurred_at": self.clock.micros, **event}
        return Draft(event_id=self.clock.event_id(), **fields)


@asynccontextmanager
async def recorder(engine: str | Postgres) -> AsyncIterator[Recorder]:
    """A recorder on an empty store that is gone afterwards.

    Args:
        engine: its name, or a server to have a database on.
    """
    with _database(engine) as url:
        store = open_store(url)
        await store.open()
        try:
            yield Recorder(store)
        finally:
            await store.close()


@contextmanager
def _database(engine: str | Postgres) -> Iterator[str]:
    if isinstance(engine, Postgres):
        url = engine.borrow()
        yield url
        engine.give_back(url)
    elif engine == "memory":
        yield "memory:"
    else:
        with TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder, 'audit.db')}"


def hour(number: float) -> int:
    """Microseconds of this hour of the year."""
    return NEW_YEAR + round(number * HOUR)
