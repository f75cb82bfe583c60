"""Follow: a server's events as they are recorded, over its event stream."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

import orjson

from counterfoil.errors import AccessError, CounterfoilError, StoreUnavailableError
from counterfoil.log.read.follow import Follow, no_place
from counterfoil.record import Event
from counterfoil.wire.connection import not_ours

from .evidence import event_of
from .link import Link

#: Events that are held for a slow reader.
HELD: Final = 100
#: The server says something at least every ten seconds: after so many it is gone.
SILENCE: Final = 30.0
#: Seconds before a stream that broke is asked for again: at first, and at most.
_PAUSES: Final = (0.1, 5.0)

logger = logging.getLogger("counterfoil")


class _Step(NamedTuple):
    """An event and the place behind it; or the end, or what went wrong."""

    event: Event | None = None
    cursor: str = ""
    error: CounterfoilError | None = None


class ServerFollow(Follow):
    """Follows a log on a server. A stream that breaks is resumed where it was.

    Args:
        link: to the server.
        params: the filters.
        after: where to begin.
        settle: asks where the log ends, to begin there; None, without ``after``, begins at the
            filter's ``since``.
    """

    def __init__(
        self,
        link: Link,
        params: Sequence[tuple[str, str]],
        after: str | None,
        settle: Callable[[], Awaitable[str]] | None,
    ) -> None:
        self._link = link
        self._settle = settle
        self._params = params
        #: Where the stream is; what it brought so far is ready.
        self._reached = after
        self._cursor = after
        self._ready: deque[_Step] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._begun: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._over = False

    @property
    def cursor(self) -> str:
        if self._cursor is None or self._begun is None:
            raise no_place()
        return self._cursor

    async def start(self) -> None:
        if self._over:
            return
        if self._begun is None:
            loop = asyncio.get_running_loop()
            self._begun = loop.create_future()
            # It may be that nobody is left to ask.
            self._begun.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._task = loop.create_task(self._run(self._begun), name="counterfoil-follow")
        await asyncio.shield(self._begun)

    async def aclose(self) -> None:
        self._ready.clear()
        await self.end()

    async def end(self) -> None:
        """End the iteration behind what is ready. Idempotent."""
        self._over = True
        self._news.set()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def __anext__(self) -> Event:
        while not self._ready:
            if self._over:
                raise StopAsyncIteration
            await self.start()
            self._news.clear()
            if not self._ready and not self._over:
                await self._news.wait()
        step = self._ready.popleft()
        self._room.set()
        if step.error is not None:
            self._over = True
            raise step.error
        if step.event is None:
            self._over = True
            raise StopAsyncIteration
        self._cursor = step.cursor
        return step.event

    async def _put(self, step: _Step) -> None:
        while len(self._ready) >= HELD:
            self._room.clear()
            await self._room.wait()
        self._ready.append(step)
        self._news.set()

    async def _run(self, begun: asyncio.Future[None]) -> None:
        first, most = _PAUSES
        pause = first
        while True:
            place = self._reached
            try:
                ended = await self._stream(begun)
            except CounterfoilError as error:
                if not begun.done():
                    self._begun = None
                    begun.set_exception(error)
                    return
                if not isinstance(error, StoreUnavailableError):
                    await self._put(_Step(error=error))
                    return
                if pause == first:
                    logger.warning("The stream of events broke; it is asked for again. %s", error)
            else:
                if ended:
                    await self._put(_Step())
                    return
            if self._reached != place:
                pause = first
            await asyncio.sleep(pause)
            pause = min(pause * 2, most)

    async def _stream(self, begun: asyncio.Future[None]) -> bool:
        """Read one stream to its end; whether nothing can come any more."""
        await self._link.session()
        if self._reached is None and self._settle is not None:
            self._reached = await self._settle()
        headers = {} if self._reached is None else {"Last-Event-ID": self._reached}
        used = self._link.connection.token
        try:
            return await self._read(headers, begun)
        except AccessError:
            # With another token it is asked for again, from where it is.
            if not await self._link.renew(used):
                raise
        return False

    async def _read(self, headers: dict[str, str], begun: asyncio.Future[None]) -> bool:
        async with self._link.connection.events(
            "/v1/stream", params=self._params, headers=headers, silence=SILENCE
        ) as messages:
            if not begun.done():
                self._cursor = self._reached
                begun.set_result(None)
            async for message in messages:
                if message.event == "end":
                    return True
                if message.data:
                    step = _Step(_decoded(message.data), message.id)
                    await self._put(step)
                if message.id:
                    self._reached = message.id
        return False


def _decoded(data: str) -> Event:
    try:
        return event_of(orjson.loads(data))
    except orjson.JSONDecodeError as error:
        raise not_ours() from error
