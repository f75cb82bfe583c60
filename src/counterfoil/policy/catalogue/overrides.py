"""Overrides: the table of an application's settings that adds types and changes rules.

    [types.price_changed]
    level = "critical"
    days = [400, 2192]          # disclosures, event; one number for both; "never"
    on_failure = "block"

Of a type that the catalogue has, only what is named changes. Any other name is a new type,
which starts from the default rule. `drop` and `tokenise` add to the rule's names and never
take any away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, get_args

from counterfoil.base import AuditLogLevel
from counterfoil.errors import ConfigurationError

from .names import is_own_type, is_valid_type
from .rule import FailureMode, Outcome, PersonalData, Rule

NEVER = "never"


def overridden(rule: Rule, settings: object) -> Rule:
    """The rule with one type's settings laid over it.

    Args:
        rule: the type's present rule, or the default rule under a new type's name.
        settings: a mapping with any of the keys of this module's table.

    Raises:
        ConfigurationError: a key is unknown, or a value is none that the key takes.
    """
    check_name(rule.event_type)
    if not isinstance(settings, Mapping):
        raise ConfigurationError(
            f"The settings of the event type {rule.event_type} are not a table.",
            remedy=f'Write for example: {rule.event_type} = {{ level = "warning" }}.',
        )
    changes: dict[str, Any] = {}
    for key, value in settings.items():
        read = _READERS.get(key)
        if read is None:
            raise ConfigurationError(
                f"The settings of the event type {rule.event_type} have an unknown key.",
                remedy=f"Known keys: {', '.join(_READERS)}.",
            )
        try:
            changes |= read(rule, key, value)
        except _RefusedError as refused:
            raise ConfigurationError(
                f"The setting {key!r} of the event type {rule.event_type} cannot be used.",
                remedy=f"Give {refused}.",
            ) from None
    return replace(rule, **changes)


def check_name(event_type: object) -> None:
    """Refuse a name that an application may not give to a type of its own.

    Raises:
        ConfigurationError: the name is malformed, or reserved for the log's own events.
    """
    if not isinstance(event_type, str) or not is_valid_type(event_type):
        raise ConfigurationError(
            "An event type's name is malformed.",
            remedy="Begin with a-z, go on with a-z, 0-9, _ and dots; at most 64 characters.",
        )
    if is_own_type(event_type):
        raise ConfigurationError(
            f"The event type {event_type} belongs to the log itself.",
            remedy="Choose a name that does not begin with 'audit.'.",
        )


class _RefusedError(Exception):
    """Says what the value may be."""


def _choice(
    choices: type[AuditLogLevel | FailureMode | PersonalData],
) -> Callable[[Rule, str, object], dict[str, Any]]:
    def read(_: Rule, key: str, value: Any) -> dict[str, Any]:
        try:
            return {key: choices(value)}
        except ValueError:
            raise _RefusedError(f"one of {', '.join(c.value for c in choices)}") from None

    return read


def _outcome(_: Rule, key: str, value: object) -> dict[str, Any]:
    if value not in get_args(Outcome):
        raise _RefusedError(f"one of {', '.join(get_args(Outcome))}")
    return {key: value}


def _days(_: Rule, __: str, value: object) -> dict[str, Any]:
    pair = value if isinstance(value, (list, tuple)) else (value, value)
    if len(pair) != 2 or not all(days == NEVER or type(days) is int for days in pair):
        raise _RefusedError("whole days or 'never', once or as [disclosures, event]")
    disclosures, event = (None if days == NEVER else days for days in pair)
    return {"disclosure_days": disclosures, "event_days": event}


def _switch(_: Rule, key: str, value: object) -> dict[str, Any]:
    if not isinstance(value, bool):
        raise _RefusedError("true or false")
    return {key: value}


def _more_names(rule: Rule, key: str, value: object) -> dict[str, Any]:
    if not isinstance(value, (list, tuple, set, frozenset)) or not all(
        isinstance(name, str) for name in value
    ):
        raise _RefusedError("a list of names")
    return {key: getattr(rule, key) | frozenset(value)}


_READERS: Mapping[str, Callable[[Rule, str, object], dict[str, Any]]] = {
    "level": _choice(AuditLogLevel),
    "days": _days,
    "personal_data": _choice(PersonalData),
    "on_failure": _choice(FailureMode),
    "outcome": _outcome,
    "drop": _more_names,
    "tokenise": _more_names,
    "anonymize": _switch,
    "actor_details": _switch,
}
