"""Problems: what went wrong, for programs and for people (RFC 9457)."""

from __future__ import annotations

from typing import Any, Final

import orjson
from starlette.responses import Response

from counterfoil.errors import (
    AuthenticationError,
    ClosedError,
    ConfigurationError,
    ConflictError,
    CounterfoilError,
    CursorError,
    EventIdError,
    ForbiddenError,
    InputError,
    KeyFileError,
    NotFoundError,
    ProofError,
    QueryError,
    QueueFullError,
    RefusedError,
    RollbackError,
    SpoolError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
    ThrottledError,
    WriteError,
    WriteTimeoutError,
)

MEDIA_TYPE: Final = "application/problem+json"
#: Seconds after which a client may try again what the store could not do.
RETRY_AFTER: Final = 1

#: Error -> status and code; the first class of an error's ancestry that stands here decides.
CODES: Final[dict[type[CounterfoilError], tuple[int, str]]] = {
    AuthenticationError: (401, "unauthenticated"),
    ThrottledError: (429, "throttled"),
    ForbiddenError: (403, "forbidden"),
    NotFoundError: (404, "not_found"),
    EventIdError: (400, "bad_event_id"),
    CursorError: (400, "bad_cursor"),
    QueryError: (400, "bad_query"),
    InputError: (400, "bad_input"),
    ConflictError: (409, "conflict"),
    QueueFullError: (503, "queue_full"),
    WriteTimeoutError: (503, "timed_out"),
    RollbackError: (503, "rolled_back"),
    RefusedError: (503, "refused"),
    WriteError: (503, "not_recorded"),
    StoreUnavailableError: (503, "store_unavailable"),
    StoreFullError: (503, "store_full"),
    StoreError: (503, "store_failed"),
    SpoolError: (503, "spool_failed"),
    ClosedError: (503, "closing"),
    KeyFileError: (503, "no_signing_key"),
    ConfigurationError: (500, "misconfigured"),
    ProofError: (409, "not_provable"),
    CounterfoilError: (500, "failed"),
}
#: Codes that are no error of the library's: status and title.
OWN_CODES: Final[dict[str, tuple[int, str]]] = {
    "bad_json": (400, "The body is not JSON."),
    "bad_request": (400, "The request cannot be used."),
    "no_such_path": (404, "There is no such path."),
    "method_not_allowed": (405, "The path does not take this method."),
    "not_acceptable": (406, "The answer cannot be given in an accepted form."),
    "body_timeout": (408, "The body came too slowly."),
    "headers_timeout": (408, "The request's headers came too slowly."),
    "too_large": (413, "The body is too large."),
    "too_many_events": (413, "The request brings too many events."),
    "unsupported_media_type": (415, "The body is of a type that is not taken here."),
    "unsupported_encoding": (415, "The body is packed in a way that is not taken here."),
    "idempotency_mismatch": (422, "The idempotency key was used for another request."),
    "rate_limited": (429, "Too many requests."),
    "headers_too_large": (431, "The request's headers are too large."),
    "internal": (500, "The server failed."),
    "not_ready": (503, "The server cannot work now."),
    "overloaded": (503, "The server has too much to do."),
}
_TYPE = "urn:counterfoil:problem:"


def describe(error: CounterfoilError) -> dict[str, Any]:
    """An error as the members of a problem."""
    status, code = next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)
    problem: dict[str, Any] = {
        "type": f"{_TYPE}{code}",
        "title": error.message,
        "status": status,
        "code": code,
    }
    if error.remedy:
        problem["detail"] = error.remedy
    if isinstance(error, WriteError):
        problem["event_id"] = error.event_id
        problem["outcome_known"] = error.outcome_known
        if not error.outcome_known:
            problem["code"], problem["type"] = "outcome_unknown", f"{_TYPE}outcome_unknown"
    return problem


def own(code: str, detail: str = "", **members: Any) -> dict[str, Any]:
    """A problem of the server's own, by its code."""
    status, title = OWN_CODES[code]
    problem = {"type": f"{_TYPE}{code}", "title": title, "status": status, "code": code}
    return problem | ({"detail": detail} if detail else {}) | members


class ProblemError(Exception):
    """A request that is answered with a problem of the server's own.

    Args:
        code: one of :data:`OWN_CODES`.
        detail: what to do about it.
        headers: headers of the answer.
    """

    def __init__(
        self, code: str, detail: str = "", *, headers: dict[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(code)
        self.problem = own(code, detail, **members)
        self.headers = headers or {}


def respond(
    problem: dict[str, Any], request_id: str, headers: dict[str, str] | None = None
) -> Response:
    """The answer that shows a problem."""
    found = dict(headers or {})
    if problem["status"] == 401:
        found["WWW-Authenticate"] = 'Bearer realm="counterfoil"'
    if problem["status"] == 503:
        found.setdefault("Retry-After", str(RETRY_AFTER))
    body = orjson.dumps({**problem, "request_id": request_id})
    return Response(body, problem["status"], found, MEDIA_TYPE)


def titled(status: int) -> str:
    """The code of an HTTP status that a framework raised by itself."""
    return {404: "no_such_path", 405: "method_not_allowed", 406: "not_acceptable"}.get(
        status, "bad_request" if 400 <= status < 500 else "internal"
    )
