"""Problems: what a server says went wrong (RFC 9457), as the library's own errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from counterfoil import errors
from counterfoil.errors import CounterfoilError, StoreError, StoreUnavailableError, WriteError

#: Characters of a message that are passed on.
MAX_CHARS: Final = 500
#: The longest time that a server may ask to wait, in seconds.
MAX_RETRY_AFTER: Final = 3600.0


class TooLargeError(errors.InputError):
    """The server takes no request of this size."""

    remedy = "Send less at once: raise the server's limits, or lower this client's."


_CLASSES: Final[Mapping[str, type[CounterfoilError]]] = {
    "unauthenticated": errors.AuthenticationError,
    "forbidden": errors.ForbiddenError,
    "not_found": errors.NotFoundError,
    "bad_event_id": errors.EventIdError,
    "bad_cursor": errors.CursorError,
    "bad_query": errors.QueryError,
    "bad_input": errors.InputError,
    "bad_json": errors.InputError,
    "bad_request": errors.InputError,
    "conflict": errors.ConflictError,
    "queue_full": errors.StoreUnavailableError,
    "timed_out": errors.StoreUnavailableError,
    "rolled_back": errors.RollbackError,
    "refused": errors.RefusedError,
    "store_full": errors.StoreFullError,
    "store_failed": errors.StoreError,
    "no_signing_key": errors.KeyFileError,
    "not_provable": errors.ProofError,
    "too_large": TooLargeError,
    "too_many_events": TooLargeError,
    "rate_limited": errors.StoreUnavailableError,
    "throttled": errors.ThrottledError,
}
#: Where the code says nothing.
_STATUSES: Final[Mapping[int, type[CounterfoilError]]] = {
    401: errors.AuthenticationError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    413: TooLargeError,
    429: errors.StoreUnavailableError,
    507: errors.StoreFullError,
}
#: Statuses with which nothing was done, whatever was asked.
_UNTRIED: Final = frozenset({429, 503, 507})


def error_of(
    status: int, problem: Mapping[str, Any], retry_after: float | None = None
) -> CounterfoilError:
    """The error that a problem tells of.

    Args:
        status: the HTTP status.
        problem: the members of the problem, as far as there are any.
        retry_after: seconds after which the server wants to be asked again.
    """
    kind = _class(status, problem.get("code"))
    if kind is errors.NotFoundError and problem.get("code") != "not_found":
        return StoreUnavailableError(
            "The server does not know what it was asked for.",
            remedy="Look at the address: a Counterfoil server of this version answers under /v1.",
        )
    message = _text(problem.get("title"))
    error = kind(message or f"The server answered with status {status}.")
    if not message and kind not in (StoreError, StoreUnavailableError):
        error = kind()
    if remedy := _text(problem.get("detail")):
        error.remedy = remedy
    known = problem.get("outcome_known", status in _UNTRIED or status < 500)
    if isinstance(error, (StoreError, WriteError)):
        error.outcome_known = known is True
    if isinstance(error, StoreUnavailableError):
        error.retry_after = retry_after
    elif isinstance(error, errors.ThrottledError) and retry_after is not None:
        error.retry_after = int(retry_after)
    return error


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of the header ``Retry-After`` (RFC 9110 10.2.3); a date counts as none."""
    text = headers.get("retry-after", "")
    if not text.isascii() or not text.isdigit():
        return None
    return min(float(text), MAX_RETRY_AFTER)


def _class(status: int, code: object) -> type[CounterfoilError]:
    known = _CLASSES.get(code) if isinstance(code, str) else None
    if known is not None:
        return known
    if status in _STATUSES:
        return _STATUSES[status]
    if 400 <= status < 500:
        return errors.InputError
    return StoreUnavailableError


def _text(value: object) -> str:
    """A server's words: printable, and not too many."""
    if not isinstance(value, str):
        return ""
    return "".join(one if one.isprintable() else " " for one in value[:MAX_CHARS]).strip()
