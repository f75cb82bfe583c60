"""Opens the log on a store of the test's own, where an address cannot say which."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

from counterfoil import AuditLog
from counterfoil.store import HeadRequest, Store
from counterfoil.store.interface import Build
from counterfoil.store.memory import MemoryStore


async def open_on(store: Store, **options: Any) -> AuditLog:
    """``AuditLog.open`` on a store that is not open yet; errors are not bridged by a spool."""
    path = store.path
    url = "memory:" if path is None else f"sqlite:///{path}"
    with patch("counterfoil.log.setup.open_store", lambda url, timeout: store):
        return await AuditLog.open(url, **{"checkpoint_interval": None, "spool": False, **options})


class StallingStore(MemoryStore):
    """A store that may hang or fail.

    Attributes:
        going: appends wait for it; set at first.
        waiting: how many appends wait, or run.
        failures: raised by the next appends, one each, instead of writing; None lets one go.
        size_at_close: the size of the log ``default`` when the store was first closed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.going = asyncio.Event()
        self.going.set()
        self.waiting = 0
        self.failures: list[Exception | None] = []
        self.size_at_close: int | None = None
        self._changed = asyncio.Condition()

    async def close(self) -> None:
        if self.size_at_close is None:
            head = await self.head("default")
            self.size_at_close = 0 if head is None else head.size
        await super().close()

    async def append(
        self,
        requests: Sequence[HeadRequest],
        ids: Sequence[bytes],
        build: Build,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        await self._count(1)
        try:
            await self.going.wait()
            failure = self.failures.pop(0) if self.failures else None
            if failure is not None:
                raise failure
            await super().append(requests, ids, build, prepare)
        finally:
            await self._count(-1)

    async def stalled(self, appends: int) -> None:
        """Wait until so many appends hang."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.waiting == appends)

    async def _count(self, change: int) -> None:
        async with self._changed:
            self.waiting += change
            self._changed.notify_all()
