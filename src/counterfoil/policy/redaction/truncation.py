"""What is too large is cut to its limit, the largest first, and says how large it was.

To be done after redaction: a cut would halve a card number or a key, and no pattern would know
it any more.
"""

from __future__ import annotations

from typing import Any

import orjson

from .marker import truncated
from .plain import JSON, free_name

LIMIT = 65_536
"""Bytes of JSON that each of details, states, metadata and body may have."""

SMALLEST = 64
"""Bytes below which nothing is kept of a container."""

SMALL_PART = 256
"""The part of the limit below which a member is too small to be replaced by a mark of its own."""

REST = "…"
"""The member that stands for those that were left out, where they were too many to name."""


def cap(value: JSON, limit: int = LIMIT, *, data: bytes | None = None) -> JSON:
    """The value, with its largest members replaced by `[truncated:<bytes>]` until it fits.

    Of a member that holds others only so many of them go as must. Members that are small
    (below 1/256 of the limit) are not replaced one by one: the first ones that fit are kept,
    and one mark stands for the rest. The value itself is not changed; it is returned as it is
    where it fits.

    Args:
        value: a cleaned value.
        limit: bytes of its JSON (as `orjson.dumps` writes it), 64 or more.
        data: that JSON, where the caller has it already.
    """
    size = len(orjson.dumps(value)) if data is None else len(data)
    return value if size <= limit else _fitted(value, size, limit)


def _fitted(value: JSON, size: int, limit: int) -> JSON:
    if not isinstance(value, (dict, list)) or limit < SMALLEST:
        return truncated(size)
    members: Any = value.copy()
    sizes = _sizes(value)
    excess = size - limit
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        held = sizes[name]
        if held < max(SMALLEST, limit // SMALL_PART):
            break
        mark = truncated(held)
        saved = held - len(mark) - 2
        if saved > excess and held - excess >= SMALLEST:
            members[name] = _fitted(members[name], held, held - excess)
            return members  # type: ignore[no-any-return]
        members[name] = mark
        sizes[name] = len(mark) + 2
        excess -= saved
        if excess <= 0:
            return members  # type: ignore[no-any-return]
    return _first_ones(members, sizes, size, limit)


def _sizes(value: dict[str, JSON] | list[JSON]) -> dict[Any, int]:
    """The bytes of each member's JSON."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    return {name: len(orjson.dumps(member)) for name, member in members}


def _first_ones(
    members: dict[str, JSON] | list[JSON], sizes: dict[Any, int], size: int, limit: int
) -> JSON:
    mark = truncated(size)
    named = isinstance(members, dict)
    room = limit - len(orjson.dumps({REST: mark} if named else [mark]))
    kept = 0
    for name, held in sizes.items():
        room -= held + 1 + (len(orjson.dumps(name)) + 1 if named else 0)
        if room < 0:
            break
        kept += 1
    if isinstance(members, list):
        return [*members[:kept], mark]
    first = dict(list(members.items())[:kept])
    first[free_name(REST, first)] = mark
    return first
