"""Tokens: what stands for a value that must still be matched, and never be read.

A token is HMAC-SHA256 (RFC 2104) of the value, cut to 128 bits, under a key of the company's
own, which HKDF-SHA256 (RFC 5869) derives from a master key. Equal values of one company have
equal tokens; without the master key neither the value nor equality across companies shows.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence

from counterfoil.errors import ConfigurationError

from . import marker

MASTER_KEY_BYTES = 32
DIGEST_BYTES = 16
KEPT_COMPANIES = 1024
"""Derived keys kept in memory; beyond that the oldest goes, and is derived anew when needed."""

_KEY_ID = re.compile(marker.KEY_ID)


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
            if _KEY_ID.fullmatch(key_id) is None:
                raise ConfigurationError(
                    "A token key's id is not of the form [a-z0-9][a-z0-9_-]{0,15}.",
                    remedy="Use something short, such as k1.",
                )
            if len(master) < MASTER_KEY_BYTES:
                raise ConfigurationError(
                    f"The token key {key_id!r} is shorter than {MASTER_KEY_BYTES} bytes.",
                    remedy="Use 32 bytes from secrets.token_bytes.",
                )
        if len({key_id for key_id, _ in keys}) < len(keys):
            raise ConfigurationError(
                "Two token keys have the same id.", remedy="Give each key an id of its own."
            )
        self._keys = tuple((key_id, bytes(master)) for key_id, master in reversed(keys))
        self._derived: dict[tuple[str, str | None], bytes] = {}

    def token(self, kind: str, value: str, company_id: str | None = None) -> str:
        """`[redacted:<kind>:<key id>:<keyed hash>]` under the newest key."""
        key_id, master = self._keys[0]
        return self._token(kind, value, company_id, key_id, master)

    def tokens(self, kind: str, value: str, company_id: str | None = None) -> list[str]:
        """What `token` gives or once gave for this value: one token a kept key, newest first."""
        return [
            self._token(kind, value, company_id, key_id, master) for key_id, master in self._keys
        ]

    def _token(
        self, kind: str, value: str, company_id: str | None, key_id: str, master: bytes
    ) -> str:
        key = self._derived.get((key_id, company_id)) or self._derive(key_id, master, company_id)
        digest = hmac.digest(key, value.encode("utf-8", "surrogatepass"), "sha256")
        return marker.token(kind, key_id, digest[:DIGEST_BYTES].hex())

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
