"""The first look: nearly every part of nearly every event holds nothing that a rule could find.

A part that is made of plain values under keys which are no more than their text needs a copy
and no walk, and all texts of an event can be looked at as one. What that cannot vouch for is
left to the walk: a glance finds nothing, it only sees where there is nothing to find.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .keys import LONGEST_HARMLESS, Keys
from .parts import CHANGE, IDENTIFIERS
from .payment import SMALLEST_CARD
from .plain import JSON, plain
from .rules import Rules
from .suspicion import APART, LONG, UUID_LENGTH, is_uuid, suspects

MOST_MEMBERS = 1_000
"""Members and items of all parts together; what is beyond is no glance's matter."""

DEEPEST = 6
"""Levels of containers, likewise."""

MOST_CHARACTERS = 16_384
"""Characters of all texts together, likewise."""

_UNSURE: Any = object()
"""In the place of a copy: this is for the walk."""


class Glance:
    """One look at an event's parts.

    Args:
        rules: the rules in force; without paths, whose verdicts hang on where a value stands.
        keys: what is known of keys under these rules.
        longest: characters of the longest text that is looked at.

    Attributes:
        unsure: names of parts that are for the walk.
    """

    __slots__ = ("_ids", "_keys", "_left", "_longest", "_plain", "_rules", "_texts", "unsure")

    def __init__(self, rules: Rules, keys: Keys, longest: int) -> None:
        self.unsure: list[str] = []
        self._rules = rules
        self._keys = keys
        self._plain = keys.plain
        self._longest = min(longest, MOST_CHARACTERS)
        self._left = MOST_MEMBERS
        #: Each text once, since states repeat; those that only ids of the context have apart.
        self._texts: dict[str, None] = {}
        self._ids: dict[str, None] = {}

    def copies(self, parts: Mapping[str, object]) -> dict[str, JSON]:
        """Copies of the dicts that hold nothing to find but, perhaps, in `doubtful` texts."""
        copies: dict[str, JSON] = {}
        texts, ids, identifiers = self._texts, self._ids, IDENTIFIERS
        for root, value in parts.items():
            if type(value) is str:
                if len(value) < LONG or not self._is_known(root, value):
                    (ids if root in identifiers else texts)[value] = None
                continue
            copy = _UNSURE
            if type(value) is dict:
                copy = self._changes(value) if root == "changes" else self._members(value)
            if copy is _UNSURE:
                self.unsure.append(root)
            else:
                copies[root] = copy
        return copies

    def doubtful(self) -> list[tuple[str, bool]] | None:
        """The texts seen so far in which a pattern may find something.

        Returns:
            Each with whether only ids of the context have it; None where one is so long that
            it should be taken apart once, and not twice.
        """
        texts = [*self._texts, *self._ids]
        together = APART.join(texts)
        if len(together) > self._longest:
            return None
        found = suspects(texts, together)
        for _, pattern in self._rules.patterns:
            found.update(index for index, text in enumerate(texts) if pattern.search(text))
        if not found:
            return []
        harmless = self._keys.harmless
        held = [(texts[index], index >= len(self._texts)) for index in sorted(found)]
        left = [(text, identifier) for text, identifier in held if text not in harmless[identifier]]
        return None if any(len(text) > LONGEST_HARMLESS for text, _ in left) else left

    def _is_known(self, root: str, text: str) -> bool:
        """Whether a long text of the context need not be looked at: a UUID, a known agent."""
        if len(text) == UUID_LENGTH and not self._rules.patterns and is_uuid(text):
            return True
        return text in self._keys.harmless[root in IDENTIFIERS]

    def _changes(self, value: dict[Any, Any]) -> Any:
        copy = value.copy()
        pointers = self._keys.plain_pointers
        for pointer, change in copy.items():
            if type(pointer) is not str or pointer not in pointers or type(change) is not dict:
                return _UNSURE
            inner = self._members(change, 2, CHANGE)
            if inner is _UNSURE:
                return _UNSURE
            copy[pointer] = inner
        return copy

    def _members(
        self, value: dict[Any, Any], depth: int = 1, known: frozenset[str] | None = None
    ) -> Any:
        # Copied in one step: another thread may go on changing the caller's dict.
        copy = value.copy()
        self._left -= len(copy)
        if self._left < 0 or depth > DEEPEST:
            return _UNSURE
        texts = self._texts
        names = known or self._plain
        for key, held in copy.items():
            # The type first: of another object not even its hash is asked for.
            if type(key) is not str or key not in names:
                return _UNSURE
            kind = type(held)
            if kind is str:
                texts[held] = None
            elif kind is int or kind is float:
                if not -SMALLEST_CARD < held < SMALLEST_CARD:
                    return _UNSURE
            elif held is not None and kind is not bool:
                inner = self._other(held, depth)
                if inner is _UNSURE:
                    return _UNSURE
                copy[key] = inner
        return copy

    def _items(self, value: list[Any], depth: int) -> Any:
        copy = value.copy()
        self._left -= len(copy)
        if self._left < 0 or depth > DEEPEST:
            return _UNSURE
        for index, held in enumerate(copy):
            kind = type(held)
            if kind is str:
                # A flag of a command tells what the next item is.
                if held[:1] == "-":
                    return _UNSURE
                self._texts[held] = None
            elif kind is int or kind is float:
                if not -SMALLEST_CARD < held < SMALLEST_CARD:
                    return _UNSURE
            elif kind is dict:
                inner = self._members(held, depth + 1)
                if inner is _UNSURE:
                    return _UNSURE
                copy[index] = inner
            elif held is not None and kind is not bool:
                # A list in a list may be a name and its value.
                return _UNSURE
        return copy

    def _other(self, value: object, depth: int) -> Any:
        kind = type(value)
        if kind is dict:
            return self._members(value, depth + 1)  # type: ignore[arg-type]
        if kind is list:
            return self._items(value, depth + 1)  # type: ignore[arg-type]
        held = plain(value)
        if type(held) is not str or issubclass(kind, (bytes, bytearray)):
            return _UNSURE
        self._texts[held] = None
        return held
