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
from collections.abc import Callable, Iterable
from hashlib import sha256
from operator import mod
from struct import Struct
from typing import Any, NamedTuple

import orjson

SALT_BYTES = 16
MAX_SUBJECTS = 1_000

#: The disclosures that have a place in an event's row.
NAMES = ("actor", "client", "resource", "state", "details", "body")
#: All disclosures: after those of the row, those that name a further person each. A slot is a
#: place in this list.
SLOTS = (*NAMES, "on_behalf_of", "impersonator", *(f"subject_{n}" for n in range(MAX_SUBJECTS)))

_FRAMES = [b'["%%b","%b",%%b]' % name.encode() for name in SLOTS]

_FORM = re.compile(rb'\["([0-9A-Za-z_-]{22})","([a-z_]+[0-9]*)",(.*)\]', re.DOTALL).fullmatch
_SALTS = Struct(f"{SALT_BYTES}s")
_URLSAFE = bytes.maketrans(b"+/", b"-_")
#: A copy of a hash that was begun saves OpenSSL the search for the algorithm.
_new_hash = sha256().copy


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


def _base64url_lines(items: Iterable[bytes]) -> bytes:
    """The base64url texts of many items, a newline after each."""
    # Item by item only where it must be, and without coming back to the interpreter for each.
    return b"".join(map(b2a_base64, items)).translate(_URLSAFE, b"=")


def base64url_texts(items: Iterable[bytes]) -> list[bytes]:
    """:func:`base64url` of many items at once."""
    return _base64url_lines(items).split(b"\n")[:-1]


def digests(slots: Iterable[int], salts: Iterable[bytes], values: Iterable[bytes]) -> list[str]:
    """The digests of many disclosures, as they stand in the entry's ``_sd``.

    Args:
        slots: which disclosure each value is, as a place in :data:`SLOTS`.
        salts: the salts' base64url texts.
        values: the values' JSON bytes.
    """
    encoded = map(mod, map(_FRAMES.__getitem__, slots), zip(salts, values, strict=True))
    # As in base64url: JSON seldom has what is replaced, and a table would be asked for each byte.
    lines = b"".join(map(b2a_base64, encoded))
    lines = lines.replace(b"=", b"").replace(b"+", b"-").replace(b"/", b"_")
    hashes = []
    for text in lines.split(b"\n")[:-1]:
        hashing = _new_hash()
        hashing.update(text)
        hashes.append(hashing.digest())
    return _base64url_lines(hashes).decode().split("\n")[:-1]


def new_salts(count: int) -> tuple[list[bytes], list[bytes]]:
    """Fresh salts of 128 random bits each, from one call of the operating system.

    Returns:
        The salts' bytes, and their base64url texts, side by side.
    """
    salts = [salt for [salt] in _SALTS.iter_unpack(os.urandom(SALT_BYTES * count))]
    return salts, base64url_texts(salts)


def dump_plain(value: Any) -> bytes:
    """A value's JSON bytes; of one that has no key which RFC 9901 gives a meaning."""
    # A copy: what orjson returns is the rest of a kilobyte, and events that wait with it by the
    # thousand leave a heap of holes, in which each next kilobyte is looked for at length.
    return b"%b" % orjson.dumps(value)


def dump(value: Any) -> bytes:
    """A value's JSON bytes, with the keys that RFC 9901 gives a meaning to escaped."""
    data = dump_plain(value)
    # A byte, and searching from the end, are the fastest ways to find nothing.
    if 0x7E in data or data.rfind(b'"_sd') >= 0 or data.rfind(b'"..."') >= 0:
        return dump_plain(escape_keys(value))
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
