"""What is hidden in another form: JSON in a text, percent-encoding, base64."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, unquote_plus

import orjson

from .plain import free_name

LEVELS = 3
"""How deep JSON in a text in JSON … is read."""

_OPENING = re.compile(r"[\[{](?!redacted:)|\"(?=[\[{]|[^\"\\]{0,256}\\\")")
_MOST_BRACKETS = 1000  # Deeper than that, the parser would need more stack than there may be.
_MOST_ATTEMPTS = 32

INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
"""Format characters, which stand in a text and are not seen."""

ENTITY = re.compile(r"&(?:#[0-9]{2,6}|#[xX][0-9A-Fa-f]{2,6}|quot|apos|equals|colon|amp);")
_ESCAPE = re.compile(r"\\{1,8}(?:u00|x)([2-7][0-9A-Fa-f])")

_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_CHUNK = re.compile(r"[^\s\"'<>]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_PART = re.compile(r"[A-Za-z0-9]{24,}")
_UPPER = re.compile(r"[A-Z]")
_LOWER = re.compile(r"[a-z]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_PROBE = 32


def from_json(text: str) -> tuple[Any, bool] | None:
    """The value that a JSON text holds, and whether a name stood twice in one object.

    Of two members with one name both are kept, as `name` and `name#2`: a reader may take the
    first or the last, so neither may hide the other. None where the text is no JSON object,
    array or string.
    """
    start = text.lstrip()[:1]
    if start not in ("{", "[", '"'):
        return None
    try:
        # orjson is fast, and refuses what is nested too deep; the other keeps what stands twice.
        value = orjson.loads(text)
    except ValueError:
        return None
    if start == '"':
        return value, False
    members = _Pairs()
    try:
        return json.loads(text, object_pairs_hook=members), members.repeated
    except (ValueError, RecursionError):
        return None


def embedded_json(text: str, clean: Callable[[Any, bool], str | None]) -> str:
    """The text with each JSON object or array in it replaced by what `clean` makes of it.

    So with each JSON string that holds an object or array, or another such string.

    Args:
        text: any text that is not JSON as a whole.
        clean: takes a value and whether a name stood twice in it, as `from_json` gives them;
            returns the new text, or None where the old may stay.
    """
    if '"' not in text or not 0 < text.count("{") + text.count("[") <= _MOST_BRACKETS:
        return text
    pieces: list[str] = []
    at, attempts = 0, 0
    opening = _OPENING.search(text)
    while opening is not None and attempts < _MOST_ATTEMPTS:
        start = opening.start()
        end = start + 1
        members = _Pairs()
        try:
            value, end = json.JSONDecoder(object_pairs_hook=members).raw_decode(text, start)
        except (ValueError, RecursionError):
            attempts += 1
        else:
            replaced = clean(value, members.repeated)
            if replaced is not None:
                pieces += (text[at:start], replaced)
                at = end
        opening = _OPENING.search(text, end)
    return "".join((*pieces, text[at:])) if pieces else text


class _Pairs:
    """Makes a dict of an object's members, and notices a name that stands twice."""

    def __init__(self) -> None:
        self.repeated = False

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        self.repeated = True
        members = {}
        for name, member in pairs:
            members[free_name(name, members)] = member
        return members


def undisguised(text: str, clean: Callable[[str], str]) -> str:
    """The text as it is read, where `clean` then finds something that it did not as it is.

    Without format characters, with HTML's character references and with the escapes of a
    string's source (`\\u0070`) resolved.

    Args:
        text: any text.
        clean: returns its argument itself where it finds nothing.
    """
    for bare in (
        text if text.isascii() else INVISIBLE.sub("", text),
        html.unescape(text) if ENTITY.search(text) is not None else text,
        _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "\\" in text else text,
    ):
        if bare != text:
            cleaned = clean(bare)
            if cleaned != bare:
                return cleaned
    return text


def percent_decoded(text: str, clean: Callable[[str], str]) -> str:
    """The text with each percent-encoded word decoded in which `clean` then finds something.

    Args:
        text: any text.
        clean: returns its argument itself where it finds nothing.
    """
    if _PERCENT.search(text) is None:
        return text

    def replace(match: re.Match[str]) -> str:
        word = match[0]
        if "%" not in word:
            return word
        decoded = word
        for _ in range(2):
            further = unquote_plus(decoded) if "=" in decoded else unquote(decoded)
            if further == decoded:
                break
            decoded = further
            cleaned = clean(decoded)
            if cleaned != decoded:
                return cleaned
        return word

    return _CHUNK.sub(replace, text)


def base64_hidden(text: str, finds: Callable[[str], bool], mark: Callable[[], str]) -> str:
    """The text with each run of base64 marked in whose decoded text something is found.

    Args:
        text: any text.
        finds: whether there is something to redact in a decoded text.
        mark: gives what stands in the run's place.
    """

    def replace(match: re.Match[str]) -> str:
        run = match[0]
        decoded = _decoded(run)
        if decoded is not None:
            return mark() if finds(decoded) else run
        if "_" in run or "-" in run or "/" in run:
            return _PART.sub(
                lambda part: mark() if (inner := _decoded(part[0])) and finds(inner) else part[0],
                run,
            )
        return run

    return _BASE64.sub(replace, text)


def _decoded(run: str) -> str | None:
    """The text that a run of base64 (RFC 4648, either alphabet) stands for, if it is text."""
    if _UPPER.search(run) is None or _LOWER.search(run) is None:
        return None
    bare = run.rstrip("=").replace("-", "+").replace("_", "/")
    if len(bare) % 4 == 1:
        bare = bare[:-1]
    try:
        # What is no text shows it early: images and hashes are not decoded further.
        start = base64.b64decode(bare[: min(_PROBE, len(bare) // 4 * 4)]).decode("utf-8", "ignore")
        if _CONTROL.search(start) or len(start) < len(bare[:_PROBE]) // 3:
            return None
        decoded = base64.b64decode(bare + "=" * (-len(bare) % 4)).decode("utf-8")
    except (ValueError, binascii.Error):
        return None
    return None if _CONTROL.search(decoded) else decoded
