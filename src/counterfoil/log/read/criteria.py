"""Criteria: what a caller may filter by, and how the values that it gives are read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final, TypeAlias, TypedDict, TypeVar

from counterfoil.base import AuditEventType, AuditLogLevel
from counterfoil.errors import QueryError
from counterfoil.policy.catalogue import is_valid_type
from counterfoil.record.entry import LEVEL_NUMBERS, LEVELS, OUTCOME_NUMBERS
from counterfoil.record.instant import to_micros

from .containment import plain, text

V = TypeVar("V")

#: The most values that all fields may be given together.
MAX_VALUES: Final = 1_000

Texts: TypeAlias = str | Collection[str] | None
Types: TypeAlias = AuditEventType | str | Collection[AuditEventType | str] | None
Levels: TypeAlias = AuditLogLevel | str | Collection[AuditLogLevel | str] | None
Members: TypeAlias = Mapping[str, Any] | None


class CountFilters(TypedDict, total=False):
    """The filters that the counts by hour and day can answer."""

    log: str | None
    since: datetime | None
    until: datetime | None
    event_type: Types
    level: Levels
    min_level: AuditLogLevel | str | None
    outcome: Texts
    company_id: Texts


class CommonFilters(CountFilters, total=False):
    """The filters beside the user and the resource."""

    occurred_since: datetime | None
    occurred_until: datetime | None
    ip_address: Texts
    user_agent: Texts
    session_id: Texts
    request_id: Texts
    actor_kind: Texts
    on_behalf_of: Texts
    impersonator: Texts
    subject: Texts
    before_state: Members
    after_state: Members
    changes: Members
    metadata: Members
    details: Members
    text: Texts
    exclude: Mapping[str, Any] | None


class UserFilters(CommonFilters, total=False):
    """The filters beside the user."""

    resource_id: Texts
    resource_type: Texts


class ResourceFilters(CommonFilters, total=False):
    """The filters beside the resource."""

    user_id: Texts


class Filters(UserFilters, ResourceFilters, total=False):
    """All filters, by name. None is as good as left out; several values mean any of them.

    - ``log``: the log's name. Without it, a company's events are looked for in its own log and
      in ``default``; and where companies have logs of their own (``log_per_company``), those
      of no company that is named in all logs, else in ``default``.
    - ``user_id``, ``ip_address``, ``user_agent``, ``session_id``, ``request_id``,
      ``company_id``, ``resource_id``, ``resource_type``, ``actor_kind``: exactly this text, as
      it is recorded.
    - ``on_behalf_of``, ``impersonator``, ``subject``: a further person of the event.
    - ``event_type``, ``level``, ``outcome``: a member of the contract's enums, or its text.
    - ``min_level``: this level or a graver one.
    - ``since``, ``until``: ``recorded_at`` from the one up to, not including, the other. A
      time without a zone is taken as UTC.
    - ``occurred_since``, ``occurred_until``: the same for ``occurred_at``, which no index
      follows: such a query reads its way through, the faster the shorter the time between.
    - ``before_state``, ``after_state``, ``changes``, ``metadata``, ``details``: the recorded
      object contains these members, at every depth; all other values must be equal.
    - ``text``: all of these occur somewhere in what reading shows: words, or phrases of words
      side by side, without regard to case and accents; ``*`` at the end is any ending.
    - ``exclude``: filters by name (those of fields with texts, and ``text``): no event that one
      of their values matches.
    """


def unknown(name: str) -> QueryError:
    """The error for a name that is none of the filters'."""
    close = get_close_matches(name, Filters.__annotations__, 1)
    known = ", ".join(sorted(Filters.__annotations__))
    return QueryError(
        "There is no filter of that name.",
        remedy=f"Did you mean {close[0]}?" if close else f"Use one of: {known}.",
    )


def read_values(name: str, given: Any, read: Callable[[Any], V]) -> tuple[V, ...]:
    """A field's values, each read by ``read`` and kept once.

    Raises:
        QueryError: there are none or too many, or one of them cannot be used.
    """
    several = given if isinstance(given, (list, tuple, set, frozenset)) else (given,)
    if not 1 <= len(several) <= MAX_VALUES:
        raise QueryError(
            f"{name} was given {len(several):,} values.",
            remedy=f"Give 1 to {MAX_VALUES:,}, or leave {name} out to match any.",
        )
    try:
        return tuple(dict.fromkeys(read(one) for one in several))
    except QueryError as error:
        raise QueryError(f"{name} cannot be used: {error.message}", remedy=error.remedy) from None


def read_event_type(given: Any) -> str:
    """One event type's name."""
    name = text(given)
    if not is_valid_type(name):
        raise QueryError(
            "It is no event type's name.",
            remedy="Use AuditEventType, or a name of your own of a-z, 0-9, dots and underscores.",
        )
    return name


def _level(given: Any) -> int:
    return _number(given, LEVEL_NUMBERS)


def read_outcome(given: Any) -> int:
    """One outcome's number."""
    return _number(given, OUTCOME_NUMBERS)


def _number(given: Any, numbers: Mapping[str, int]) -> int:
    number = numbers.get(text(given))
    if number is None:
        raise QueryError("There is no such value.", remedy=f"Use one of: {', '.join(numbers)}.")
    return number


def read_levels(given: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The numbers of the levels that ``level`` and ``min_level`` leave; empty where all do."""
    if "level" not in given and "min_level" not in given:
        return {}
    wanted = read_values("level", given.get("level", LEVELS), _level)
    least = read_values("min_level", given.get("min_level", LEVELS[0]), _level)
    if len(least) != 1:
        raise QueryError("min_level was given several values.", remedy="Give it one level.")
    wanted = tuple(level for level in wanted if level >= least[0])
    if not wanted:
        raise QueryError(
            "No level is both one of those given and at least min_level.",
            remedy="Leave one of the two out.",
        )
    return {} if len(wanted) == len(LEVELS) else {"level": wanted}


def read_members(name: str, given: Any) -> dict[str, Any]:
    """The members that an object must contain."""
    if not isinstance(given, Mapping) or not given:
        raise QueryError(
            f"{name} is filtered by members that it must contain.",
            remedy=f"Give a mapping with at least one, such as {name}={{'key': 'value'}}.",
        )
    try:
        found: dict[str, Any] = plain(given)
    except QueryError as error:
        raise QueryError(f"{name} cannot be used: {error.message}", remedy=error.remedy) from None
    return found


def read_time(name: str, given: Any) -> int:
    """A time in microseconds since the Unix epoch."""
    if not isinstance(given, datetime):
        raise QueryError(f"{name} is not a time.", remedy="Give a datetime.")
    try:
        return to_micros(given)
    except OverflowError:
        raise QueryError(f"{name} is out of range.", remedy="Give a nearer time.") from None
