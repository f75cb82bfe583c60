"""The gate: what every request and every answer goes through, inside the web server.

It gives the request its id, puts the security headers on the answer, and turns an error that
nobody expected into a problem.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from counterfoil.capture.request_id import request_id

from .problem import own, respond

_ID: Final = b"x-request-id"
#: On every answer that does not say otherwise by itself.
SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
)

logger = logging.getLogger("counterfoil")


class Gate:
    """ASGI middleware around the whole application.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = [value.decode("latin-1") for name, value in scope["headers"] if name == _ID]
        this = request_id(sent)
        scope.setdefault("state", {})["request_id"] = this
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": _with_headers(message.get("headers", ()), this)}
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            # The type alone: a message may hold what the request brought.
            logger.error(
                "A request failed unexpectedly with %s. Please report this. request_id=%s",
                type(error).__name__,
                this,
            )
            if started:
                raise
            await respond(own("internal"), this)(scope, receive, send_with_headers)


def _with_headers(given: Any, this: str) -> list[tuple[bytes, bytes]]:
    headers = [(name.lower(), value) for name, value in given]
    names = {name for name, _ in headers}
    headers += [pair for pair in SECURITY_HEADERS if pair[0] not in names]
    headers.append((_ID, this.encode("ascii")))
    return headers
