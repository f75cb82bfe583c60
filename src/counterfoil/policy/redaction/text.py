"""One text, through every pattern until nothing more is found."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from . import marker
from .assignments import assignments, elements, form_parts, inputs, pairs, statements
from .credentials import api_keys, json_web_tokens, password_hashes, private_keys, schemes
from .encodings import (
    LEVELS,
    base64_hidden,
    embedded_json,
    from_json,
    percent_decoded,
    undisguised,
)
from .payment import card_numbers, ibans, track_data
from .plain import visible
from .scan import Scan
from .suspicion import is_uuid
from .urls import path_tokens, user_information, webhooks

ROUNDS = 8
"""A text in whose remains the rules still find something after so many rounds goes as a whole."""

CleanJson = Callable[[Any, int], Any]
"""Cleans a value that stood as JSON in a text, at the given level of nesting."""

# Each detector with the characters or words without which it cannot find anything.
_DETECTORS: tuple[tuple[tuple[str, ...], Callable[[str, Scan], str]], ...] = (
    (("PRIVATE KEY",), private_keys),
    ((":",), user_information),
    (("hooks", "telegram"), webhooks),
    (("/",), path_tokens),
    (("form-data",), form_parts),
    (("=", ":", "--"), assignments),
    (("',", '",'), pairs),
    (("</",), elements),
    (("<",), inputs),
    ((" '", ' "', "\t'", '\t"', "-u"), statements),
    (("eyJ",), json_web_tokens),
    ((" ", "\t"), schemes),
    (("",), api_keys),
    (("$", "{"), password_hashes),
)
_NUMBERS = (ibans, track_data, card_numbers)
"""Not in ids of the context: an order number may look like a card number, and must stay whole."""


def cleaned(
    text: str, scan: Scan, clean_json: CleanJson, *, identifier: bool = False, level: int = 0
) -> str:
    """The text without secrets, and without what JSON cannot hold.

    What comes out would come out of a second pass unchanged.

    Args:
        text: any text.
        scan: the rules in force; takes note of what was found.
        clean_json: cleans a value that stands as JSON in the text.
        identifier: the text is one of the context's own ids, where card number, IBAN and
            base64 rules do not run.
        level: in how many layers of JSON in a text this one stood.
    """
    if marker.is_mark(text, scan.rules.kinds) or (not scan.rules.patterns and is_uuid(text)):
        return text
    for _ in range(ROUNDS):
        found = _round(text, scan, clean_json, identifier, level)
        if found == text:
            return text
        text = found
    return scan.dropped("text:unstable", "text")


def quietly(text: str, scan: Scan, clean_json: CleanJson, *, level: int) -> str:
    """As :func:`cleaned`, without a note: what is found is noted where the text comes to stand."""
    hits, findings = scan.hits, scan.findings
    scan.findings = None
    clean = cleaned(text, scan, clean_json, level=level)
    scan.hits, scan.findings = hits, findings
    return clean


def _round(text: str, scan: Scan, clean_json: CleanJson, identifier: bool, level: int) -> str:
    text = visible(text)
    if level < LEVELS:

        def rewritten(value: Any, repeated: bool) -> str | None:
            return _json(value, repeated, scan, clean_json, level)

        parsed = from_json(text)
        if parsed is not None:
            return rewritten(*parsed) or text
        text = embedded_json(text, rewritten)
    text = _patterns(text, scan, identifier)
    text = undisguised(text, lambda bare: _patterns(bare, scan, identifier))
    text = percent_decoded(text, lambda word: _patterns(word, scan, identifier))
    if identifier:
        return text
    return base64_hidden(
        text,
        lambda decoded: _patterns(decoded, scan, False) != decoded,
        lambda: marker.dropped("base64"),
    )


def _json(value: Any, repeated: bool, scan: Scan, clean_json: CleanJson, level: int) -> str | None:
    """Written anew only where something was found: else it stays as it was written."""
    hits, lossy, scan.lossy = scan.hits, scan.lossy, False
    clean = clean_json(value, level + 1)
    changed = scan.hits != hits or scan.lossy or repeated
    scan.lossy = scan.lossy or lossy
    return orjson.dumps(clean).decode() if changed else None


def _patterns(text: str, scan: Scan, identifier: bool) -> str:
    for needed, detector in _DETECTORS:
        for word in needed:
            if word in text:
                text = detector(text, scan)
                break
    if not identifier:
        for numbers in _NUMBERS:
            text = numbers(text, scan)
    for verdict, pattern in scan.rules.patterns:

        def replace(match: re.Match[str], verdict: Any = verdict) -> str:
            return scan.treated(verdict, match[0]) or match[0]

        pieces = _around_marks(text, scan.rules.kinds)
        pieces[::2] = [pattern.sub(replace, piece) for piece in pieces[::2]]
        text = "".join(pieces)
    return text


def _around_marks(text: str, kinds: frozenset[str]) -> list[str]:
    """What stands between known marks, and the marks, by turns."""
    pieces: list[str] = []
    at = 0
    for match in marker.MARKER.finditer(text):
        if match["kind"] not in kinds:
            continue
        pieces += (text[at : match.start()], match[0])
        at = match.end()
    return [*pieces, text[at:]]
