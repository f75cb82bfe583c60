"""ASGI middleware (ASGI 3.0): context for every request, and events for some.

For every framework that speaks ASGI: FastAPI, Starlette, Litestar, Quart and others.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from counterfoil.ambient import REQUEST_BODY
from counterfoil.base import AuditContext
from counterfoil.clock import SYSTEM_CLOCK, Clock
from counterfoil.errors import ConfigurationError

from .body_collector import DEFAULT_LIMIT, BodyCollector
from .client_address import TrustedProxies
from .context import Surroundings, bind_context, entered
from .recording import LogSource, record, record_failure, resolve
from .request_id import request_id
from .request_rule import RequestRule, RuleMatch, first_match

# Each framework has types of its own for the same dicts and callables, none of which accepts
# another's; what they have in common is Any.
Scope = Any
Message = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
Identity = AuditContext | Mapping[str, Any] | None

#: Where a request's scope holds the ``LogSource`` of its middleware.
SCOPE_KEY = "counterfoil.audit"


class AuditMiddleware:
    """Gives every request its ambient context, and records those that fall under a rule.

    The event of a request is recorded when its answer begins, and the answer goes on once the
    event is recorded: nothing leaves the application that the log does not know of. Where the
    event cannot be recorded, the error is raised in the application instead of the answer.
    An application that raises before it has answered is recorded as a failure, and its
    exception goes on unchanged.

    Args:
        app: the application.
        audit: the log, or a function that gives it when a request comes. Needed for rules.
        rules: the requests that are recorded; the first that fits decides.
        trusted_proxies: addresses and networks; see :class:`TrustedProxies`.
        forwarded_header: the header that those proxies write.
        request_id_header: where a request's id is read from and returned in.
        session_cookie: the name of the cookie that holds the session's id.
        identify: tells from the scope who is asking: an ``AuditContext`` or the fields of
            ``audit_context`` (``user_id``, ``company_id``, ``impersonator`` and others).
            Called before the application, may be async; what it raises goes on. An
            application that knows later calls ``bind_context``.
        body_limit: bytes of each request's body that are kept while it is handled, for events
            that ask for it; 0 keeps none. Nothing is read that the application does not read.
        clock: makes request ids.

    Raises:
        ConfigurationError: rules without a log, a negative limit, or a proxy that is neither
            an address nor a network.
    """

    def __init__(
        self,
        app: App,
        audit: LogSource | None = None,
        *,
        rules: Iterable[RequestRule] = (),
        trusted_proxies: Iterable[str] = (),
        forwarded_header: str = "x-forwarded-for",
        request_id_header: str = "x-request-id",
        session_cookie: str | None = None,
        identify: Callable[[Scope], Identity | Awaitable[Identity]] | None = None,
        body_limit: int = DEFAULT_LIMIT,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.app = app
        self._audit = audit
        self._rules = tuple(rules)
        self._proxies = TrustedProxies(trusted_proxies, header=forwarded_header)
        self._id_header = request_id_header.lower().encode("ascii")
        self._session_cookie = session_cookie
        self._identify = identify
        self._body_limit = body_limit
        self._clock = clock
        if self._rules and audit is None:
            raise ConfigurationError(
                "There are rules for requests, and no log to record them in.",
                remedy="Give AuditMiddleware the log, or a function that returns it.",
            )
        if body_limit < 0:
            raise ConfigurationError(
                "The limit for bodies is negative.", remedy="Choose bytes, or 0 to keep none."
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        fields = self._client(scope)
        scope[SCOPE_KEY] = self._audit
        exchange = _Exchange(
            self._audit,
            first_match(self._rules, scope["method"], _path(scope)) if kind == "http" else None,
            scope.get("method", ""),
            (self._id_header, fields["request_id"].encode("ascii")),
            Surroundings(fields),
            send,
        )
        if kind == "http" and self._body_limit:
            receive = self._tee(scope, receive, exchange.surroundings)
        with entered(exchange.surroundings):
            try:
                await self._identity(scope)
                await self.app(scope, receive, exchange.send if kind == "http" else send)
            except BaseException as error:
                await exchange.raised(error)
                raise
            await exchange.ended()

    def _client(self, scope: Scope) -> dict[str, Any]:
        headers = scope["headers"]
        peer = scope.get("client")
        found = self._proxies.resolve(
            peer[0] if peer and peer[0] else None, _values(headers, self._proxies.header.encode())
        )
        claims: dict[str, Any] = {}
        if found.claimed:
            claims["forwarded_for"] = list(found.claimed)
        if found.omitted:
            claims["forwarded_for_omitted"] = found.omitted
        return {
            "request_id": request_id(_values(headers, self._id_header), self._clock),
            "ip_address": found.address,
            "user_agent": _first(headers, b"user-agent"),
            "session_id": self._session_id(headers),
            "claims": claims or None,
        }

    def _session_id(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        if self._session_cookie is None:
            return None
        for line in _values(headers, b"cookie"):
            for pair in line.split(";"):
                name, _, value = pair.partition("=")
                if name.strip() == self._session_cookie:
                    return value.strip().strip('"') or None
        return None

    async def _identity(self, scope: Scope) -> None:
        if self._identify is None:
            return
        told = self._identify(scope)
        who = await told if inspect.isawaitable(told) else told
        if isinstance(who, AuditContext):
            bind_context(who)
        elif who is not None:
            bind_context(**who)

    def _tee(self, scope: Scope, receive: Receive, surroundings: Surroundings) -> Receive:
        headers = scope["headers"]
        body = BodyCollector(
            _first(headers, b"content-type") or "",
            _first(headers, b"content-length") or "",
            self._body_limit,
            # Encodings may be given in lines of their own.
            content_encoding=", ".join(_values(headers, b"content-encoding")),
        )
        surroundings.add({REQUEST_BODY: body})

        async def receive_and_keep() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                body.feed(message.get("body", b""), more=message.get("more_body", False))
            return message

        return receive_and_keep


class _Exchange:
    """One request and its answer; records its event once, where it falls under a rule."""

    __slots__ = ("_audit", "_id", "_match", "_method", "_send", "surroundings")

    def __init__(
        self,
        audit: LogSource | None,
        match: RuleMatch | None,
        method: str,
        id_header: tuple[bytes, bytes],
        surroundings: Surroundings,
        send: Send,
    ) -> None:
        self._audit = audit
        #: None where there is nothing to record, or no longer.
        self._match = match
        self._method = method
        self._id = id_header
        self._send = send
        self.surroundings = surroundings

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            status = message["status"]
            outcome = "success" if status < 400 else "failure"
            event = self._event(outcome, {"status": status})
            if event is not None:
                # The application may send from a block of its own; the event is the request's.
                with entered(self.surroundings):
                    await record(*event)
            name = self._id[0]
            kept = [pair for pair in message.get("headers", ()) if pair[0].lower() != name]
            message = {**message, "headers": [*kept, self._id]}
        await self._send(message)

    async def raised(self, error: BaseException) -> None:
        event = self._event("failure", {"error": type(error).__name__})
        if event is not None:
            await record_failure(*event, error)

    async def ended(self) -> None:
        """Record a request that was never answered, as when its client went away."""
        event = self._event("unknown", {"status": None})
        if event is not None:
            await record(*event)

    def _event(self, outcome: str, result: dict[str, Any]) -> tuple[Any, dict[str, Any]] | None:
        match, self._match = self._match, None
        if match is None or self._audit is None:
            return None
        rule = match.rule
        failed = outcome == "failure" and rule.failure_type is not None
        return resolve(self._audit), {
            "event_type": rule.failure_type if failed else rule.event_type,
            "resource_id": match.resource_id,
            "resource_type": rule.resource_type,
            # The template and not the path, which may hold what no rule has looked at.
            "details": {"method": self._method, "path": rule.path, **result},
            "level": rule.level,
            "options": rule.options,
            "outcome": outcome,
        }


def _path(scope: Scope) -> str:
    """The path below the application's own root (ASGI: ``path`` holds ``root_path``)."""
    path: str = scope["path"]
    root = scope.get("root_path", "").rstrip("/")
    below = path.removeprefix(root)
    return below if root and below.startswith("/") else path


def _values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def _first(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    values = _values(headers, name)
    return values[0] if values else None
