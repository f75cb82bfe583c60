"""Sizes: each part of an event within its limit, the largest members left out first."""

from __future__ import annotations

from counterfoil.record import Draft

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


def truncate(draft: Draft, limit: int = LIMIT) -> bool:
    """Cut each part to ``limit`` bytes of JSON; returns whether any was larger.

    It comes after the whole chain, redaction included: a cut before would leave half a key that
    no rule knows.

    Args:
        limit: bytes of JSON that each part may have, 64 or more.
    """
    is_cut = False
    for name in _PARTS:
        value = getattr(draft, name)
        if value is not None:
            kept = cap(value, limit)
            if kept is not value:
                setattr(draft, name, kept)
                is_cut = True
    return is_cut
