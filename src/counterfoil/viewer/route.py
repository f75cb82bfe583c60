"""Routes of pages: an error becomes a page that says what to do, or the way to sign in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from counterfoil.errors import (
    AuthenticationError,
    CounterfoilError,
    ForbiddenError,
    InputError,
    NotFoundError,
    ProofError,
    StoreCorruptError,
)

from .page import render
from .texts import text
from .visitor import stranger_of, visitor_of

#: What scripts fetch is answered with JSON.
DATA: Final = ("/data/", "/live")
#: What pages fetch, and put in its place.
PARTS: Final = "/parts/"
_STATUS: Final[tuple[tuple[type[CounterfoilError], int, str], ...]] = (
    (AuthenticationError, 401, "signed_out"),
    (ForbiddenError, 403, "forbidden"),
    (NotFoundError, 404, "missing"),
    (InputError, 400, "unusable"),
    (ProofError, 409, "altered"),
    (StoreCorruptError, 500, "altered"),
    (CounterfoilError, 503, "failed"),
)

logger = logging.getLogger("counterfoil")


class PageRoute(APIRoute):
    """A route whose errors are shown to people."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """The route's handler, with its errors turned into answers."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                found: Response = await handle(request)
            except CounterfoilError as error:
                return await _answer(request, error)
            return found

        return guarded


async def _answer(request: Request, error: CounterfoilError) -> Response:
    status, name = next((code, name) for kind, code, name in _STATUS if isinstance(error, kind))
    if status >= 500:
        logger.error("A page could not be shown. %s", error)
    if request.url.path.startswith(DATA):
        body = {"code": name, "message": error.message, "remedy": error.remedy}
        return JSONResponse(body, status, {"cache-control": "no-store"})
    if name == "signed_out":
        return _sign_in(request)
    if request.url.path.startswith(PARTS):
        part = request.url.path.removeprefix(PARTS).partition("/")[0]
        said = {"part": part, "kind": name, "message": str(error)}
        return render("trouble_part.html", stranger_of(request), status, **said)
    return await _trouble(request, status, name, str(error))


async def no_such_page(request: Request) -> Response:
    """What people see where there is no page."""
    return await _trouble(request, 404, "missing", text("trouble.no_such_page"))


async def _trouble(request: Request, status: int, kind: str, message: str) -> Response:
    try:
        visitor = await visitor_of(request, use=False)
    except CounterfoilError:
        # The store that knows the sessions is what is away.
        visitor = stranger_of(request)
    return render("trouble.html", visitor, status, kind=kind, message=message)


def _sign_in(request: Request) -> Response:
    """The way to the door, and from there back to where somebody wanted to go."""
    query = request.url.query
    path = request.url.path + (f"?{query}" if query else "")
    came = request.headers.get("hx-current-url", "")
    if came or request.method != "GET":
        # A part of a page was asked for: the page itself is where to come back to.
        path = "/"
    address = "/sign-in" if path == "/" else f"/sign-in?next={quote(path, safe='')}"
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"hx-redirect": address})
    return RedirectResponse(address, 303, {"cache-control": "no-store"})
