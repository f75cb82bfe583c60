"""Disclosures: the salted values that an entry commits to (RFC 9901 section 4.2).

A disclosure is the JSON array ``[salt, name, value]``. What is hashed is the base64url
text of ``["<salt>","<name>",<value>]`` without white space, around the value's bytes
exactly as stored: a value is never serialised again to be verified. A store keeps the
sixteen bytes of salt and the value's bytes, which give the exact bytes back.
"""

from __future__ import annotations

import os
from binascii import b2a_base64
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

SALT_BYTES = 16
DIGEST_CHARS = 43

#: The disclosures that have a place in an event's row; all others name a person each.
NAMES = ("actor", "client", "resource", "state", "details", "body")

_URLSAFE = bytes.maketrans(b"+/", b"-_")
_PAD = (b"", b"\0\0", b"\0")


class Disclosure(NamedTuple):
    """One committed value: a name, its salt (16 bytes) and the value's JSON bytes."""

    name: str
    salt: bytes
    value: bytes

    @classmethod
    def unpack(cls, name: str, stored: bytes) -> Disclosure:
        """From the form that a store keeps: sixteen bytes of salt, then the value."""
        return cls(name, stored[:SALT_BYTES], stored[SALT_BYTES:])

    def encode(self) -> bytes:
        """The disclosure's JSON bytes, whose base64url text is hashed."""
        return frame(self.name, base64url(self.salt), self.value)

    def digest(self) -> bytes:
        """The digest's text as it stands in the entry's ``_sd`` (43 ASCII bytes)."""
        return digests([self.encode()])[0]

    def text(self) -> str:
        """The disclosure as RFC 9901 hands it over: base64url text."""
        return base64url(self.encode()).decode()

    def load(self) -> Any:
        """The value, with the escaped keys as the caller wrote them."""
        value = orjson.loads(self.value)
        return unescape_keys(value) if b'"~' in self.value else value


def base64url(data: bytes) -> bytes:
    """Base64url without padding (RFC 4648 section 5)."""
    return b2a_base64(data, newline=False).translate(_URLSAFE).rstrip(b"=")


def frame(name: str, salt_text: bytes, value: bytes) -> bytes:
    """The disclosure's JSON array around a value's bytes."""
    return b'["%b","%b",%b]' % (salt_text, name.encode(), value)


def digests(frames: Sequence[bytes]) -> list[bytes]:
    """The digests of many disclosures, as texts of 43 ASCII bytes.

    All are encoded in one pass: zero bytes up to a multiple of three keep the texts apart
    without changing them, since base64 pads the last group with zero bits anyway.
    """
    padded = b"".join([data + _PAD[len(data) % 3] for data in frames])
    text = b2a_base64(padded, newline=False).translate(_URLSAFE)
    hashes = []
    start = 0
    for data in frames:
        size = len(data)
        hashes.append(sha256(text[start : start + (size * 4 + 2) // 3]).digest())
        start += (size + 2) // 3 * 4
    hashes.append(b"")
    text = b2a_base64(b"\0".join(hashes), newline=False).translate(_URLSAFE)
    return [text[at : at + DIGEST_CHARS] for at in range(0, 44 * len(frames), 44)]


def salts(count: int) -> tuple[list[bytes], list[bytes]]:
    """Fresh salts of 128 random bits each, from one call of the operating system.

    Returns:
        The salts' bytes, and their texts of 22 characters of base64url, side by side.
    """
    raw = os.urandom(SALT_BYTES * count)
    # Two zero bytes after each salt make it a multiple of three, so that all are encoded at
    # once; the two characters that they add are left out.
    padded = bytearray(18 * count)
    for offset in range(SALT_BYTES):
        padded[offset::18] = raw[offset::16]
    text = b2a_base64(padded, newline=False).translate(_URLSAFE)
    return (
        [raw[at : at + 16] for at in range(0, 16 * count, 16)],
        [text[at : at + 22] for at in range(0, 24 * count, 24)],
    )


def dump(value: Any) -> bytes:
    """A value's JSON bytes, with the keys that RFC 9901 gives a meaning to escaped."""
    data = orjson.dumps(value)
    if b'"_sd' in data or b'"...' in data or b'"~' in data:
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


def _map_keys(value: Any, rename: Any) -> Any:
    # The chain bounds the depth (20), so that recursion is safe here.
    if isinstance(value, dict):
        return {rename(key): _map_keys(item, rename) for key, item in value.items()}
    if isinstance(value, list):
        return [_map_keys(item, rename) for item in value]
    return value
