"""Sizes: each part of an event within its limit, the largest members left out first."""

from __future__ import annotations

import orjson

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
    """A link that cuts each part to ``limit`` bytes of JSON. It stands after redaction.

    Args:
        limit: bytes of JSON that each part may have, 64 or more.
    """

    def truncate(draft: Draft) -> Draft:
        together = orjson.dumps(
            (
                draft.before_state,
                draft.after_state,
                draft.changes,
                draft.details,
                draft.metadata,
                draft.body,
                draft.claims,
                draft.notes,
            )
        )
        # Parts that are within the limit together need no look one by one.
        if len(together) <= limit:
            return draft
        for name in _PARTS:
            value = getattr(draft, name)
            if value is not None:
                setattr(draft, name, cap(value, limit))
        return draft

    return truncate
