"""Repeats: what came first under an idempotency key, for all servers of a database to know."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Final, NamedTuple

import orjson

from counterfoil.clock import Clock
from counterfoil.record.instant import DAY
from counterfoil.store.registry import Registry, RegistryRow

from .principal import Principal

KIND: Final = "idempotency"
#: How long a key is remembered.
KEPT: Final = DAY


class First(NamedTuple):
    """The request that came first under a key.

    Attributes:
        at: when it came, microseconds since the Unix epoch.
        name: 32 bytes that stand for the key and its sender.
        same: whether it had the same body.
    """

    at: int
    name: bytes
    same: bool


class Repeats:
    """The idempotency keys of the last 24 hours.

    Args:
        registry: where they are kept, as hashes.
        clock: gives times.
    """

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._now = clock.now

    async def first(self, who: Principal, key: str, body: bytes) -> First:
        """What came first under a key of somebody's; this request, where nothing did."""
        now = self._now()
        name = sha256(f"{who.key_id}\0{key}".encode()).digest()
        digest = sha256(body).hexdigest()
        fresh = RegistryRow(KIND, name.hex(), orjson.dumps({"at": now, "body": digest}), now + KEPT)
        held = await self._registry.register(fresh)
        if held.expires_at is not None and held.expires_at <= now:
            await self._registry.reregister(fresh, held.value)
            held = await self._registry.registered(KIND, fresh.name) or fresh
        known = orjson.loads(held.value)
        return First(known["at"], name, hmac.compare_digest(known["body"], digest))
