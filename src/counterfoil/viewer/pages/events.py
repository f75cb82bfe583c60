"""The list of events: searched, counted, followed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import orjson
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from counterfoil.access import ScopedLog, Services
from counterfoil.errors import (
    AuthenticationError,
    CounterfoilError,
    NotFoundError,
    QueryError,
    SearchError,
    StoreError,
)
from counterfoil.log.read.follow import Follow
from counterfoil.log.read.page import Page
from counterfoil.record import Event
from counterfoil.viewer.asking import Asked, ask, find, with_tokens
from counterfoil.viewer.overview import Overview, overview
from counterfoil.viewer.page import environment, render
from counterfoil.viewer.route import PageRoute
from counterfoil.viewer.texts import text
from counterfoil.viewer.visitor import Visitor, services_of, signed_in

router = APIRouter(route_class=PageRoute, include_in_schema=False)

#: What is searched for where nothing was said: all but that somebody looked at the log.
_FIRST: Final = "-type:audit.read"
#: Seconds after which a stream that nothing came in on says that it is alive, and after which
#: it ends and the browser comes back; and how often its session is looked at meanwhile.
_HEARTBEAT: Final = 15.0
_RECHECK: Final = 5.0
_WORTH_A_WORD: Final = 1_000
_LONGEST: Final = 15 * 60.0

logger = logging.getLogger("counterfoil")


@router.get("/")
async def events(request: Request) -> Response:
    """The list."""
    visitor, log = await signed_in(request)
    typed = request.query_params.get("q", _FIRST)
    cursor = request.query_params.get("cursor") or None
    if (found := await _by_id(log, typed)) is not None:
        return RedirectResponse(f"/events/{found}", 303)
    asked = await ask(log, typed)
    page: Page | None = None
    if asked.error is None:
        try:
            page = await find(log, asked, cursor)
        except QueryError as error:
            if cursor is not None:
                raise
            asked = Asked(typed, asked.terms, asked.filters, _everywhere(typed, error))
    status = 200 if asked.error is None else 400
    behind = await _unindexed(log) if "text" in asked.filters else 0
    words: dict[str, Any] = {"asked": asked, "page": page, "cursor": cursor, "behind": behind}
    return render("list.html", visitor, status, **words)


@router.get("/range")
async def between(request: Request) -> Response:
    """The list, with the range that was chosen on the time line."""
    _, log = await signed_in(request)
    given = request.query_params
    asked = await ask(log, given.get("q", ""))
    search = asked.between(given.get("since"), given.get("until"))
    return RedirectResponse(f"/?q={quote(search, safe=':')}", 303)


@router.get("/parts/overview")
async def beside(request: Request) -> Response:
    """The time line, the facets and the count beside a list."""
    visitor, log = await signed_in(request)
    asked = await ask(log, request.query_params.get("q", ""))
    if asked.error is not None:
        raise asked.error
    found = await overview(log, asked)
    words = (_counted(found), _said(found))
    return render("overview.html", visitor, asked=asked, found=found, words=words)


@router.get("/live")
async def live(request: Request) -> Response:
    """The events that match as they are recorded, as server-sent events."""
    # An open page is no use of the session, or it would never be idle.
    visitor, log = await signed_in(request, use=False)
    asked = await ask(log, request.query_params.get("q", ""))
    if asked.error is not None:
        raise asked.error
    after = request.headers.get("last-event-id") or request.query_params.get("after") or None
    follow = await log.follow(after=after, **with_tokens(log, asked.filters))
    await follow.start()
    return StreamingResponse(
        _stream(follow, visitor, services_of(request)),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _stream(follow: Follow, visitor: Visitor, services: Services) -> AsyncIterator[bytes]:
    cookie = "" if visitor.session is None else visitor.session.cookie
    row = environment().get_template("rows.html").make_module({"visitor": visitor}).row  # type: ignore[attr-defined]
    loop = asyncio.get_running_loop()
    began = checked = said = loop.time()
    closed: asyncio.Future[Any] = asyncio.ensure_future(services.closing.wait())
    coming: asyncio.Future[Event] | None = None
    try:
        yield b"retry: 2000\n: hello\n\n"
        while loop.time() - began < _LONGEST:
            coming = coming or asyncio.ensure_future(anext(follow))
            waiting: set[asyncio.Future[Any]] = {coming, closed}
            done, _ = await asyncio.wait(
                waiting, timeout=_RECHECK, return_when=asyncio.FIRST_COMPLETED
            )
            if closed in done:
                return
            if (now := loop.time()) - checked >= _RECHECK:
                # One that was signed out, left idle or whose key was revoked sees no more.
                await services.sessions.find(cookie, use=False)
                checked = now
            if coming not in done:
                if now - said >= _HEARTBEAT:
                    yield b": here\n\n"
                    said = now
                continue
            event, coming = coming.result(), None
            html = str(row(event, visitor.zone, True))
            data = orjson.dumps({"html": html}).decode()
            yield f"id: {follow.cursor}\nevent: row\ndata: {data}\n\n".encode()
    except (StopAsyncIteration, AuthenticationError):
        return
    except CounterfoilError as error:
        logger.error("A live view ended. %s", error)
    finally:
        closed.cancel()
        if coming is not None:
            coming.cancel()
        await follow.aclose()


async def _unindexed(log: ScopedLog) -> int:
    """How far the text index is behind, where it is worth a word."""
    try:
        behind = await log.unindexed()
    except StoreError:
        return 0
    return behind if behind >= _WORTH_A_WORD else 0


async def _by_id(log: ScopedLog, typed: str) -> str | None:
    """The id of the event that somebody pasted, where there is one."""
    try:
        return (await log.get(str(UUID(typed.strip())))).id
    except (ValueError, NotFoundError):
        return None


def _everywhere(typed: str, error: QueryError) -> SearchError:
    return SearchError(error.message, remedy=error.remedy, start=0, end=len(typed))


def _counted(found: Overview) -> str:
    if not found.complete:
        return text("list.count_newest", count=f"{found.total:,}")
    return text("list.count_one" if found.total == 1 else "list.count", count=f"{found.total:,}")


def _said(found: Overview) -> str:
    """The time line in words."""
    if not found.total:
        return text("timeline.nothing")
    sums = [sum(counts) for counts in zip(*found.levels.values(), strict=True)]
    most = max(range(len(sums)), key=sums.__getitem__)
    first, last, peak = (_utc(found.starts[at]) for at in (0, -1, most))
    return text("timeline.said", first=first, last=last, peak=peak, most=f"{sums[most]:,}")


def _utc(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
