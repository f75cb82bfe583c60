"""Copies of plain containers, so that what is recorded is what was said at the time."""

from __future__ import annotations

from typing import Any

#: The policy chain records nothing that lies deeper.
_MAX_DEPTH = 20


def copied(value: Any) -> Any:
    """A value whose dicts and lists are new, to a depth of 20; all else is the same object.

    Nothing of the caller's runs: only exact dicts and lists are copied, never by their own
    methods. A container that holds itself stays one.
    """
    return _copied(value, {}, _MAX_DEPTH)


def _copied(value: Any, made: dict[int, Any], depth: int) -> Any:
    kind = type(value)
    if (kind is not dict and kind is not list) or depth == 0:
        return value
    known = made.get(id(value))
    if known is not None:
        return known
    if kind is dict:
        members = made[id(value)] = {}
        for name, member in value.items():
            members[name] = _copied(member, made, depth - 1)
        return members
    items = made[id(value)] = []
    items.extend([_copied(item, made, depth - 1) for item in value])
    return items
