"""The cheap test that comes first: which texts may hold something that a pattern finds.

All texts of an event are looked at as one, with a few searches at the speed of `memchr`; a text
that none of them points at is left alone. What it lets pass, no pattern would change (see
`text`); what it points at may well be harmless.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from .encodings import ENTITY, INVISIBLE
from .payment import IBAN_START, WIDE_DIGITS

UUID_LENGTH = 36

LONG = 20
"""Letters, digits, dashes and underscores in a row that may be a key, or base64."""

APART = "\0"
"""Stands between texts that are looked at together."""

_MARKS = b'=%{[<"\\'
_IN_RUN = frozenset((string.ascii_letters + string.digits + "_-").encode())
_UPPER = frozenset(string.ascii_uppercase.encode())
_DIGITS = frozenset(string.digits.encode())

_BY_MARK = bytes(
    0 if byte == 0 else 0x21 if byte in _MARKS else 0x61 if byte in _IN_RUN else 0x20
    for byte in range(256)
)
_BY_DIGIT = bytes(
    0x41
    if byte in _UPPER
    else 0x30
    if byte in _DIGITS
    else 0x2D
    if byte in b" -+"
    else byte and 0x20
    for byte in range(256)
)

_SIGNS = b" -+"
"""What may stand between the digits of a number, as `_BY_DIGIT` has it."""

_SCHEMES = (b"bearer", b"basic")
_SCHEME = re.compile(rb"b(?:earer|asic)")
_MARK = ord("!")
_LONG_RUN = b"a" * LONG
_CARD = b"0" * 13
_IBAN = b"AA00"

_UUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
# A hash, a UUID, words in lower case: long, and neither a key nor base64 of a text.
_HARMLESS_RUN = re.compile(r"[0-9a-f-]+|[0-9A-F-]+|[a-z_.\s-]+")
# Every colon but those of a time of day.
_COLON = re.compile(r":(?:(?<![0-9]{2}:)|(?![0-9]{2}(?:[:.Z+\s\x00-]|$)))")
_PATH = re.compile(
    r"/(?i:(?:[a-z]{1,16}[-_])?(?:reset|invit|verif|magic|activat|confirm|unlock|recover|passwordr))"
)
_HASH = re.compile(r"\$[^\s$]{1,20}\$")


def suspects(texts: Sequence[str], joined: str) -> set[int]:
    """The indexes of the texts that a pattern may have to look at.

    Args:
        texts: the texts.
        joined: the texts, joined by `APART`.
    """
    try:
        data = joined.encode()
    except UnicodeEncodeError:
        return set(range(len(texts)))
    if joined.count(APART) != len(texts) - 1:
        return set(range(len(texts)))
    found: list[int] = []
    marks = data.translate(_BY_MARK)
    if _MARK in marks:
        found += _holding(marks, b"!")
    if _LONG_RUN in marks:
        found += [
            index
            for index in _holding(marks, _LONG_RUN)
            if _HARMLESS_RUN.fullmatch(texts[index]) is None
        ]
    if _IBAN in data.translate(_BY_DIGIT):
        found += _matching(joined, IBAN_START)
    digits = data.translate(_BY_DIGIT, _SIGNS)
    if _CARD in digits:
        found += _holding(digits, _CARD)
    if ":" in joined:
        found += _matching(joined, _COLON)
    if "--" in joined:
        found += _holding(data, b"--")
    if "'" in joined and " '" in joined:
        found += _holding(data, b" '")
    if "'" in joined and " b'" in joined:
        found += _holding(data, b" b'")
    if "&" in joined:
        found += _matching(joined, ENTITY)
    if "$" in joined:
        found += _matching(joined, _HASH)
    if "/" in joined:
        found += _matching(joined, _PATH)
    low = data.lower()
    if _SCHEME.search(low) is not None:
        for scheme in _SCHEMES:
            found += _holding(low, scheme)
    if not joined.isascii():
        found += _matching(joined, WIDE_DIGITS)
        found += _matching(joined, INVISIBLE)
    return {index for index in found if not is_uuid(texts[index])} if found else set()


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID (RFC 9562): the most frequent long run of all, and no secret."""
    return len(text) == UUID_LENGTH and _UUID.fullmatch(text) is not None


def _holding(data: bytes, what: bytes) -> list[int]:
    """The indexes of the texts that hold `what`, by the NULs that stand before it."""
    found = []
    at = data.find(what)
    while at >= 0:
        found.append(data.count(b"\0", 0, at))
        end = data.find(b"\0", at)
        if end < 0:
            break
        at = data.find(what, end)
    return found


def _matching(joined: str, pattern: re.Pattern[str]) -> list[int]:
    """The indexes of the texts that the pattern matches in."""
    found = []
    match = pattern.search(joined)
    while match is not None:
        at = match.start()
        found.append(joined.count(APART, 0, at))
        end = joined.find(APART, at)
        if end < 0:
            break
        match = pattern.search(joined, end)
    return found
