"""Shapes in which a value's meaning stands beside it, and not in its own key.

Pairs of name and value, header tuples, flags of a command, OAuth answers, JSON Web Keys; and
dicts that describe a secret without holding it.

Whatever is taken for a name is judged by what cleaning leaves of it, so that a second pass
judges as the first did.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from . import marker
from .assignments import CODE
from .keys import Entry, Role, unescaped
from .names import joined, segments
from .plain import Items, Members, key_text, plain
from .treatment import Treatment, Verdict, stronger
from .vocabulary import (
    ABOUT,
    MEASURES,
    OAUTH_COMPANIONS,
    PAIR_NAMES,
    RECORD_NAMES,
    RECORD_VALUES,
)

LONGEST_NAME = 128
"""Characters of a name that stands as a value; it has at most three words, too."""

LONG_CODE = replace(CODE, needs=re.compile(r"^\S{12}"))
"""Beside `state` alone a short `code` may as well be an error's."""

JWK = Verdict("name:jwk", "private_key", Treatment.DROP)

MOST_MEMBERS = 32
"""Members of a dict that describes a secret."""

MOST_RECORDS = 100
"""Items of a list of such dicts."""

_USER_FLAGS = frozenset(["-u", "--user", "--proxy-user"])
_USER_AND_PASSWORD = Verdict(
    "flag:user", "userinfo", Treatment.DROP, needs=re.compile(r"^[^:\s]+:\S")
)
"""What curl takes after those; other commands take a name alone."""

_NO_NAMES = ("[", "base64:")

Look = Callable[[str], Entry | None]
"""Looks a key up, as `Keys.entry` does."""


def among(role: Role, siblings: dict[str, Any], look: Look) -> Verdict | None:
    """The verdict on a value whose meaning its siblings tell.

    Args:
        role: what the value's key means together with them.
        siblings: the members around it, as `by_name` gives them.
        look: looks a key up.
    """
    if role is Role.CODE:
        if not OAUTH_COMPANIONS.isdisjoint(siblings):
            return CODE
        return LONG_CODE if "state" in siblings else None
    if role is Role.JWK:
        return JWK if "kty" in siblings else None
    for name in PAIR_NAMES:
        verdict = named_by(siblings.get(name), look)
        if verdict is not None:
            return verdict
    return None


def by_name(source: Members, look: Look) -> dict[str, Any]:
    """The members of a dict by their `joined` names; of two with one name the first."""
    names: dict[str, Any] = {}
    for key, value in source:
        name = _left_of(key if type(key) is str else key_text(key), look)
        if len(name) <= LONGEST_NAME:
            names.setdefault(joined(name), value)
    return names


def named_by(name: object, look: Look) -> Verdict | None:
    """The verdict of a name that stands as a value: in a pair, or as a JSON Patch's path."""
    name = name.decode("latin-1") if type(name) is bytes else plain(name)
    if type(name) is not str or name.startswith(_NO_NAMES):
        return None
    name = _left_of(name, look)
    if len(name) > LONGEST_NAME or name.count(" ") > 2:
        return None
    verdict = None
    for part in name.split("/") if name.startswith("/") else (name,):
        entry = look(unescaped(part))
        verdict = stronger(verdict, entry.verdict if entry is not None else None)
    return verdict


def flag(item: object, look: Look) -> Verdict | None:
    """The verdict on what follows an item such as `--password` in a list of arguments."""
    text = item if type(item) is str else plain(item)
    if type(text) is not str or not text.startswith("-"):
        return None
    if text in _USER_FLAGS:
        return _USER_AND_PASSWORD
    if not text.startswith("--"):
        return None
    entry = look(text)
    if entry is None or "=" in entry.name or " " in entry.name:
        return None
    return entry.verdict if len(entry.name) <= LONGEST_NAME else None


def describes(name: str) -> bool:
    """Whether a member's name says that its value only describes the thing: `created_at`."""
    found = segments(name[:LONGEST_NAME])
    return bool(found) and (found[-1] in ABOUT or found[-1] in MEASURES)


def describes_secret(held: object, verdict: Verdict, kinds: frozenset[str], look: Look) -> bool:
    """Whether a dict under a secret's name describes the secret: `{"id": "k1", "scopes": []}`.

    All its names must be of known meaning, else it may be a map that is keyed by secrets, or by
    whose they are; and one of them must be such as only a description has, or all values
    numbers, which say how much or how many.

    Args:
        held: what `plain` made of the value.
        verdict: the verdict of the name that it stands under.
        kinds: the kinds of known marks.
        look: looks a key up.
    """
    if not isinstance(held, Members) or len(held) > MOST_MEMBERS or verdict.everything:
        return False
    counts, record = True, False
    for key, value in held:
        if type(key) is not str or len(key) > LONGEST_NAME or _left_of(key, look) != key:
            return False
        name = joined(key)
        described = describes(key)
        if not (described or name in RECORD_VALUES):
            return False
        counts = counts and described and _is_count(plain(value), kinds)
        record = record or name in RECORD_NAMES
    return counts or (record and verdict.records)


def goes_whole(
    verdict: Verdict, held: Members | Items, kinds: frozenset[str], look: Look
) -> Verdict | None:
    """By which verdict a container goes as one, and not item by item.

    Args:
        verdict: the verdict of the name that it stands under.
        held: what `plain` made of it.
        kinds: the kinds of known marks.
        look: looks a key up.
    """
    current: Verdict | None = verdict if held else None
    while current is not None:
        if current.whole and not _is_opened(held, current, kinds, look):
            return current
        current = current.otherwise
    return None


def _is_opened(held: Members | Items, verdict: Verdict, kinds: frozenset[str], look: Look) -> bool:
    if type(held) is Members:
        return describes_secret(held, verdict, kinds, look)
    return verdict.treatment is not Treatment.DROP or (
        len(held) <= MOST_RECORDS
        and all(describes_secret(plain(item), verdict, kinds, look) for item in held)
    )


def _is_count(held: object, kinds: frozenset[str]) -> bool:
    if type(held) is str:
        return marker.treatment_of(held, kinds) is not None
    return not isinstance(held, (Members, Items))


def _left_of(key: str, look: Look) -> str:
    entry = look(key)
    return key if entry is None else entry.name
