"""The marks that redaction leaves behind, and how they are known again.

A text counts as a mark only where it has one of these exact forms and a known kind.
Anything longer or of another form is scanned like any text, so that nobody can carry a
secret past the rules inside something that looks like a mark.
"""

from __future__ import annotations

import re

from .treatment import Treatment

KIND = r"[a-z][a-z0-9_]{0,31}"
KEY_ID = r"[a-z0-9][a-z0-9_-]{0,15}"

_LAST4 = r"(?:[A-Z]{2})?…[0-9A-Za-z]{4}"
_TOKEN = rf"{KEY_ID}:[0-9a-f]{{32}}"

MARKER = re.compile(
    rf"\[redacted:(?P<kind>{KIND})(?::(?:(?P<last4>{_LAST4})|(?P<token>{_TOKEN})))?\]"
)

LAST4_MINIMUM = 12
"""Characters that a value needs before four of them may be shown."""


def dropped(kind: str) -> str:
    """`[redacted:<kind>]`."""
    return f"[redacted:{kind}]"


def last4(kind: str, value: str, *, country: str = "") -> str:
    """`[redacted:<kind>:…1234]`; all of it dropped where the value is short.

    Args:
        kind: what the marker calls the value.
        value: the value; everything but ASCII letters and digits is left out of account.
        country: two letters that stand before the ellipsis (IBAN).
    """
    characters = re.sub(r"[^0-9A-Za-z]+", "", value)
    if len(characters) < LAST4_MINIMUM:
        return dropped(kind)
    return f"[redacted:{kind}:{country}…{characters[-4:]}]"


def token(kind: str, key_id: str, digest: str) -> str:
    """`[redacted:<kind>:<key id>:<32 hex digits>]`."""
    return f"[redacted:{kind}:{key_id}:{digest}]"


def truncated(size: int) -> str:
    """`[truncated:<size in bytes>]`, where something too large stood."""
    return f"[truncated:{size}]"


def treatment_of(text: str, kinds: frozenset[str]) -> Treatment | None:
    """Which treatment left this mark behind; None where the text is not exactly a known mark."""
    if not text.startswith("[redacted:"):
        return None
    match = MARKER.fullmatch(text)
    if match is None or match["kind"] not in kinds:
        return None
    if match["token"]:
        return Treatment.TOKEN
    return Treatment.LAST4 if match["last4"] else Treatment.DROP


def is_mark(text: str, kinds: frozenset[str]) -> bool:
    """Whether the text is exactly a known mark."""
    return treatment_of(text, kinds) is not None


def blanked(text: str, kinds: frozenset[str]) -> str:
    """The text with a blank in the place of each known mark."""
    if "[redacted:" not in text:
        return text
    return MARKER.sub(lambda match: " " if match["kind"] in kinds else match[0], text)
