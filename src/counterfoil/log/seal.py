"""Seals: the durable mark of logs that are not written to any more.

A seal stands on the head of each log, where every append compares it under the head's lock, and
once in the store's registry, so that a log which is made later is born sealed. It says why:

- ``sealed``: the logs are being moved, or kept from being written to; it can be taken off;
- ``moved``: another database has taken them over, and with them the right to sign; for good;
- ``copying``: a copy that is not complete yet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson

from counterfoil.errors import SealedError, StoreCorruptError
from counterfoil.store import Store
from counterfoil.store.registry import RegistryRow

#: The kind of the registry's row; a store makes new logs with its value as their seal.
KIND = "seal"
_NAME = "database"

SEALED, MOVED, COPYING = "sealed", "moved", "copying"


@dataclass(frozen=True, slots=True)
class Seal:
    """Why logs are not written to.

    Attributes:
        state: ``sealed``, ``moved`` or ``copying``.
        place: where they go, or come from: an address without secrets, or a reason.
        copy: tells one move or copy from another.
    """

    state: str
    place: str
    copy: str = ""

    def text(self) -> str:
        """The seal as stores keep it."""
        return orjson.dumps(
            {"state": self.state, "place": self.place, "copy": self.copy},
            option=orjson.OPT_SORT_KEYS,
        ).decode()

    @classmethod
    def parse(cls, text: str | bytes) -> Seal:
        """Read a seal back.

        Raises:
            StoreCorruptError: it is none.
        """
        try:
            members: dict[str, Any] = orjson.loads(text)
            return cls(str(members["state"]), str(members["place"]), str(members["copy"]))
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise StoreCorruptError("A log's seal cannot be read.") from error

    def row(self) -> RegistryRow:
        """The registry's row of the seal."""
        return RegistryRow(KIND, _NAME, self.text().encode())

    def moved(self) -> Seal:
        """The same once another database has taken over."""
        return replace(self, state=MOVED)


def sealed_error(seal: Seal) -> SealedError:
    """What somebody is told who writes to a sealed log."""
    if seal.state == COPYING:
        return SealedError(
            f"The log is a copy of {seal.place} that is not complete.",
            remedy="Run `counterfoil copy` again with the same source and target: it goes on.",
        )
    if seal.state == MOVED:
        return SealedError(
            f"The log has moved to {seal.place}.", remedy="Open it there: AuditLog.open()."
        )
    return SealedError(
        f"The log is sealed: {seal.place}.",
        remedy="Open it where it goes, or run `counterfoil unseal` if it stays.",
    )


async def seal_of(store: Store) -> Seal | None:
    """A database's seal, or None where it may be written to.

    Raises:
        StoreError: the store is away, or the seal cannot be read.
    """
    row = await store.registered(KIND, _NAME)
    return None if row is None else Seal.parse(row.value)


async def put_seal(store: Store, seal: Seal) -> Seal:
    """Seal a database against new logs, where it is not sealed yet; returns what seals it."""
    return Seal.parse((await store.register(seal.row())).value)


async def replace_seal(store: Store, old: Seal, new: Seal) -> bool:
    """Put another seal in the place of one; False where that is not there any more."""
    return await store.reregister(new.row(), old.row().value)


async def take_seal(store: Store) -> None:
    """Let new logs be made again."""
    await store.unregister(KIND, _NAME)
