"""What is known of a dict's keys: they repeat, so it is worked out once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from .marker import blanked
from .names import Names, segments
from .treatment import Verdict, stronger
from .vocabulary import JWK_SECRETS, KINDS, PAIR_VALUES

KEPT_KEYS = 4096
"""Keys kept in memory, of up to 64 characters; beyond that all are forgotten at once."""

LONGEST_KEPT = 64
LONGEST_ROLE = 16


class Role(Enum):
    """What a key means together with its siblings."""

    PAIR_VALUE = "value"
    """The value of a pair whose name a sibling holds: `{"name": "password", "value": "x"}`."""

    CODE = "code"
    """An OAuth authorization code, where siblings say so."""

    JWK = "jwk"
    """A private part of a JSON Web Key, where a sibling says that it is one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key that is more than its text.

    Attributes:
        name: the key without secrets.
        verdict: what its name says of the value.
        role: what it means together with its siblings.
    """

    name: str
    verdict: Verdict | None
    role: Role | None


KEPT_HARMLESS = 1024
"""Texts found harmless that are kept in memory; when there are more, all are forgotten."""

LONGEST_HARMLESS = 256
"""Characters of the longest of them."""


class Keys:
    """What is known of keys under one set of rules.

    Args:
        names: verdicts on names.
        kinds: the kinds of known marks.

    Attributes:
        names: verdicts on names.
        plain: keys that are no more than their text.
        plain_pointers: JSON pointers that are made of such keys alone.
        harmless: texts, and ids, that every pattern passed; see `spare`.
    """

    def __init__(self, names: Names, kinds: frozenset[str] = KINDS) -> None:
        self.names = names
        self._kinds = kinds
        self.plain: set[str] = set()
        self.plain_pointers: set[str] = set()
        self._known: dict[str, Entry] = {}
        self._pointers: dict[str, tuple[str, Verdict | None]] = {}
        self.harmless: tuple[set[str], set[str]] = (set(), set())

    def spare(self, text: str, *, identifier: bool) -> None:
        """Remember a text that every pattern has passed without finding anything.

        User agents and the like come again with every event, and look at first sight as if
        they could hold something.
        """
        if len(text) <= LONGEST_HARMLESS:
            known = self.harmless[identifier]
            if len(known) >= KEPT_HARMLESS:
                known.clear()
            known.add(text)

    def entry(self, key: str, clean: Callable[[str], str]) -> Entry | None:
        """What is known of a key; None of one that is no more than its text.

        Args:
            key: the key.
            clean: takes the secrets out of a text.
        """
        if key in self.plain:
            return None
        return self._known.get(key) or self._learn(key, clean)

    def _learn(self, key: str, clean: Callable[[str], str]) -> Entry | None:
        name = clean(key)
        # Of a key that held a secret only the rest is a name, in a second pass as in the first.
        bare = blanked(name, self._kinds)
        verdict = self.names.verdict(bare)
        role = _role(bare) if verdict is None and len(bare) <= LONGEST_ROLE else None
        if name != key:
            # Not kept: what a key is cleaned to may hold a token, and that is one company's.
            return Entry(name, verdict, role)
        entry = None if verdict is None and role is None else Entry(name, verdict, role)
        if len(key) <= LONGEST_KEPT:
            if len(self.plain) + len(self._known) >= KEPT_KEYS:
                self.plain.clear()
                self._known.clear()
            if entry is None:
                self.plain.add(key)
            else:
                self._known[key] = entry
        return entry

    def pointer(self, pointer: str, clean: Callable[[str], str]) -> tuple[str, Verdict | None]:
        """A JSON pointer (RFC 6901) without secrets, and what its parts say of the value there."""
        held = self._pointers.get(pointer)
        if held is not None:
            return held
        verdict = None
        names = []
        parts = pointer.split("/")
        for depth, part in enumerate(parts, 1):
            entry = self.entry(unescaped(part), clean)
            names.append(part if entry is None else escaped(entry.name))
            found = entry.verdict if entry is not None else None
            # A container under the name of a secret would have gone as a whole.
            if found is not None and (found.whole or depth == len(parts)):
                verdict = stronger(verdict, found)
        held = "/".join(names), verdict
        if held[0] == pointer and len(pointer) <= 4 * LONGEST_KEPT:
            if len(self._pointers) >= KEPT_KEYS:
                self._pointers.clear()
                self.plain_pointers.clear()
            self._pointers[pointer] = held
            if verdict is None and pointer.startswith("/"):
                self.plain_pointers.add(pointer)
        return held


def _role(name: str) -> Role | None:
    plain = "".join(segments(name))
    if plain in PAIR_VALUES:
        return Role.PAIR_VALUE
    if plain == "code":
        return Role.CODE
    return Role.JWK if plain in JWK_SECRETS else None


def escaped(part: str) -> str:
    """A part of a JSON pointer as it is written (RFC 6901 section 3)."""
    return part.replace("~", "~0").replace("/", "~1")


def unescaped(part: str) -> str:
    """A part of a JSON pointer as it is meant (RFC 6901 section 4)."""
    return part.replace("~1", "/").replace("~0", "~") if "~" in part else part
