"""What changed between two states: JSON pointer (RFC 6901) → operation, old and new value.

Computed on the values as the caller gave them, before redaction: a password that changed is
seen to have changed, though neither value is ever stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypedDict

from counterfoil.errors import InputError
from counterfoil.policy.redaction.keys import escaped
from counterfoil.policy.redaction.plain import Items, Members, free_name, key_text, plain

DEEPEST = 20
"""Levels of dicts that are compared member by member; below them they are compared as wholes."""

MOST_CHANGES = 10_000
"""Beyond this the two states are reported as one change of the whole."""

MOST_COMPARED = 100_000
"""Values that one call looks at; what it does not get to counts as changed."""


class Change(TypedDict):
    """One change; a value that there is none of is None."""

    op: Literal["add", "remove", "replace"]
    old: Any
    new: Any


_CHANGED = Change.__required_keys__

Pair: TypeAlias = "tuple[dict[str, Any], dict[str, Any], str, int]"


def changes(before: object, after: object) -> dict[str, Change]:
    """The differences between two states; empty where one of them is no mapping.

    Dicts are compared member by member, anything else as a whole, by what would be stored of
    it: NaN equals NaN, 1 equals 1.0 and not True. No code of an unknown object is run, and two
    such objects are the same only where they are one.

    Args:
        before: the state before.
        after: the state after.
    """
    old, new = _members(before), _members(after)
    if old is None or new is None:
        return {}
    comparison = _Comparison()
    if comparison.members(old, new):
        return comparison.found
    return {"": {"op": "replace", "old": before, "new": after}}


def json_patch(changed: Mapping[str, Change]) -> list[dict[str, Any]]:
    """The changes as a JSON Patch (RFC 6902), which makes the new state of the old one.

    Args:
        changed: what `changes` returned, or an event's ``changes``.

    Raises:
        InputError: they are not of that form; a caller may give changes of its own.
    """
    for change in changed.values():
        if not isinstance(change, Mapping) or not change.keys() >= _CHANGED:
            raise InputError(
                "These changes are not by JSON pointer, each with op, old and new.",
                remedy="Give states before and after, from which they are computed so.",
            )
    return [
        {"op": "remove", "path": pointer}
        if change["op"] == "remove"
        else {"op": change["op"], "path": pointer, "value": change["new"]}
        for pointer, change in changed.items()
    ]


class _Comparison:
    """One comparison, and how much of it may still be done."""

    def __init__(self) -> None:
        self.found: dict[str, Change] = {}
        self._left = MOST_COMPARED

    def members(self, before: dict[str, Any], after: dict[str, Any]) -> bool:
        """Find what changed between two dicts; False where it is too much to list."""
        found = self.found
        stack: list[Pair] = [(before, after, "", 1)]
        while stack:
            old, new, path, depth = stack.pop()
            self._left -= len(old)
            shared = len(old)
            for name, value in old.items():
                if name not in new:
                    shared -= 1
                    pointer = f"{path}/{escaped(name)}"
                    found[pointer] = {"op": "remove", "old": value, "new": None}
                    continue
                other = new[name]
                if value is other:
                    continue
                kind = type(value)
                if kind is type(other) and (
                    kind is str or kind is int or kind is float or kind is bool
                ):
                    # NaN is the one that does not equal itself.
                    if value == other or (value != value and other != other):
                        continue
                elif depth < DEEPEST and self._left > 0:
                    mine, theirs = _members(value), _members(other)
                    if mine is not None and theirs is not None:
                        stack.append((mine, theirs, f"{path}/{escaped(name)}", depth + 1))
                        continue
                    if self.same(value, other):
                        continue
                elif self.same(value, other):
                    continue
                found[f"{path}/{escaped(name)}"] = {"op": "replace", "old": value, "new": other}
            if len(new) > shared:
                for name, value in new.items():
                    if name not in old:
                        pointer = f"{path}/{escaped(name)}"
                        found[pointer] = {"op": "add", "old": None, "new": value}
            if len(found) > MOST_CHANGES:
                return False
        return True

    def same(self, one: object, other: object) -> bool:
        """Whether the same would be stored of two values."""
        stack = [(one, other)]
        while stack:
            left, right = stack.pop()
            if left is right:
                continue
            self._left -= 1
            if self._left < 0:
                return False
            kind = type(left)
            if kind is type(right) and (kind is str or kind is int or kind is bytes):
                if left != right:
                    return False
                continue
            first, second = plain(left), plain(right)
            if isinstance(first, Items) and isinstance(second, Items):
                if len(first) != len(second):
                    return False
                stack += zip(first, second, strict=True)
            elif isinstance(first, Members) and isinstance(second, Members):
                mine, theirs = _named(first), _named(second)
                if mine.keys() != theirs.keys():
                    return False
                stack += ((member, theirs[name]) for name, member in mine.items())
            elif not _same_scalar(first, second):
                return False
        return True


def _same_scalar(one: object, other: object) -> bool:
    if isinstance(one, (Items, Members)) or isinstance(other, (Items, Members)):
        return False
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, str) and one.startswith("[unserializable:"):
        # Of two objects nothing is known: that they are of one type does not make them equal.
        return False
    return one == other


def _members(value: object) -> dict[str, Any] | None:
    """A mapping's members by the text of their keys, copied; None for anything else."""
    if type(value) is dict:
        members: dict[Any, Any] = value.copy()
        for key in members:
            if type(key) is not str:
                return _named(Members(members.items()))
        return members
    held = plain(value)
    return _named(held) if isinstance(held, Members) else None


def _named(members: Members) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for key, value in members:
        name = key if type(key) is str else key_text(key)
        named[free_name(name, named) if name in named else name] = value
    return named
