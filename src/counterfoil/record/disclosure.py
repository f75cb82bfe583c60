"""Disclosures: the salted values that an entry commits to (RFC 9901 section 4.2).

A disclosure is the JSON array ``[salt, name, value]``. What is hashed is the base64url
text of ``["<salt>","<name>",<value>]`` without white space, around the value's bytes
exactly as stored: a value is never serialised again to be verified. A store keeps the
sixteen bytes of salt and the value's bytes, which give the exact bytes back.
"""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

SALT_BYTES = 16
SALT_CHARS = 22
DIGEST_CHARS = 43
MAX_SUBJECTS = 1_000

#: The disclosures that have a place in an event's row.
NAMES = ("actor", "client", "resource", "state", "details", "body")
#: All disclosures: after those of the row, those that name a further person each. A slot is a
#: place in this list.
SLOTS = (*NAMES, "on_behalf_of", "impersonator", *(f"subject_{n}" for n in range(MAX_SUBJECTS)))

_FRAMES = [b'["%%b","%b",%%b]' % name.encode() for name in SLOTS]

_FORM = re.compile(rb'\["([0-9A-Za-z_-]{22})","([a-z_]+[0-9]*)",(.*)\]', re.DOTALL).fullmatch
_URLSAFE = bytes.maketrans(b"+/", b"-_")


class Disclosure(NamedTuple):
    """One committed value: a name, its salt (16 bytes) and the value's JSON bytes."""

    name: str
    salt: bytes
    value: bytes

    @classmethod
    def unpack(cls, name: str, stored: bytes) -> Disclosure:
        """From the form that a store keeps: sixteen bytes of salt, then the value."""
        return cls(name, stored[:SALT_BYTES], stored[SALT_BYTES:])

    @classmethod
    def parse(cls, text: str) -> Disclosure:
        """From the form that RFC 9901 hands over, as :meth:`text` gives it.

        Raises:
            ValueError: it is none of ours.
        """
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found = _FORM(data)
        if found is None:
            raise ValueError("The text is no disclosure.")
        salt = urlsafe_b64decode(found[1] + b"==")
        disclosure = cls(found[2].decode(), salt, found[3])
        if disclosure.text() != text:
            raise ValueError("The disclosure is spelled in another way.")
        return disclosure

    def encode(self) -> bytes:
        """The disclosure's JSON bytes, whose base64url text is hashed."""
        return b'["%b","%b",%b]' % (base64url(self.salt), self.name.encode(), self.value)

    def digest(self) -> bytes:
        """The digest's text as it stands in the entry's ``_sd`` (43 ASCII bytes)."""
        return base64url(sha256(base64url(self.encode())).digest())

    def text(self) -> str:
        """The disclosure as RFC 9901 hands it over: base64url text."""
        return base64url(self.encode()).decode()

    def load(self) -> Any:
        """The value, with the escaped keys as the caller wrote them."""
        value = orjson.loads(self.value)
        return unescape_keys(value) if b'"~' in self.value else value


def base64url(data: bytes) -> bytes:
    """Base64url without padding (RFC 4648 section 5)."""
    text = b2a_base64(data, newline=False)
    # JSON texts seldom have either character, and replacing none is faster than a table.
    return text.rstrip(b"=").replace(b"+", b"-").replace(b"/", b"_")


def _joint_base64url(items: Sequence[bytes]) -> bytes:
    """The base64url texts of items of one length, each filled up to a multiple of four."""
    # Zero bytes up to a multiple of three keep the texts apart without changing them, since
    # base64 fills the last group with zero bits anyway.
    gap = bytes(-len(items[0]) % 3) if items else b""
    return b2a_base64(gap.join(items) + gap, newline=False).translate(_URLSAFE)


def digests(slots: Sequence[int], salts: Sequence[bytes], values: Sequence[bytes]) -> list[str]:
    """The digests of many disclosures, as they stand in the entry's ``_sd``.

    Args:
        slots: which disclosure each value is, as a place in :data:`SLOTS`.
        salts: the salts' base64url texts.
        values: the values' JSON bytes.
    """
    # Step by step over all of them: each step stays in the processor's nearest cache.
    encoded = [
        _FRAMES[slot] % (salt, value)
        for slot, salt, value in zip(slots, salts, values, strict=True)
    ]
    texts = [base64url(data) for data in encoded]
    hashes = [sha256(text).digest() for text in texts]
    text = _joint_base64url(hashes).decode()
    return [text[at : at + DIGEST_CHARS] for at in range(0, len(text), DIGEST_CHARS + 1)]


def new_salts(count: int) -> tuple[list[bytes], list[bytes]]:
    """Fresh salts of 128 random bits each, from one call of the operating system.

    Returns:
        The salts' bytes, and their base64url texts, side by side.
    """
    raw = os.urandom(SALT_BYTES * count)
    salts = [raw[at : at + SALT_BYTES] for at in range(0, len(raw), SALT_BYTES)]
    text = _joint_base64url(salts)
    return salts, [text[at : at + SALT_CHARS] for at in range(0, len(text), SALT_CHARS + 2)]


def dump(value: Any) -> bytes:
    """A value's JSON bytes, with the keys that RFC 9901 gives a meaning to escaped."""
    data = orjson.dumps(value)
    # A byte, and searching from the end, are the fastest ways to find nothing.
    if 0x7E in data or data.rfind(b'"_sd') >= 0 or data.rfind(b'"..."') >= 0:
        return orjson.dumps(escape_keys(value))
    return data


def _is_reserved(key: str) -> bool:
    return key.startswith("~") or key in ("_sd", "_sd_alg", "...")


def escape_keys(value: Any) -> Any:
    """Put one ``~`` before every key that is reserved or begins with ``~``, at every depth."""
    return _map_keys(value, lambda key: f"~{key}" if _is_reserved(key) else key)


def unescape_keys(value: Any) -> Any:
    """Undo :func:`escape_keys`."""
    return _map_keys(value, lambda key: key[1:] if key.startswith("~") else key)


def _map_keys(value: Any, rename: Callable[[str], str]) -> Any:
    # The chain bounds the depth (20), so that recursion is safe here.
    if isinstance(value, dict):
        return {rename(key): _map_keys(item, rename) for key, item in value.items()}
    if isinstance(value, list):
        return [_map_keys(item, rename) for item in value]
    return value
