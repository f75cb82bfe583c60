"""Secrets: what a key, a session or a viewer token is presented by.

``cf_<id>_<secret><check>``, or ``cfv_`` for a viewer token: the prefix lets scanners of source
code find it, the id tells which one it is, the secret is 256 random bits in base 62, and the
check is the CRC-32 of all before it, so that a typing error is told from an unknown key without
asking the database.
"""

from __future__ import annotations

import hmac
import re
import secrets
from hashlib import sha256
from typing import Final, NamedTuple
from zlib import crc32

from counterfoil.errors import AuthenticationError

PREFIX: Final = "cf_"
#: Of viewer tokens, which are no keys and must not be taken for one.
VIEWER_PREFIX: Final = "cfv_"
ID_CHARS: Final = 12
SECRET_CHARS: Final = 43
CHECK_CHARS: Final = 6

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_BODY: Final = (
    rf"([a-z0-9]{{{ID_CHARS}}})_[0-9A-Za-z]{{{SECRET_CHARS}}}([0-9A-Za-z]{{{CHECK_CHARS}}})"
)
_FORMS: Final = {prefix: re.compile(prefix + _BODY).fullmatch for prefix in (PREFIX, VIEWER_PREFIX)}


class Secret(NamedTuple):
    """A new secret.

    Attributes:
        id: what it is listed and revoked by.
        text: what its holder presents; shown once and kept nowhere.
        digest: SHA-256 of the text, which is all that is stored.
    """

    id: str
    text: str
    digest: bytes


def make(prefix: str = PREFIX) -> Secret:
    """A new secret of 256 random bits."""
    name = "".join(secrets.choice(_ID_LETTERS) for _ in range(ID_CHARS))
    body = f"{prefix}{name}_{_base62(secrets.randbits(256), SECRET_CHARS)}"
    text = body + _check(body)
    return Secret(name, text, digest(text))


def identify(text: str, prefix: str = PREFIX) -> str:
    """The id of the secret that a caller presents.

    Args:
        prefix: of the sort that is wanted.

    Raises:
        AuthenticationError: it is none of ours, or was mistyped.
    """
    found = _FORMS[prefix](text) if len(text) <= 100 else None
    if found is None:
        raise AuthenticationError(
            "What was presented is not an access key.",
            remedy="Present a key as `Authorization: Bearer cf_...`, whole and unchanged.",
        )
    if _check(text[:-CHECK_CHARS]) != found[2]:
        raise AuthenticationError(
            "The access key was mistyped or cut: its check does not fit.",
            remedy="Copy the key again, whole.",
        )
    return found[1]


def digest(text: str) -> bytes:
    """What is stored of a secret. It has 256 random bits, so no slow hash is needed."""
    return sha256(text.encode()).digest()


def fits(text: str, stored: bytes) -> bool:
    """Whether a presented text is the secret with this digest, in constant time."""
    return hmac.compare_digest(digest(text), stored)


def _check(body: str) -> str:
    return _base62(crc32(body.encode()), CHECK_CHARS)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
