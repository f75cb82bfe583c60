"""The live stream: events as they are recorded, as server-sent events (WHATWG HTML)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from counterfoil.access import Permission, ScopedLog, Services
from counterfoil.errors import CounterfoilError
from counterfoil.log.read.follow import Follow
from counterfoil.server.authentication import Needs, services_of
from counterfoil.server.description import answers
from counterfoil.server.feed import Feed, Feeds
from counterfoil.server.listener import Listener
from counterfoil.server.options import ServerOptions
from counterfoil.server.problem import ProblemError
from counterfoil.server.query_parameters import Filters, OnlyKnown, count_filters, filters

from .reading import Include

router = APIRouter(tags=["events"])

#: Seconds between signs of life while nothing is recorded.
HEARTBEAT: Final = 10.0
#: Seconds after which a reader who is sent events is asked again whether they may have them.
RECHECK: Final = 5.0
#: Milliseconds after which a reader whose stream ended comes back.
_RETRY: Final = 2_000


@router.get(
    "/stream",
    responses=answers(None, "Events, for ever.", media_type="text/event-stream"),
    dependencies=[Depends(OnlyKnown(count_filters, filters, more=("after", "include")))],
)
async def stream(
    request: Request,
    log: Annotated[ScopedLog, Depends(Needs(Permission.READ))],
    asked: Filters,
    after: Annotated[
        str | None,
        Query(max_length=200, description="Where to go on: an `id` of the stream or a page's "
              "`end_cursor`, with the same filters."),
    ] = None,
    include: Include = None,
    last_event_id: Annotated[
        str | None, Header(description="The same as `after`; browsers send it on their own.")
    ] = None,
) -> Response:  # fmt: skip
    """The events that match as they are recorded, each once and in order.

    Without a place to go on from it begins at `since`, or else now. A comment comes at least
    every ten seconds. It ends with the server, or with an event `end` once `until` has passed.
    """
    feeds: Feeds = request.app.state.feeds
    options: ServerOptions = request.app.state.options
    if feeds.readers >= options.max_streams:
        raise ProblemError("overloaded", "There are too many live streams; try again later.")
    scope = await log.followed(asked)
    cursor = last_event_id or after
    follow: Follow | None = None
    if cursor is not None or scope.get("since") is not None:
        follow = log.watch(scope, cursor)
        await follow.start()
    try:
        feed = await feeds.join(log, scope, include or ())
    except BaseException:
        if follow is not None:
            await follow.aclose()
        raise
    return EventStream(services_of(request), feeds, feed, log, follow)


class EventStream(Response):
    """An answer that lasts as long as its reader, its key and its server."""

    media_type = "text/event-stream"

    def __init__(
        self, services: Services, feeds: Feeds, feed: Feed, log: ScopedLog, follow: Follow | None
    ) -> None:
        super().__init__(None, 200, {"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._services = services
        self._feeds = feeds
        self._feed = feed
        self._log = log
        self._follow = follow
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_disconnected(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for part in self._parts(gone):
                await send({"type": "http.response.body", "body": part, "more_body": True})
            if not gone.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._feeds.leave(self._feed, self._log)
            gone.cancel()

    async def _parts(self, gone: asyncio.Task[None]) -> AsyncIterator[bytes]:
        yield b"retry: %d\n\n" % _RETRY
        loop = asyncio.get_running_loop()
        checked = loop.time()
        listener = Listener(self._feed, self._follow, gone)
        try:
            async for part in listener.parts(HEARTBEAT):
                if self._services.closing.is_set():
                    return
                if not part or loop.time() - checked >= RECHECK:
                    # A key that is taken back, or a token that expires, ends what it began.
                    await self._services.recheck(self._log.principal)
                    checked = loop.time()
                yield part or b": still here\n\n"
        except CounterfoilError:
            return
        if self._feed.finished:
            yield b"event: end\ndata:\n\n"


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
