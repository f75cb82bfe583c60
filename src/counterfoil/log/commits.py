"""Commits: how readers learn at once that this process has recorded something."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from weakref import WeakSet

#: Logs whose sizes are remembered.
MOST_LOGS = 4_096


class News:
    """The sizes of the logs that were committed since they were last asked for."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._come = asyncio.Event()
        self.awaited = False

    def add(self, sizes: Mapping[str, int]) -> None:
        """There is news, or nothing more to wait for."""
        self._sizes.update(sizes)
        self._come.set()

    def take(self) -> dict[str, int]:
        """The news so far: log -> how many events it has ever had."""
        sizes, self._sizes = self._sizes, {}
        self._come.clear()
        return sizes

    async def wait(self, seconds: float) -> None:
        """Wait until there is news, or so long."""
        self.awaited = True
        try:
            async with asyncio.timeout(seconds):
                await self._come.wait()
        except TimeoutError:
            pass
        finally:
            self.awaited = False


class Commits:
    """The sizes of the logs as this process last committed them, and who waits for more.

    Belongs to one event loop. A wait cannot be missed: it looks at the size before it sleeps.
    """

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._closed = False
        self._watchers: WeakSet[News] = WeakSet()

    @property
    def awaited(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting) or any(news.awaited for news in self._watchers)

    @property
    def closed(self) -> bool:
        """Whether nobody need wait any more."""
        return self._closed

    def notify(self, sizes: Mapping[str, int]) -> None:
        """A batch is committed: wake those who wait for these logs.

        Args:
            sizes: log -> how many events it has ever had.
        """
        for log, size in sizes.items():
            self._sizes[log] = max(size, self._sizes.pop(log, 0))
            self._wake(log)
        while len(self._sizes) > MOST_LOGS:
            # The log that was written to longest ago: who follows it finds out by looking.
            del self._sizes[next(iter(self._sizes))]
        for news in self._watchers:
            news.add(sizes)

    async def wait(self, log: str, size: int, seconds: float | None) -> int | None:
        """Wait until this process has committed more than ``size`` events of a log.

        Args:
            seconds: give up after this long; None waits until it happens.

        Returns:
            The size, or None where the time passed or the notifier was closed.
        """
        try:
            async with asyncio.timeout(seconds):
                while not self._closed and self._sizes.get(log, 0) <= size:
                    await self._sleep(log)
        except TimeoutError:
            return None
        return None if self._closed else self._sizes.get(log)

    def watch(self) -> News:
        """What is committed from now on, for somebody who follows several logs."""
        news = News()
        self._watchers.add(news)
        return news

    def close(self) -> None:
        """Wake everybody for good. Idempotent."""
        self._closed = True
        for news in self._watchers:
            news.add({})
        for log in list(self._waiting):
            self._wake(log)

    async def _sleep(self, log: str) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(log, set())
        waiting.add(future)
        try:
            await future
        finally:
            waiting.discard(future)
            if not waiting and self._waiting.get(log) is waiting:
                del self._waiting[log]

    def _wake(self, log: str) -> None:
        for future in self._waiting.pop(log, ()):
            if not future.done():
                future.set_result(None)
