"""Query parameters: the filters of a question, as the library has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from inspect import signature
from typing import Annotated, Any, Literal

import orjson
from fastapi import Depends, Query, Request

from counterfoil.errors import QueryError
from counterfoil.log.read.criteria import Filters as LibraryFilters

from .event_call import read_time
from .problem import ProblemError

Level = Literal["info", "warning", "error", "critical"]
Outcome = Literal["success", "failure", "unknown"]
_MAX_TEXT = 1_024
#: Values of one parameter; the request line has room for 64 KiB.
_MAX_VALUES = 50
_MAX_JSON = 4_096

Text = Annotated[str, Query(max_length=_MAX_TEXT)]
Texts = Annotated[list[Text] | None, Query(max_length=_MAX_VALUES)]


def _texts(description: str, example: str | None = None) -> Any:
    examples = None if example is None else [[example]]
    return Query(description=description, max_length=_MAX_VALUES, examples=examples)


def _time(description: str) -> Any:
    return Query(
        description=f"{description} RFC 3339, with its zone.",
        json_schema_extra={"format": "date-time"},
        max_length=40,
        examples=["2026-01-31T12:00:00Z"],
    )


def _members(name: str) -> Any:
    return Query(
        description=f"A JSON object whose members the event's {name} must contain, at every depth.",
        max_length=_MAX_JSON,
        examples=['{"reason":"supplier"}'],
    )


Log = Annotated[
    str | None,
    Query(description="The log's name.", pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$"),
]
ListOf = list[Annotated[str, Query(max_length=_MAX_TEXT)]] | None


def count_filters(
    log: Log = None,
    since: Annotated[str | None, _time("Recorded at this time or later.")] = None,
    until: Annotated[str | None, _time("Recorded before this time.")] = None,
    event_type: Annotated[ListOf, _texts("Of one of these types.", "price_changed")] = None,
    level: Annotated[list[Level] | None, Query(description="Of exactly one of these.")] = None,
    min_level: Annotated[Level | None, Query(description="Of this level or a graver one.")] = None,
    outcome: Annotated[list[Outcome] | None, Query(description="With one of these.")] = None,
    company_id: Annotated[ListOf, _texts("Of one of these companies.", "c-1")] = None,
) -> dict[str, Any]:
    """The filters that the counts by hour and day can answer."""
    found = dict(locals())
    for name in ("since", "until"):
        found[name] = _moment(name, found[name])
    return found


def filters(
    counted: Annotated[dict[str, Any], Depends(count_filters)],
    user_id: Annotated[ListOf, _texts("Done by one of these.", "u-42")] = None,
    resource_type: Annotated[ListOf, _texts("To one of these kinds.", "product")] = None,
    resource_id: Annotated[ListOf, _texts("To one of these.", "p-9")] = None,
    ip_address: Annotated[ListOf, _texts("From one of these addresses.", "192.0.2.7")] = None,
    user_agent: Annotated[ListOf, _texts("With one of these programs.")] = None,
    session_id: Annotated[ListOf, _texts("In one of these sessions, as recorded: tokens.")] = None,
    request_id: Annotated[ListOf, _texts("In one of these requests.")] = None,
    actor_kind: Annotated[
        ListOf, _texts("By a user, service, system, agent or anonymous.", "service")
    ] = None,
    on_behalf_of: Annotated[ListOf, _texts("For one of these people.")] = None,
    impersonator: Annotated[ListOf, _texts("Where one of these was really there.")] = None,
    subject: Annotated[ListOf, _texts("About one of these further people.")] = None,
    occurred_since: Annotated[str | None, _time("Happened at this time or later.")] = None,
    occurred_until: Annotated[str | None, _time("Happened before this time.")] = None,
    text: Annotated[ListOf, _texts("Words or phrases that all occur in it.", "supplier")] = None,
    exclude: Annotated[
        ListOf,
        _texts("A field and a value that it must not have.", "user_id=u-7"),
    ] = None,
    before_state: Annotated[str | None, _members("before_state")] = None,
    after_state: Annotated[str | None, _members("after_state")] = None,
    changes: Annotated[str | None, _members("changes")] = None,
    details: Annotated[str | None, _members("details")] = None,
    metadata: Annotated[str | None, _members("metadata")] = None,
) -> dict[str, Any]:
    """All filters, by their names in the library; those that were not given are None."""
    found = dict(locals())
    found |= found.pop("counted")
    for name in ("occurred_since", "occurred_until"):
        found[name] = _moment(name, found[name])
    for name in ("before_state", "after_state", "changes", "details", "metadata"):
        if found[name] is not None:
            found[name] = _object(name, found[name])
    if exclude is not None:
        found["exclude"] = _excluded(exclude)
    return found


class OnlyKnown:
    """Refuses a parameter that a question does not have: a misspelt filter would widen the answer.

    Args:
        having: the functions above whose parameters it has.
        more: the names of its further ones.
    """

    def __init__(self, *having: Callable[..., Any], more: Iterable[str]) -> None:
        names = {name for function in having for name in signature(function).parameters}
        self._names = sorted((names - {"counted"}) | set(more))

    def __call__(self, request: Request) -> None:
        if not request.query_params.keys() <= set(self._names):
            raise ProblemError(
                "bad_request",
                f"A parameter is none of this question's: {', '.join(self._names)}.",
            )


CountFilters = Annotated[dict[str, Any], Depends(count_filters)]
Filters = Annotated[dict[str, Any], Depends(filters)]


def _moment(name: str, given: str | None) -> datetime | None:
    return None if given is None else read_time(name, given)


def _object(name: str, given: str) -> dict[str, Any]:
    try:
        found = orjson.loads(given)
    except orjson.JSONDecodeError:
        found = None
    if type(found) is not dict:
        raise QueryError(f"{name} is not a JSON object.", remedy='Write {"member":"value"}.')
    return found


def _excluded(given: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or name not in LibraryFilters.__annotations__:
            raise QueryError("exclude names no field.", remedy="Write field=value.")
        found.setdefault(name, []).append(value)
    return found
