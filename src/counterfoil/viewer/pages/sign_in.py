"""Signing in with an access key, and out."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from counterfoil.access import Permission, is_csrf
from counterfoil.errors import AuthenticationError, ForbiddenError, ThrottledError
from counterfoil.viewer.page import render
from counterfoil.viewer.route import PageRoute
from counterfoil.viewer.visitor import (
    CSRF_FIELD,
    cookie_name,
    services_of,
    session_cookie,
    visitor_of,
)

router = APIRouter(route_class=PageRoute, include_in_schema=False)

#: Where a request says that it comes from; ``none`` is the address bar.
_OWN: Final = (None, "same-origin", "none")
_MOST: Final = 4_000


@router.get("/sign-in")
async def door(request: Request) -> Response:
    """The page to sign in on."""
    visitor = await visitor_of(request)
    where = _safe_next(request.query_params.get("next", ""))
    if visitor.session is not None:
        return RedirectResponse(where, 303)
    ended = bool(session_cookie(request))
    return render("sign_in.html", visitor, wrong=None, ended=ended, next=where)


@router.post("/sign-in")
async def enter(request: Request) -> Response:
    """Begin a session with a key."""
    _demand_own_page(request)
    visitor = await visitor_of(request)
    form = await request.form()
    where = _safe_next(str(form.get("next", "")))
    sessions = services_of(request).sessions
    try:
        key = str(form.get("key", "")).strip()
        session = await sessions.begin(key, address=request.state.client_address())
        if not session.principal.may(Permission.READ):
            await sessions.end(session.cookie)
            session.principal.demand(Permission.READ)
    except (AuthenticationError, ForbiddenError, ThrottledError) as error:
        page = render("sign_in.html", visitor, 401, wrong=error, ended=False, next=where)
        if isinstance(error, ThrottledError):
            page.status_code = 429
            page.headers["retry-after"] = str(error.retry_after)
        return page
    if before := session_cookie(request):
        # Signed in as somebody else now, this browser could not end it any more.
        await sessions.end(before)
    answer = RedirectResponse(where, 303, {"cache-control": "no-store"})
    answer.set_cookie(
        cookie_name(secure=visitor.secure),
        session.cookie,
        path="/",
        secure=visitor.secure,
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/sign-out")
async def leave(request: Request) -> Response:
    """End the session."""
    visitor = await visitor_of(request)
    if visitor.session is not None:
        form = await request.form()
        if not is_csrf(visitor.session, str(form.get(CSRF_FIELD, ""))):
            raise ForbiddenError(
                "The form was not sent by a page of this session.", remedy="Load the page again."
            )
        await services_of(request).sessions.end(visitor.session.cookie)
    answer = RedirectResponse("/sign-in", 303, {"cache-control": "no-store"})
    answer.delete_cookie(
        cookie_name(secure=visitor.secure),
        path="/",
        secure=visitor.secure,
        httponly=True,
        samesite="strict",
    )
    # What this browser remembers of checkpoints stays: it is what the next visit compares with.
    answer.headers["clear-site-data"] = '"cache"'
    return answer


def _demand_own_page(request: Request) -> None:
    """Nobody is signed in by a form on another site."""
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if foreign or request.headers.get("sec-fetch-site") not in _OWN:
        raise ForbiddenError(
            "The form was sent from another site.", remedy="Open the sign-in page, and use that."
        )


def _safe_next(address: str) -> str:
    """Where to go after signing in: a path of ours, or the list."""
    ours = address.startswith("/") and not address.startswith(("//", "/\\", "/sign-"))
    plain = len(address) <= _MOST and address.isprintable() and "\\" not in address
    return address if ours and plain else "/"
