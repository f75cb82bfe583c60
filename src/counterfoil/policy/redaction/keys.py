"""What is known of a dict's keys: they repeat, so it is worked out once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from .marker import MARKER
from .names import Names, joined
from .treatment import Verdict, stronger
from .vocabulary import JWK_SECRETS, PAIR_VALUES

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


UNKNOWN = Entry("", None, None)
"""Stands for a key that was not looked at yet."""


class Keys:
    """Entries of keys under one set of rules; an unremarkable key has None."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.known: dict[str, Entry | None] = {}
        self._pointers: dict[str, tuple[str, Verdict | None]] = {}

    def entry(self, key: str, clean: Callable[[str], str]) -> Entry | None:
        """What is known of a key; looked at first where nothing is known yet."""
        entry = self.known.get(key, UNKNOWN)
        return self.learn(key, clean) if entry is UNKNOWN else entry

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
        if len(pointer) <= 4 * LONGEST_KEPT:
            if len(self._pointers) >= KEPT_KEYS:
                self._pointers.clear()
            self._pointers[pointer] = held
        return held

    def learn(self, key: str, clean: Callable[[str], str]) -> Entry | None:
        """The entry of a key that is not in `known`.

        Args:
            key: the key.
            clean: takes the secrets out of a text.
        """
        name = clean(key)
        # Of a key that held a secret only the rest is a name, in a second pass as in the first.
        bare = MARKER.sub(" ", name) if "[redacted:" in name else name
        verdict = self.names.verdict(bare)
        plain = joined(bare) if verdict is None and len(bare) <= LONGEST_ROLE else ""
        role = None
        if plain in PAIR_VALUES:
            role = Role.PAIR_VALUE
        elif plain == "code":
            role = Role.CODE
        elif plain in JWK_SECRETS:
            role = Role.JWK
        entry = None
        if name != key or verdict is not None or role is not None:
            entry = Entry(name, verdict, role)
        if len(key) <= LONGEST_KEPT:
            if len(self.known) >= KEPT_KEYS:
                self.known.clear()
            self.known[key] = entry
        return entry


def escaped(part: str) -> str:
    """A part of a JSON pointer as it is written (RFC 6901 section 3)."""
    return part.replace("~", "~0").replace("/", "~1")


def unescaped(part: str) -> str:
    """A part of a JSON pointer as it is meant (RFC 6901 section 4)."""
    return part.replace("~1", "/").replace("~0", "~") if "~" in part else part
