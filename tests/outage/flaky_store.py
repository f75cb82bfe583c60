"""A store that can be told to fail, to hang, to lose its answers, and to come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from enum import Enum, auto
from pathlib import Path
from typing import Any

from counterfoil import AuditLog
from counterfoil.errors import ClosedError, StoreError, StoreUnavailableError
from counterfoil.record.row import EventRow, MentionRow
from counterfoil.store import Head, HeadRequest
from counterfoil.store.interface import Build
from counterfoil.store.sqlite import SQLiteStore
from tests.durability.stores import open_on

#: Seconds after which a test that waits for something has failed.
PATIENCE = 60.0


class Trouble(Enum):
    """What happens to a call."""

    NONE = auto()
    FAILS = auto()
    """It raises, and nothing is written."""
    HANGS = auto()
    """It does not go on before this trouble has ended."""
    LOSES_ANSWERS = auto()
    """It is carried out, and raises."""
    HANGS_AFTERWARDS = auto()
    """It is carried out, and does not end before the store is back."""


class FlakyStore(SQLiteStore):
    """A real SQLite store behind a line that is cut now and then.

    Attributes:
        tries: appends that were tried since the last trouble began.
        chokes_on: an event's id; an append that has it raises what no store should.
    """

    def __init__(self, path: Path, *, timeout: float = 10.0) -> None:
        super().__init__(path, timeout=timeout)
        self.tries = 0
        self.chokes_on: str | None = None
        self._trouble = Trouble.NONE
        self._error: Exception | None = None
        self._back = asyncio.Event()
        self._changed = asyncio.Condition()

    def go(self, trouble: Trouble, error: Exception | None = None) -> None:
        """From now on there is this trouble; it fails with this error, where one is given."""
        self._back.set()
        self._back = asyncio.Event()
        self._trouble, self._error = trouble, error
        self.tries = 0

    async def come_back(self) -> None:
        """From now on there is none; what hangs goes on."""
        self.go(Trouble.NONE)

    async def tried(self, times: int) -> None:
        """Wait until so many appends were tried in this trouble."""
        await self._until(lambda: self.tries >= times)

    async def holds(self, *ids: str) -> None:
        """Wait until these events are recorded."""
        wanted = [bytes.fromhex(one.replace("-", "")) for one in ids]
        async with asyncio.timeout(PATIENCE), self._changed:
            while len(await self._found(wanted)) < len(set(wanted)):
                await self._changed.wait()

    async def append(
        self,
        requests: Sequence[HeadRequest],
        ids: Sequence[bytes],
        build: Build,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self.tries += 1
        await self._notify()

        def choke(*arguments: Any) -> Any:
            batch = build(*arguments)
            if any(_text(row[1]) == self.chokes_on for row in batch.rows):
                raise TypeError("something that nobody has foreseen")
            return batch

        back = self._back
        trouble = await self._meet()
        await super().append(requests, ids, choke if self.chokes_on else build, prepare)
        await self._notify()
        if trouble is Trouble.LOSES_ANSWERS:
            error = StoreError("The line was cut.")
            error.outcome_known = False
            raise error
        if trouble is Trouble.HANGS_AFTERWARDS:
            await back.wait()

    async def _found(self, wanted: list[bytes]) -> list[EventRow]:
        try:
            return await super().find(wanted)
        except ClosedError:
            return []  # not open yet

    async def open(self) -> None:
        await self._meet()
        await super().open()

    async def head(self, log: str) -> Head | None:
        await self._meet()
        return await super().head(log)

    async def mentions(self, first: int, last: int) -> list[MentionRow]:
        await self._meet()
        return await super().mentions(first, last)

    async def _meet(self) -> Trouble:
        trouble = self._trouble
        while self._trouble is Trouble.HANGS:
            await self._back.wait()
        if self._trouble is Trouble.FAILS:
            raise self._error or StoreUnavailableError("The store is away.")
        return trouble

    async def _until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(is_so)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _text(event_id: bytes) -> str:
    digits = event_id.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


async def open_log(store: FlakyStore, **options: Any) -> AuditLog:
    """A log on a store, with a spool beside the file unless another is named."""
    return await open_on(store, **{"spool": True, **options})


@asynccontextmanager
async def opened(store: FlakyStore, **options: Any) -> AsyncIterator[AuditLog]:
    """The same, closed at the end."""
    log = await open_log(store, **options)
    try:
        yield log
    finally:
        await log.close()
