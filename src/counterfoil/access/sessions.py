"""Sessions: somebody who signed in with a key, by a cookie that is not the key.

The cookie holds 256 random bits, and the registry their SHA-256. A session ends when it was
not used for half an hour, after twelve hours in any case, and with the key that began it.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import orjson

from counterfoil.clock import Clock
from counterfoil.errors import AuthenticationError
from counterfoil.record.instant import HOUR, SECOND
from counterfoil.store.registry import Registry, RegistryRow

from .keyring import Keyring
from .principal import Principal

KIND: Final = "session"
LONGEST: Final = 12 * HOUR
IDLE: Final = HOUR // 2
#: How exactly it is known when a session was last used.
_SEEN_EVERY: Final = 60 * SECOND
_CHARS: Final = 43


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in.

    Attributes:
        principal: who.
        cookie: what the browser presents.
        csrf: what every form of theirs must send along; nobody else can know it.
        ends_at: microseconds since the Unix epoch.
    """

    principal: Principal
    cookie: str
    csrf: str
    ends_at: int


class Sessions:
    """The sessions of a database, which all its servers share.

    Args:
        registry: where they are kept.
        keyring: says whether a session's key is still valid.
        clock: gives times.
    """

    def __init__(self, registry: Registry, keyring: Keyring, clock: Clock) -> None:
        self._registry = registry
        self._keyring = keyring
        self._now = clock.now

    async def begin(self, key: str, *, address: str | None = None) -> Session:
        """Sign in with an access key.

        Args:
            address: where they are, as far as it is known.

        Raises:
            AuthenticationError: it is no valid key. ThrottledError: too many tries failed.
        """
        principal = await self._keyring.authenticate(key, address=address)
        now = self._now()
        await self._registry.unregister_expired(now)
        cookie = secrets.token_urlsafe(32)
        ends_at = now + LONGEST
        value = _value(principal.key_id, now)
        await self._registry.register(RegistryRow(KIND, _name(cookie), value, ends_at))
        return Session(principal, cookie, _csrf(cookie), ends_at)

    async def find(self, cookie: str, *, use: bool = True) -> Session:
        """The session of a cookie.

        Args:
            use: whether somebody does something with it, so that it is not idle. What a page
                asks for by itself is no use: nobody may be sitting there any more.

        Raises:
            AuthenticationError: there is none, it has ended, or its key is no longer valid.
        """
        now = self._now()
        row = None
        if len(cookie) == _CHARS and cookie.isascii():
            row = await self._registry.registered(KIND, _name(cookie))
        if row is None or row.expires_at is None or row.expires_at <= now:
            raise AuthenticationError("There is no such session.", remedy="Sign in.")
        held = orjson.loads(row.value)
        if now - held["seen_at"] >= IDLE:
            await self._registry.unregister(KIND, row.name)
            raise AuthenticationError("The session was not used for too long.", remedy="Sign in.")
        principal = await self._keyring.principal(held["key"])
        if use and now - held["seen_at"] >= _SEEN_EVERY:
            fresh = row._replace(value=_value(held["key"], now))
            await self._registry.reregister(fresh, row.value)
        return Session(principal, cookie, _csrf(cookie), row.expires_at)

    async def end(self, cookie: str) -> None:
        """Sign out. Idempotent."""
        await self._registry.unregister(KIND, _name(cookie))


def is_csrf(session: Session, sent: str) -> bool:
    """Whether a form was sent by a page of this session, in constant time."""
    return hmac.compare_digest(session.csrf.encode(), sent.encode())


def _value(key_id: str, seen_at: int) -> bytes:
    return orjson.dumps({"key": key_id, "seen_at": seen_at})


def _name(cookie: str) -> str:
    return sha256(cookie.encode()).hexdigest()


def _csrf(cookie: str) -> str:
    return hmac.digest(cookie.encode(), b"counterfoil csrf token v1", "sha256").hex()
