"""Sizes: each part of an event within its limit, the largest members left out first."""

from __future__ import annotations

from counterfoil.record import Draft

from .link import Link
from .redaction import LIMIT, cap

_PARTS = (
    "before_state",
    "after_state",
    "changes",
    "details",
    "metadata",
    "body",
    "claims",
    "notes",
)


def truncation(limit: int = LIMIT) -> Link:
    """A link that cuts each part to ``limit`` bytes of JSON. It stands after redaction."""

    def truncate(draft: Draft) -> Draft:
        for name in _PARTS:
            value = getattr(draft, name)
            if value is not None:
                setattr(draft, name, cap(value, limit))
        return draft

    return truncate
