"""Containment: does a recorded JSON value hold the members that a query asks for?

As PostgreSQL's ``@>`` on objects: a wanted object must be found member by member, at every
depth; everything else, arrays too, must be equal. Numbers are compared by value (1 equals
1.0), and ``true`` is no number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

import orjson

from counterfoil.errors import QueryError
from counterfoil.record.disclosure import escape_keys

MAX_DEPTH = 20
#: Integers from here on are recorded as text (RFC 8259 section 6: beyond 2^53 they are not safe).
MAX_INTEGER = 1 << 53
#: Each trace is one search through a stored value; the longest tell the most.
MAX_TRACES = 8


def plain(value: Any, depth: int = 0) -> Any:
    """A copy of a wanted value as plain JSON.

    Raises:
        QueryError: it has something that is never recorded as such.
    """
    if depth > MAX_DEPTH:
        raise QueryError(
            f"A wanted value is nested more than {MAX_DEPTH} levels deep.",
            remedy="Ask for fewer levels; deeper ones are not recorded.",
        )
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int) and abs(value) < MAX_INTEGER:
        return int(value)
    if isinstance(value, float) and isfinite(value):
        return float(value)
    if isinstance(value, Mapping):
        return {text(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, depth + 1) for item in value]
    raise QueryError(
        "A wanted value is not plain JSON.",
        remedy="Give it as it is recorded: text for dates, UUIDs, decimals, NaN and integers "
        "beyond 2^53.",
    )


def text(value: Any) -> str:
    """A wanted text; of a text enum its value.

    Raises:
        QueryError: it is no text, or holds a character that is never recorded as such.
    """
    if not isinstance(value, str):
        raise QueryError("A wanted value is not text.", remedy="Give a str, or several.")
    found: str = str.__str__(value)
    if "\0" in found or not _is_unicode(found):
        raise QueryError(
            "A wanted text holds NUL or half of a surrogate pair, which no recorded text does.",
            remedy="Write the character as the log shows it.",
        )
    return found


def holds(recorded: Any, wanted: Any) -> bool:
    """Whether a recorded value contains a wanted one."""
    if isinstance(wanted, dict):
        return isinstance(recorded, dict) and all(
            key in recorded and holds(recorded[key], item) for key, item in wanted.items()
        )
    return _equal(recorded, wanted)


def traces(wanted: Mapping[str, Any]) -> list[bytes]:
    """Bytes that must occur in the stored form of every object that holds these members.

    Necessary, not sufficient: they let a store pass over most of what does not match.
    """
    found = sorted(set(_traces(escape_keys(dict(wanted)))), key=len, reverse=True)
    return found[:MAX_TRACES]


def _traces(wanted: Mapping[str, Any]) -> Iterator[bytes]:
    for key, value in wanted.items():
        yield orjson.dumps(key) + b":" + _beginning(value)
        if isinstance(value, dict):
            yield from _traces(value)


def _beginning(value: Any) -> bytes:
    """What the JSON of every value that is equal to this one begins with."""
    if isinstance(value, dict):
        return b"{"
    if isinstance(value, list):
        return orjson.dumps(value) if _has_one_form(value) else b"["
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value == 0 or abs(value) >= MAX_INTEGER:
            return b""  # 0 and -0.0, and exponents, are written in more than one way
        return orjson.dumps(int(value) if value == int(value) else value)
    return orjson.dumps(value)


def _has_one_form(value: Any) -> bool:
    if isinstance(value, list):
        return all(_has_one_form(item) for item in value)
    return value is None or isinstance(value, (bool, str))


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return one == other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return type(one) is type(other) and bool(one == other)


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
