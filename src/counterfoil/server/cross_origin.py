"""Cross-origin reads: pages of other origins that hold viewer tokens (WHATWG Fetch, CORS).

An answer is shared with the one page that asked, and with no cookie: never with ``*``. A browser
asks beforehand without the token, so it is told of the origins that have any; the answer itself
is shared only where the token that came is for the page's origin.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from counterfoil.access import Services

#: Seconds for which a browser may remember that it may ask.
_MAX_AGE: Final = "600"


async def shared_with(services: Services, origin: str | None) -> dict[str, str]:
    """The headers that let a page of an origin see an answer, where some token is for it."""
    if origin is None:
        return {}
    headers = {"Vary": "Origin"}
    if await services.viewer_tokens.is_admitted(origin):
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = "Retry-After, X-Request-ID"
    return headers


class Preflight:
    """ASGI middleware that answers browsers who ask whether a page may read.

    Args:
        app: the application, inside.
        paths: the templates of the paths that a page may read.
    """

    def __init__(self, app: ASGIApp, paths: Iterable[str]) -> None:
        self._app = app
        self._patterns = [compile_path(path)[0] for path in paths]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            answer = await self._answer(scope)
            if answer is not None:
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response | None:
        asked = Headers(scope=scope)
        if asked.get("access-control-request-method") != "GET":
            return None
        if not any(pattern.match(scope["path"]) for pattern in self._patterns):
            return None
        shared = await shared_with(scope["app"].state.services, asked.get("origin"))
        if "Access-Control-Allow-Origin" not in shared:
            return None
        shared["Access-Control-Allow-Methods"] = "GET"
        shared["Access-Control-Allow-Headers"] = "authorization"
        shared["Access-Control-Max-Age"] = _MAX_AGE
        return Response(status_code=204, headers=shared)
