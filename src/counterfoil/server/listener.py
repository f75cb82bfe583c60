"""Listeners: one reader of a feed, from wherever it begins, each event once and in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from counterfoil.log.read.follow import Follow

from . import feed as feeds
from .feed import Feed, line_of

#: Seconds without an event after which it is asked whether there is one.
_PAUSE: Final = 0.2


class Listener:
    """A reader of a feed.

    Args:
        feed: what it listens to.
        follow: begun where the reader begins; None begins with what comes next.
        gone: done once the reader has left.
    """

    def __init__(self, feed: Feed, follow: Follow | None, gone: asyncio.Future[None]) -> None:
        self._feed = feed
        self._follow = follow
        self._gone = gone
        self._place = feed.next
        #: What the reader has already of what the feed keeps.
        self._had: deque[str] = deque(maxlen=feeds.KEPT)
        #: Where the reader is, once it has seen anything.
        self._cursor: str | None = None

    async def parts(self, heartbeat: float) -> AsyncIterator[bytes]:
        """What to send, until there is no more; empty where nothing came for a while."""
        while not self._gone.done():
            if self._follow is None and self._place < self._feed.first:
                self._follow = self._feed.scoped.watch(self._feed.scope, self._cursor)
            if self._follow is not None:
                async for part in self._caught_up(self._follow):
                    yield part
                self._follow = None
                continue
            await self._feed.wait(self._place, heartbeat, self._gone)
            if self._place < self._feed.first:
                continue
            data, cursor = self._feed.since(self._place, self._had)
            self._place = self._feed.next
            if cursor is not None:
                self._cursor = cursor
                self._had.clear()
            if self._feed.ended and not data:
                return
            yield data

    @property
    def _is_closing(self) -> bool:
        return self._feed.ended and not self._feed.finished

    async def _caught_up(self, follow: Follow) -> AsyncIterator[bytes]:
        """The events up to what the feed keeps; then the reader has its place there."""
        async with follow:
            while not self._gone.done() and not self._is_closing:
                # The feed saw those before this one, so the follow sees them below.
                place = self._feed.next
                try:
                    async with asyncio.timeout(_PAUSE):
                        event = await anext(follow)
                except StopAsyncIteration:
                    break
                except TimeoutError:
                    if await self._feed.scoped.is_end(self._feed.scope, follow.cursor):
                        self._place = place
                        self._cursor = follow.cursor
                        return
                    continue
                line = line_of(event, follow.cursor, self._feed.include)
                self._had.append(line.event_id)
                self._cursor = line.cursor
                yield line.data
        self._place = self._feed.next
