"""Fields: the names that a search knows, and the library's filters behind them."""

from __future__ import annotations

from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

#: Field of a search -> filter of a query (``counterfoil.log.read.criteria.Filters``). These take
#: several values, and a ``-`` before them.
FILTERS: Final = MappingProxyType(
    {
        "type": "event_type",
        "level": "level",
        "outcome": "outcome",
        "user": "user_id",
        "actor-kind": "actor_kind",
        "on-behalf-of": "on_behalf_of",
        "impersonator": "impersonator",
        "subject": "subject",
        "company": "company_id",
        "ip": "ip_address",
        "agent": "user_agent",
        "session": "session_id",
        "request": "request_id",
    }
)
#: Fields that take one value, and no ``-``.
SINGLE: Final = ("since", "until", "min-level")
RESOURCE: Final = "resource"
#: Objects whose members are named after a dot: ``details.reason``.
OBJECTS: Final = ("details", "metadata", "changes", "before_state", "after_state")

FIELDS: Final = (*FILTERS, RESOURCE, *SINGLE)

_ALIASES: Final = MappingProxyType(
    {
        "actor": "user",
        "user_id": "user",
        "event_type": "type",
        "event": "type",
        "severity": "level",
        "min_level": "min-level",
        "company_id": "company",
        "tenant": "company",
        "ip_address": "ip",
        "user_agent": "agent",
        "session_id": "session",
        "request_id": "request",
        "resource_id": "resource",
        "actor_kind": "actor-kind",
        "on_behalf_of": "on-behalf-of",
        "from": "since",
        "after": "since",
        "to": "until",
        "before": "until",
    }
)


def canonical(name: str) -> str | None:
    """A field's own name, from it or another name for it; None where there is no such field."""
    folded = name.lower()
    if folded in FIELDS:
        return folded
    if folded in _ALIASES:
        return _ALIASES[folded]
    head, dot, member = name.partition(".")
    return name if dot and member and head in OBJECTS else None


def nearest(name: str) -> str | None:
    """The field that was probably meant."""
    known = {alias: field for field in FIELDS for alias in (field,)} | dict(_ALIASES)
    close = get_close_matches(name.lower(), known, 1, 0.6)
    return known[close[0]] if close else None
