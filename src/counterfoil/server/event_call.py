"""Calls: from a JSON object that a writer sent to the arguments of ``log_event``.

It stands on the hot path, so the fields are read by a table and not by a model; what the table
says is what the schema of the API says.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from counterfoil.access import Principal
from counterfoil.base import AuditContext, AuditLogLevel, AuditOptions
from counterfoil.errors import ForbiddenError, InputError
from counterfoil.log.company_logs import DEFAULT_LOG
from counterfoil.record.entry import OUTCOMES

LEVELS: Final = tuple(level.value for level in AuditLogLevel)
MAX_SUBJECTS: Final = 1_000
_MAX_DAYS: Final = 1 << 31


def read_call(given: Any, principal: Principal) -> dict[str, Any]:
    """The arguments of one ``log_event``.

    Raises:
        InputError: a field is unknown, missing or not of its type; the message names it.
        ForbiddenError: the event is claimed for a company or log that the key is not bound to.
    """
    if type(given) is not dict:
        raise InputError("An event is not a JSON object.", remedy="Send one object for each event.")
    if type(given.get("event_type")) is not str:
        raise InputError("An event has no event_type.", remedy="Give it one, as a text.")
    call: dict[str, Any] = {}
    for name, value in given.items():
        read = _FIELDS.get(name)
        if read is None:
            raise _unknown(name, _FIELDS)
        if value is not None:
            call[name] = read(name, value)
    context = call.get("context")
    held = {"log": call.get("log"), "company_id": None if context is None else context.company_id}
    log, company = claim(held, principal)
    if log is not None:
        call["log"] = log
    if company is not None:
        if context is None:
            context = call["context"] = AuditContext.model_construct()
        context.company_id = company
    return call


def claim(held: dict[str, str | None], principal: Principal) -> tuple[Any, str | None]:
    """The log and the company that an event is recorded under, by what it claims.

    Raises:
        ForbiddenError: they are not the key's.
    """
    log, company = held["log"], held["company_id"]
    if principal.company is not None and company != principal.company:
        if company is not None:
            raise ForbiddenError(
                "The event is claimed for another company than the key's.",
                remedy="Leave company_id out, or use a key of that company.",
            )
        company = principal.company
    if principal.logs is not None and (log or DEFAULT_LOG) not in principal.logs:
        if log is not None or len(principal.logs) > 1:
            raise ForbiddenError(
                "The event is meant for a log that the key is not bound to.",
                remedy="Name one of the key's logs.",
            )
        (log,) = principal.logs
    return log, company


def claim_report(held: dict[str, str | None], principal: Principal) -> tuple[Any, str | None, bool]:
    """The log and the company that a client's report of its losses is recorded under.

    It is refused to nobody, or the loss itself would be lost. A client does not always know
    where what it lost was meant for, and may have been given another key since: then it is
    told where the key's own events stand.

    Returns:
        The log, the company, and whether they are what it claims.
    """
    try:
        log, company = claim(held, principal)
    except ForbiddenError:
        logs = sorted(principal.logs or (), key=lambda name: (name != DEFAULT_LOG, name))
        return (logs[0] if logs else None), principal.company, False
    return log, company, True


def _text(name: str, value: Any) -> str:
    if type(value) is not str:
        raise _wrong(name, "a text")
    return value


def _object(name: str, value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise _wrong(name, "an object")
    return value


def _one_of(values: tuple[str, ...]) -> Callable[[str, Any], Any]:
    def read(name: str, value: Any) -> Any:
        if type(value) is not str or value not in values:
            raise _wrong(name, f"one of {', '.join(values)}")
        return value

    return read


def _level(name: str, value: Any) -> AuditLogLevel:
    if type(value) is not str or value not in LEVELS:
        raise _wrong(name, f"one of {', '.join(LEVELS)}")
    return AuditLogLevel(value)


def _flag(name: str, value: Any) -> bool:
    if type(value) is not bool:
        raise _wrong(name, "true or false")
    return value


def _days(name: str, value: Any) -> int:
    if type(value) is not int or not 0 <= value < _MAX_DAYS:
        raise _wrong(name, "a whole number of days")
    return value


def _texts(name: str, value: Any) -> list[str]:
    if type(value) is not list or len(value) > MAX_SUBJECTS:
        raise _wrong(name, f"a list of at most {MAX_SUBJECTS:,} texts")
    for one in value:
        if type(one) is not str:
            raise _wrong(name, "a list of texts")
    return value


def read_time(name: str, value: Any) -> datetime:
    """A time in RFC 3339, with its zone.

    Raises:
        InputError: it is none.
    """
    # Python reads more forms of ISO 8601 than RFC 3339 has: of those only these.
    if type(value) is str and 20 <= len(value) <= 40 and value[10] in "Tt ":
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise _wrong(name, _TIME) from None
        if moment.tzinfo is not None:
            try:
                return moment.astimezone(UTC)
            except OverflowError:
                raise _wrong(name, _TIME) from None
    raise _wrong(name, _TIME)


def _context(name: str, value: Any) -> AuditContext:
    members = _object(name, value)
    for field, one in members.items():
        read = _CONTEXT.get(field)
        if read is None:
            raise _unknown(f"{name}.{field}", _CONTEXT)
        if one is not None:
            read(f"{name}.{field}", one)
    return AuditContext.model_construct(**members)


def _options(name: str, value: Any) -> AuditOptions:
    members = _object(name, value)
    for field, one in members.items():
        read = _OPTIONS.get(field)
        if read is None:
            raise _unknown(f"{name}.{field}", _OPTIONS)
        read(f"{name}.{field}", one)
    return AuditOptions.model_construct(**members)


_TIME: Final = "a time in RFC 3339 with its zone, such as 2026-01-31T12:00:00Z"
_STATES: Final = ("before_state", "after_state", "changes", "metadata")
_CONTEXT: Final[dict[str, Callable[[str, Any], Any]]] = {
    field: _object if field in _STATES else _text for field in AuditContext.model_fields
}
_OPTIONS: Final[dict[str, Callable[[str, Any], Any]]] = {
    "include_request_body": _flag,
    "sensitive_fields": _texts,
    "anonymize_data": _flag,
    "capture_before_after": _flag,
    "retention_period": _days,
}
_FIELDS: Final[dict[str, Callable[[str, Any], Any]]] = {
    "event_type": _text,
    "user_id": _text,
    "ip_address": _text,
    "resource_id": _text,
    "resource_type": _text,
    "details": _object,
    "context": _context,
    "level": _level,
    "options": _options,
    "event_id": _text,
    "occurred_at": read_time,
    "outcome": _one_of(OUTCOMES),
    "subjects": _texts,
    "log": _text,
    "on_behalf_of": _text,
    "impersonator": _text,
}


def _wrong(name: str, wanted: str) -> InputError:
    return InputError(f"The event's {name} is not {wanted}.", remedy=f"Give {wanted}.")


def _unknown(name: str, known: dict[str, Any]) -> InputError:
    # The name itself is what the writer sent, and may be a value in the wrong place.
    where = name.rpartition(".")[0]
    return InputError(
        f"The event's {where} has an unknown field." if where else "An event has an unknown field.",
        remedy=f"Known fields: {', '.join(known)}.",
    )
