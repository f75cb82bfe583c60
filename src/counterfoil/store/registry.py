"""The registry: small facts that servers of one database share, such as keys and sessions."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class RegistryRow(NamedTuple):
    """One fact.

    Attributes:
        kind: what sort of fact it is; ``name``: which one of them.
        value: opaque bytes.
        expires_at: microseconds since the Unix epoch, after which it may be removed; None for
            what stays.
    """

    kind: str
    name: str
    value: bytes
    expires_at: int | None = None


class Registry(Protocol):
    """The part of a store that keeps the registry; what changes it is as durable as ``append``.

    There is at most one fact of the kind ``seal``: its value seals every log that is made while
    it is there (``Head.sealed``). When ``register`` has put it there, the logs whose making it
    did not seal can be seen.
    """

    async def register(self, row: RegistryRow) -> RegistryRow:
        """Add to the registry, unless there is one of that kind and name; returns what is there."""
        ...

    async def reregister(self, row: RegistryRow, expected: bytes) -> bool:
        """Replace what the registry holds, where its value is ``expected``; False elsewhere."""
        ...

    async def unregister(self, kind: str, name: str) -> bool:
        """Remove from the registry; whether it was there."""
        ...

    async def unregister_expired(self, now: int) -> int:
        """Remove all that expired by a time (microseconds); how many there were."""
        ...

    async def registered(self, kind: str, name: str) -> RegistryRow | None:
        """What the registry holds of that kind and name; expired or not."""
        ...

    async def registry(self, kind: str) -> list[RegistryRow]:
        """All that the registry holds of a kind, by name; expired or not."""
        ...
