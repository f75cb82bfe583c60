"""Feeds: what live readers with the same question share.

One follow reads the log for all of them, and each event is put into its bytes once. A feed
keeps the newest of these; a reader who falls behind them, or comes back from farther behind,
catches up by pages of its own. So neither memory nor work grows with slow readers, and two
hundred of them cost the log as much as one.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_left
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import orjson

from counterfoil.access import ScopedLog
from counterfoil.errors import CounterfoilError
from counterfoil.log.read.cursor import Cursor
from counterfoil.log.read.filter import Filter
from counterfoil.record import Event

from .event_json import as_json
from .problem import ProblemError

#: Events that a feed keeps for its readers, and the bytes that they may take.
KEPT: Final = 2_000
KEPT_BYTES: Final = 8 * 1024 * 1024
#: The shortest time between two wakings of a feed's readers, in seconds.
PACE: Final = 0.1
MAX_FEEDS: Final = 256
_PAGE: Final = 200

logger = logging.getLogger("counterfoil")


@dataclass(slots=True)
class Feed:
    """One question, and the readers who ask it.

    Attributes:
        begin: everything from this index on is in ``kept``, as far as it matches.
        next: the index behind the last event that matched.
        ended: whether nothing comes any more; ``finished``: since the filter's end was passed.
    """

    scoped: ScopedLog
    where: Filter
    scope: dict[str, Any]
    evidence: bool
    begin: int = 0
    next: int = 0
    readers: int = 0
    ended: bool = False
    finished: bool = False
    started: asyncio.Future[None] | None = None
    task: asyncio.Task[None] | None = None
    kept: deque[tuple[int, bytes]] = field(default_factory=deque)
    _bytes: int = 0
    _waiting: set[asyncio.Future[None]] = field(default_factory=set)
    _woke: float = 0.0
    _due: asyncio.TimerHandle | None = None
    _joined: tuple[int, int, bytes] = (0, 0, b"")

    async def run(self, started: asyncio.Future[None]) -> None:
        """Read the log, from where it ends now, until nobody listens any more."""
        try:
            self.begin = self.next = await self.scoped.size(self.scope)
            after = Cursor(self.next).text(self.where.digest())
            async with self.scoped.watch(self.scope, after) as follow:
                started.set_result(None)
                async for event in follow:
                    self._keep(event)
                    self._wake_soon()
            self.finished = True
        except CounterfoilError as error:
            if not started.done():
                started.set_exception(error)
            else:
                logger.error("A live stream ended. %s", error)
        finally:
            self.ended = True
            self._wake()

    async def read(
        self, place: int, seconds: float, gone: asyncio.Future[None]
    ) -> tuple[int, bytes]:
        """What comes after a place, once there is something or the time has passed.

        Args:
            gone: done once the reader has left, who waits no longer then.

        Returns:
            The place behind it, and the bytes.
        """
        if place >= self.next and not self.ended and not gone.done():
            await self._wait(seconds, gone)
        if place < self.begin:
            # Meanwhile more came than is kept: the reader catches up.
            return place, b""
        return max(place, self.next), self._since(place)

    async def catch_up(self, place: int | None) -> AsyncIterator[tuple[int, bytes]]:
        """The events from a place up to what the feed keeps, in pages of the reader's own.

        Args:
            place: None begins at the filter's beginning.

        Raises:
            CursorError: the place is behind the log's end.
        """
        digest = self.where.digest()
        cursor = None if place is None else Cursor(place).text(digest)
        while True:
            begin = self.begin
            page = await self.scoped.look(self.scope, cursor, _PAGE)
            place = Cursor.parse(page.end_cursor, digest, newest_first=False).index
            cursor = page.next_cursor
            if cursor is None:
                # Nothing more matches below what the log had when it was asked.
                place = max(place, begin)
            yield place, b"".join(map(self._line, page))
            if cursor is None or place >= self.begin:
                return

    async def _wait(self, seconds: float, gone: asyncio.Future[None]) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def wake(_: object = None) -> None:
            if not future.done():
                future.set_result(None)

        timer = loop.call_later(seconds, wake)
        gone.add_done_callback(wake)
        self._waiting.add(future)
        try:
            await future
        finally:
            timer.cancel()
            gone.remove_done_callback(wake)
            self._waiting.discard(future)

    def _since(self, place: int) -> bytes:
        if self._joined[:2] != (place, self.next):
            at = bisect_left(self.kept, place, key=lambda item: item[0])
            text = b"".join(line for _, line in islice(self.kept, at, None))
            self._joined = (place, self.next, text)
        return self._joined[2]

    def _keep(self, event: Event) -> None:
        line = self._line(event)
        self.kept.append((event.index, line))
        self._bytes += len(line)
        self.next = event.index + 1
        while len(self.kept) > KEPT or (self._bytes > KEPT_BYTES and len(self.kept) > 1):
            index, old = self.kept.popleft()
            self._bytes -= len(old)
            self.begin = index + 1

    def _line(self, event: Event) -> bytes:
        place = Cursor(event.index + 1).text(self.where.digest()).encode()
        shown = orjson.dumps(as_json(event, evidence=self.evidence))
        return b"id: %b\ndata: %b\n\n" % (place, shown)

    def _wake_soon(self) -> None:
        """At once after a pause, else a few times a second.

        Two hundred readers are two hundred packets each time.
        """
        if self._due is not None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() - self._woke >= PACE:
            self._wake()
        else:
            self._due = loop.call_at(self._woke + PACE, self._wake)

    def _wake(self) -> None:
        self._due = None
        self._woke = asyncio.get_running_loop().time()
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)


class Feeds:
    """The feeds of an application, each there for as long as it has readers."""

    def __init__(self) -> None:
        self._feeds: dict[bytes, Feed] = {}

    @property
    def readers(self) -> int:
        """How many listen."""
        return sum(feed.readers for feed in self._feeds.values())

    async def join(self, scoped: ScopedLog, scope: dict[str, Any], *, evidence: bool) -> Feed:
        """The feed of a question, with one reader more.

        Args:
            scope: filters that are narrowed to what the reader reaches.

        Raises:
            QueryError, CursorError: they cannot be used.
            ProblemError: too many different questions are followed already.
        """
        key = orjson.dumps([scope, evidence], option=orjson.OPT_SORT_KEYS, default=str)
        feed = self._feeds.get(key)
        if feed is None or feed.ended:
            if len(self._feeds) >= MAX_FEEDS:
                raise ProblemError("overloaded", "Follow fewer different questions at once.")
            feed = self._feeds[key] = Feed(scoped, Filter.of(**scope), scope, evidence)
            feed.started = asyncio.get_running_loop().create_future()
            feed.task = asyncio.create_task(feed.run(feed.started), name="counterfoil-feed")
        feed.readers += 1
        try:
            assert feed.started is not None, "made with the feed"
            await asyncio.shield(feed.started)
        except BaseException:
            self.leave(feed)
            raise
        return feed

    def leave(self, feed: Feed) -> None:
        """One reader less."""
        feed.readers -= 1
        if feed.readers > 0:
            return
        if feed.task is not None:
            feed.task.cancel()
        self._feeds = {key: one for key, one in self._feeds.items() if one is not feed}

    async def close(self) -> None:
        """End all feeds."""
        tasks = [feed.task for feed in self._feeds.values() if feed.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
