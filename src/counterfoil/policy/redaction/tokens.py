"""Tokens: what stands for a value that must still be matched, and never be read.

A token is HMAC-SHA256 (RFC 2104) of the value, cut to 128 bits, under a key of the company's
own, which HKDF-SHA256 (RFC 5869) derives from a master key. Equal values of one company have
equal tokens; without the master key neither the value nor equality across companies shows.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from counterfoil.errors import ConfigurationError

from . import marker

MASTER_KEY_BYTES = 32
DIGEST_BYTES = 16
KEPT_COMPANIES = 16_384
"""Derived keys kept in memory; beyond that the oldest goes, and is derived anew when needed."""

_KEY_ID = re.compile(marker.KEY_ID)


_NOTED: ContextVar[dict[str, list[str]] | None] = ContextVar("counterfoil_tokens", default=None)


@contextmanager
def noting_older() -> Iterator[dict[str, list[str]]]:
    """Note for each token that is made what the same value's was under older keys.

    So that what was recorded before a rotation can be compared with what is made after it.
    """
    noted: dict[str, list[str]] = {}
    before = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(before)


def _note(newest: str, older: Callable[[], list[str]]) -> str:
    noted = _NOTED.get()
    if noted is not None and newest not in noted:
        noted[newest] = older()[1:]
    return newest


class Tokens(Protocol):
    """Makes tokens, and finds them."""

    def token(self, kind: str, value: str, company_id: str | None = None) -> str:
        """What stands for a value: a token, or a mark where there is no key to make it with."""

    def tokens(self, kind: str, value: str, company_id: str | None = None) -> list[str]:
        """What `token` gives or once gave for this value, the newest key's first."""


class Tokeniser:
    """Makes tokens under the newest of its keys, and finds them under any.

    Args:
        keys: key id (`[a-z0-9][a-z0-9_-]{0,15}`) and master key (32 bytes or more) of each
            kept key, the oldest first. Keep old ones: what they tokenised is found and erased
            with them.

    Raises:
        ConfigurationError: no key, a bad or repeated id, or a key that is too short.
    """

    def __init__(self, keys: Sequence[tuple[str, bytes]]) -> None:
        if not keys:
            raise ConfigurationError(
                "A tokeniser needs at least one key.",
                remedy="Give it a key id and 32 random bytes.",
            )
        for key_id, master in keys:
            _check(key_id, master)
        if len({key_id for key_id, _ in keys}) < len(keys):
            raise ConfigurationError(
                "Two token keys have the same id.", remedy="Give each key an id of its own."
            )
        self._keys = tuple((key_id, bytes(master)) for key_id, master in reversed(keys))
        self._derived: dict[tuple[str, str | None], bytes] = {}

    def token(self, kind: str, value: str, company_id: str | None = None) -> str:
        """`[redacted:<kind>:<key id>:<keyed hash>]` under the newest key."""
        key_id, master = self._keys[0]
        made = self._token(kind, value, company_id, key_id, master)
        if len(self._keys) > 1:
            return _note(made, lambda: self.tokens(kind, value, company_id))
        return made

    def tokens(self, kind: str, value: str, company_id: str | None = None) -> list[str]:
        """What `token` gives or once gave for this value: one token a kept key, newest first."""
        return [
            self._token(kind, value, company_id, key_id, master) for key_id, master in self._keys
        ]

    def company_keys(self, company_id: str | None = None) -> list[tuple[str, bytes]]:
        """The derived keys of one company with their ids, the newest first.

        They are what a process elsewhere needs to make that company's tokens, and no others.
        """
        return [(key_id, self._key(key_id, master, company_id)) for key_id, master in self._keys]

    def _token(
        self, kind: str, value: str, company_id: str | None, key_id: str, master: bytes
    ) -> str:
        return _token(kind, key_id, self._key(key_id, master, company_id), value)

    def _key(self, key_id: str, master: bytes, company_id: str | None) -> bytes:
        return self._derived.get((key_id, company_id)) or self._derive(key_id, master, company_id)

    def _derive(self, key_id: str, master: bytes, company_id: str | None) -> bytes:
        # Imported here: it takes a tenth of the time budget of `import counterfoil`.
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        info = b"counterfoil redaction token v1\0"
        if company_id is not None:
            info += b"company\0" + company_id.encode("utf-8", "surrogatepass")
        key = HKDF(SHA256(), length=32, salt=None, info=info).derive(master)
        if len(self._derived) >= KEPT_COMPANIES:
            self._derived.pop(next(iter(self._derived)), None)
        self._derived[key_id, company_id] = key
        return key


class HeldTokens:
    """Makes the tokens of the companies whose keys are there, and of no others.

    The keys are kept in memory alone.

    Args:
        missing: called with a company whose keys are not there, on each value that is due a
            token of theirs.
    """

    def __init__(self, missing: Callable[[str | None], None] | None = None) -> None:
        self._missing = missing
        self._held: dict[str | None, Sequence[tuple[str, bytes]]] = {}

    def hold(self, company_id: str | None, keys: Sequence[tuple[str, bytes]]) -> None:
        """Keep a company's derived keys, the newest first; none at all makes no tokens.

        Raises:
            ConfigurationError: an id is malformed, or a key too short.
        """
        for key_id, key in keys:
            _check(key_id, key)
        if len(self._held) >= KEPT_COMPANIES:
            self._held.pop(next(iter(self._held)), None)
        self._held[company_id] = tuple(keys)

    def holds(self, company_id: str | None) -> bool:
        """Whether it is known what keys a company has."""
        return company_id in self._held

    def forget_missing(self) -> None:
        """Ask again for the keys of companies that had none."""
        self._held = {company: keys for company, keys in self._held.items() if keys}

    def token(self, kind: str, value: str, company_id: str | None = None) -> str:
        """A token under the company's newest key; `[redacted:<kind>]` without one."""
        keys = self._keys_of(company_id)
        if len(keys) > 1:
            made = _token(kind, *keys[0], value)
            return _note(made, lambda: self.tokens(kind, value, company_id))
        return _token(kind, *keys[0], value) if keys else marker.dropped(kind)

    def tokens(self, kind: str, value: str, company_id: str | None = None) -> list[str]:
        """One token a kept key, newest first; empty without any."""
        return [_token(kind, key_id, key, value) for key_id, key in self._keys_of(company_id)]

    def _keys_of(self, company_id: str | None) -> Sequence[tuple[str, bytes]]:
        keys = self._held.get(company_id)
        if keys is None:
            if self._missing is not None:
                self._missing(company_id)
            return ()
        return keys


def _token(kind: str, key_id: str, key: bytes, value: str) -> str:
    digest = hmac.digest(key, value.encode("utf-8", "surrogatepass"), "sha256")
    return marker.token(kind, key_id, digest[:DIGEST_BYTES].hex())


def _check(key_id: str, key: bytes) -> None:
    if _KEY_ID.fullmatch(key_id) is None:
        raise ConfigurationError(
            "A token key's id is not of the form [a-z0-9][a-z0-9_-]{0,15}.",
            remedy="Use something short, such as k1.",
        )
    if len(key) < MASTER_KEY_BYTES:
        raise ConfigurationError(
            f"The token key {key_id!r} is shorter than {MASTER_KEY_BYTES} bytes.",
            remedy="Use 32 bytes from secrets.token_bytes.",
        )
