"""Visitors: who looks at a page, and how they like to see it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from starlette.requests import Request

from counterfoil.access import Permission, ScopedLog, Services, Session, is_csrf
from counterfoil.errors import AuthenticationError, ForbiddenError

#: ``__Host-`` where the connection is secure: no other host and no path can set it.
_COOKIES: Final = ("__Host-counterfoil", "counterfoil")
ZONE_COOKIE: Final = "counterfoil-zone"
THEME_COOKIE: Final = "counterfoil-theme"
THEMES: Final = ("auto", "light", "dark")
CSRF_FIELD: Final = "csrf"
_LONGEST_ZONE: Final = 64


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever sent a request.

    Attributes:
        path: the address that they asked for, with its query.
        session: their session; None where they are not signed in.
        zone: the time zone that they want to see times in.
        theme: ``auto``, ``light`` or ``dark``.
        takes_gzip: whether their browser reads compressed answers.
        secure: whether they came over TLS.
    """

    path: str
    session: Session | None
    zone: tzinfo
    zone_name: str
    theme: str
    takes_gzip: bool
    secure: bool

    def may(self, permission: str) -> bool:
        """Whether their key's role grants something; for what a page offers."""
        return self.session is not None and self.session.principal.may(Permission(permission))

    @property
    def csrf(self) -> str:
        """What their forms send along."""
        return "" if self.session is None else self.session.csrf


def services_of(request: Request) -> Services:
    """The services of the application that a request came to."""
    found: Services = request.app.state.services
    return found


async def visitor_of(request: Request, *, use: bool = True) -> Visitor:
    """Whoever sent a request; a session that has ended is none.

    Args:
        use: whether the request is somebody's doing, and not their page's own.
    """
    visitor = stranger_of(request)
    cookie = session_cookie(request)
    if not cookie:
        return visitor
    try:
        session = await services_of(request).sessions.find(cookie, use=use)
    except AuthenticationError:
        return visitor
    return replace(visitor, session=session)


def stranger_of(request: Request) -> Visitor:
    """Whoever sent a request, without asking whether they are signed in."""
    zone, zone_name = _zone(request.cookies.get(ZONE_COOKIE, ""))
    theme = request.cookies.get(THEME_COOKIE, "")
    query = request.url.query
    return Visitor(
        path=request.url.path + (f"?{query}" if query else ""),
        session=None,
        zone=zone,
        zone_name=zone_name,
        theme=theme if theme in THEMES else THEMES[0],
        takes_gzip="gzip" in request.headers.get("accept-encoding", ""),
        secure=request.url.scheme == "https",
    )


async def signed_in(request: Request, *, use: bool = True) -> tuple[Visitor, ScopedLog]:
    """Whoever sent a request, and the log as they may use it.

    Args:
        use: whether the request is somebody's doing, and not their page's own.

    Raises:
        AuthenticationError: they are not signed in. ForbiddenError: their key reads nothing, or
            a form was not sent by one of their own pages.
    """
    visitor = await visitor_of(request, use=use)
    if visitor.session is None:
        raise AuthenticationError("Nobody is signed in.", remedy="Sign in with an access key.")
    principal = visitor.session.principal
    principal.demand(Permission.READ)
    if request.method not in ("GET", "HEAD"):
        form = await request.form()
        if not is_csrf(visitor.session, str(form.get(CSRF_FIELD, ""))):
            raise ForbiddenError(
                "The form was not sent by a page of this session.",
                remedy="Go back, load the page again, and repeat what you did.",
            )
    return visitor, services_of(request).scoped(principal)


def session_cookie(request: Request) -> str:
    """The session's cookie, or an empty text."""
    return request.cookies.get(cookie_name(secure=request.url.scheme == "https"), "")


def cookie_name(*, secure: bool) -> str:
    """The name under which the session's cookie is set."""
    return _COOKIES[0] if secure else _COOKIES[1]


def _zone(name: str) -> tuple[tzinfo, str]:
    """A zone by its IANA name, or UTC where it is unknown to this machine."""
    if name and len(name) <= _LONGEST_ZONE and name != "UTC":
        try:
            return ZoneInfo(name), name
        except (ValueError, OSError, LookupError):
            return UTC, "UTC"
    return UTC, "UTC"
