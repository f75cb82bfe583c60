"""The gate: what every request and every answer goes through, inside the web server.

It gives the request its id, bounds what it may bring, puts the security headers on the answer,
turns an error that nobody expected into a problem, and counts and notes what was done.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from counterfoil.capture.client_address import TrustedProxies
from counterfoil.capture.request_id import request_id

from .metrics import Metrics
from .options import ServerOptions
from .problem import ProblemError, own, respond

_ID: Final = b"x-request-id"
_SECURITY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
)
_HTTPS: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
#: Paths whose body is read within bounds by their own route.
_OWN_BODY: Final = ("/v1/events",)
#: Bytes of any other body, which are a few fields.
_SMALL: Final = 65_536
#: Paths that are asked for all the time and tell nothing.
_QUIET: Final = ("/healthz", "/readyz", "/metrics")

logger = logging.getLogger("counterfoil.server")


class Gate:
    """ASGI middleware around the whole application.

    Args:
        app: the application.
        options: its options.
        metrics: where requests are counted.
    """

    def __init__(self, app: ASGIApp, options: ServerOptions, metrics: Metrics) -> None:
        self._app = app
        self._options = options
        self._metrics = metrics
        self._proxies = TrustedProxies(options.trusted_proxies, header=options.forwarded_header)
        self._headers = (*_SECURITY, _HTTPS) if options.https else _SECURITY
        self._active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._options.https:
            # A proxy ended TLS: cookies and links are those of the connection that clients have.
            scope = {**scope, "scheme": "https"}
        sent = [value.decode("latin-1") for name, value in scope["headers"] if name == _ID]
        method = scope["method"]
        exchange = _Exchange(request_id(sent), send, self._headers, bodiless=method == "HEAD")
        if exchange.bodiless:
            # As GET, without the body (RFC 9110 section 9.3.2).
            scope = {**scope, "method": "GET"}
            receive = _Left()
        state = scope.setdefault("state", {})
        state["request_id"] = exchange.request_id
        state["client_address"] = partial(self._address, scope)
        exchange.state = state
        self._active += 1
        self._metrics.active.set(self._active)
        try:
            await self._answer(scope, receive, exchange)
            await exchange.finish()
        finally:
            self._active -= 1
            self._metrics.active.set(self._active)
            self._note(scope, method, exchange)

    async def _answer(self, scope: Scope, receive: Receive, exchange: _Exchange) -> None:
        try:
            if self._active > self._options.max_requests + self._options.max_streams:
                raise ProblemError("overloaded", "Try again in a moment.")
            if scope["method"] != "GET" and scope["path"] not in _OWN_BODY:
                receive = _Bounded(receive, self._options.body_timeout)
            await self._app(scope, receive, exchange.send)
        except ProblemError as error:
            await respond(error.problem, exchange.request_id, error.headers)(
                scope, receive, exchange.send
            )
        except Exception as error:
            # The type alone: a message may hold what the request brought.
            logger.error(
                "A request failed unexpectedly with %s. Please report this.",
                type(error).__name__,
                extra={"request_id": exchange.request_id},
            )
            if exchange.status:
                raise
            await respond(own("internal"), exchange.request_id)(scope, receive, exchange.send)

    def _note(self, scope: Scope, method: str, exchange: _Exchange) -> None:
        # The route's template and not the path, which may name persons; and no query.
        route = "none"
        if "route" in scope:
            route = scope["app"].state.templates.get(id(scope["route"]), "other")
        method = method if route != "none" else "none"
        status = exchange.status or 499
        self._metrics.requests.labels(method, route, status).inc()
        self._metrics.seconds.labels(route).observe(exchange.seconds)
        if route in _QUIET or not logger.isEnabledFor(logging.INFO):
            return
        principal = exchange.state.get("principal")
        logger.info(
            "request",
            extra={
                "method": method,
                "route": route,
                "status": status,
                "seconds": round(exchange.seconds, 4),
                "request_id": exchange.request_id,
                "key": None if principal is None else principal.key_id,
            },
        )

    def _address(self, scope: Scope) -> str | None:
        name = self._proxies.header.encode("ascii")
        sent = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
        peer = scope.get("client")
        return self._proxies.resolve(peer[0] if peer and peer[0] else None, sent).address


class _Exchange:
    """One request and its answer."""

    __slots__ = (
        "_began",
        "_headers",
        "_send",
        "bodiless",
        "request_id",
        "seconds",
        "state",
        "status",
    )

    def __init__(
        self, this: str, send: Send, headers: tuple[tuple[bytes, bytes], ...], *, bodiless: bool
    ) -> None:
        self.request_id = this
        self.bodiless = bodiless
        self.state: dict[str, Any] = {}
        self.status = 0
        self.seconds = 0.0
        self._send = send
        self._headers = headers
        self._began = time.perf_counter()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.seconds = time.perf_counter() - self._began
            message = {**message, "headers": self._complete(message.get("headers", ()))}
        elif self.bodiless:
            return
        await self._send(message)

    async def finish(self) -> None:
        """End an answer that has no body, also where what it would be goes on for ever."""
        if self.bodiless and self.status:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _complete(self, given: Any) -> list[tuple[bytes, bytes]]:
        headers = list(given)
        names = {name.lower() for name, _ in headers}
        headers += [pair for pair in self._headers if pair[0] not in names]
        for name, value in self.state.get("headers", {}).items():
            if name == "Vary" or name.lower().encode() not in names:
                headers.append((name.lower().encode(), value.encode()))
        headers.append((_ID, self.request_id.encode("ascii")))
        return headers


class _Left:
    """Receives of a client who waits for no body: streams end as if it had left."""

    __slots__ = ("_asked",)

    def __init__(self) -> None:
        self._asked = False

    async def __call__(self) -> Message:
        if self._asked:
            return {"type": "http.disconnect"}
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}


class _Bounded:
    """Receives a small body, within its bounds."""

    __slots__ = ("_deadline", "_done", "_receive", "_size")

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._size = 0
        self._done = False

    async def __call__(self) -> Message:
        if self._done:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise ProblemError(
                "body_timeout", "Send the whole body at once.", headers={"Connection": "close"}
            ) from None
        self._size += len(message.get("body", b""))
        if self._size > _SMALL:
            raise ProblemError("too_large", f"Send at most {_SMALL:,} bytes.", limit=_SMALL)
        self._done = not message.get("more_body", False)
        return message
