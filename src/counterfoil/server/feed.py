"""Feeds: what live readers with the same question share.

One follow reads the log for all of them, and each event is put into its bytes once. A feed
keeps the newest of these; a reader who falls behind them, or comes back from farther behind,
catches up by a follow of its own. So neither memory nor work grows with slow readers, and two
hundred of them cost the log as much as one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple

import orjson

from counterfoil.access import ScopedLog
from counterfoil.errors import CounterfoilError
from counterfoil.record import Event

from .event_json import as_json
from .problem import ProblemError

#: Events that a feed keeps for its readers, and the bytes that they may take.
KEPT: Final = 2_000
KEPT_BYTES: Final = 8 * 1024 * 1024
#: The shortest time between two wakings of a feed's readers, in seconds.
PACE: Final = 0.1
MAX_FEEDS: Final = 256
#: Streams that the holder of one viewer token may have open: it is in a customer's hands, and
#: must not take those of all others.
MAX_BY_TOKEN: Final = 8

#: Seconds after which a reader who had too many streams may come again.
_RETRY: Final = 5

logger = logging.getLogger("counterfoil")


class Line(NamedTuple):
    """An event on its way to readers.

    Attributes:
        event_id: whose it is; ``cursor``: the place behind it; ``data``: what is sent.
    """

    event_id: str
    cursor: str
    data: bytes


def line_of(event: Event, cursor: str, include: Collection[str]) -> Line:
    """An event as it is sent."""
    shown = orjson.dumps(as_json(event, include))
    return Line(event.id, cursor, b"id: %b\ndata: %b\n\n" % (cursor.encode(), shown))


@dataclass(slots=True)
class Feed:
    """One question, and the readers who ask it.

    Its events are numbered as they come, from 0.

    Attributes:
        first: the number of the first event that is kept; ``next``: of the one to come.
        readers: how many there are.
        ended: whether nothing comes any more; ``finished``: since the filter's end was passed.
    """

    scoped: ScopedLog
    scope: dict[str, Any]
    include: tuple[str, ...]
    first: int = 0
    readers: int = 0
    ended: bool = False
    finished: bool = False
    started: asyncio.Future[None] | None = None
    task: asyncio.Task[None] | None = None
    _kept: deque[Line] = field(default_factory=deque)
    _bytes: int = 0
    _waiting: set[asyncio.Future[None]] = field(default_factory=set)
    _woke: float = 0.0
    _due: asyncio.TimerHandle | None = None
    _joined: tuple[int, int, bytes] = (0, 0, b"")

    @property
    def next(self) -> int:
        return self.first + len(self._kept)

    async def run(self, started: asyncio.Future[None]) -> None:
        """Read the log, from where it ends now, until nobody listens any more."""
        try:
            end = await self.scoped.end(self.scope)
            async with self.scoped.watch(self.scope, end) as follow:
                started.set_result(None)
                async for event in follow:
                    self._keep(line_of(event, follow.cursor, self.include))
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

    async def wait(self, place: int, seconds: float, gone: asyncio.Future[None]) -> None:
        """Wait until there is something from a place on, or the time has passed.

        Args:
            gone: done once the reader has left, who waits no longer then.
        """
        if place < self.next or self.ended or gone.done():
            return
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

    def since(self, place: int, but: Collection[str] = ()) -> tuple[bytes, str | None]:
        """The bytes of the events from a place on, and the place behind them as a cursor.

        Args:
            place: the number of one that is kept, or of the one to come.
            but: ids of events that the reader has already.
        """
        lines = islice(self._kept, place - self.first, None)
        cursor = self._kept[-1].cursor if place < self.next else None
        if but:
            return b"".join(line.data for line in lines if line.event_id not in but), cursor
        if self._joined[:2] != (place, self.next):
            self._joined = (place, self.next, b"".join(line.data for line in lines))
        return self._joined[2], cursor

    def _keep(self, line: Line) -> None:
        self._kept.append(line)
        self._bytes += len(line.data)
        while len(self._kept) > KEPT or (self._bytes > KEPT_BYTES and len(self._kept) > 1):
            self._bytes -= len(self._kept.popleft().data)
            self.first += 1

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
        #: Readers by the viewer token that they came with.
        self._by_token: Counter[str] = Counter()

    @property
    def readers(self) -> int:
        """How many listen."""
        return sum(feed.readers for feed in self._feeds.values())

    async def join(
        self, scoped: ScopedLog, scope: dict[str, Any], include: Collection[str] = ()
    ) -> Feed:
        """The feed of a question, with one reader more.

        Args:
            scope: filters that are narrowed to what the reader reaches.
            include: what each event is shown with; see :func:`as_json`.

        Raises:
            QueryError, CursorError: they cannot be used.
            ProblemError: too many different questions are followed already, or too many
                streams by the reader's viewer token.
        """
        token = _token(scoped)
        if token is not None and self._by_token[token] >= MAX_BY_TOKEN:
            raise ProblemError(
                "rate_limited",
                f"At most {MAX_BY_TOKEN} live streams at once for each viewer token.",
                headers={"Retry-After": str(_RETRY)},
            )
        shown = tuple(sorted(set(include)))
        key = orjson.dumps([scope, shown], option=orjson.OPT_SORT_KEYS, default=str)
        feed = self._feeds.get(key)
        if feed is None or feed.ended:
            if len(self._feeds) >= MAX_FEEDS:
                raise ProblemError("overloaded", "Follow fewer different questions at once.")
            feed = self._feeds[key] = Feed(scoped, scope, shown)
            feed.started = asyncio.get_running_loop().create_future()
            feed.task = asyncio.create_task(feed.run(feed.started), name="counterfoil-feed")
        feed.readers += 1
        if token is not None:
            self._by_token[token] += 1
        try:
            assert feed.started is not None, "made with the feed"
            await asyncio.shield(feed.started)
        except BaseException:
            self.leave(feed, scoped)
            raise
        return feed

    def leave(self, feed: Feed, scoped: ScopedLog) -> None:
        """One reader less.

        Args:
            scoped: what the reader came with.
        """
        token = _token(scoped)
        if token is not None:
            self._by_token[token] -= 1
            # Nothing is kept of tokens that listen no more.
            self._by_token += Counter()
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


def _token(scoped: ScopedLog) -> str | None:
    """The id of the viewer token that a reader came with, if it was one."""
    viewing = scoped.principal.viewing
    return None if viewing is None else viewing.token_id
