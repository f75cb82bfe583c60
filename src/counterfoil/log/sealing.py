"""Sealing: all logs of a database are closed to writers, and opened again.

What survives a crash at each step: once the registry has the seal, no log is made any more that
is not sealed; logs are sealed one group after the other, each together with the entry that says
so. Sealing again with the same seal goes on where it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from counterfoil.clock import Clock
from counterfoil.errors import InputError
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.row import EventRow
from counterfoil.store import Batch, Head, HeadRequest, Store

from .proving.evidence import SignedCheckpoint
from .proving.prover import Prover
from .seal import SEALED, Seal, put_seal, replace_seal, seal_of, sealed_error, take_seal
from .write.batch import BatchBuilder

CONFIG_TYPE = "audit.config"
#: Logs in one transaction.
GROUP = 64

#: Makes an entry of the log's own: event type, log, the ``audit`` member.
MakeEntry = Callable[[str, str, dict[str, Any]], UntimedEntry]


class Sealing:
    """Seals the logs of a database, and opens them.

    Args:
        store: an open store.
        prover: signs the last checkpoints.
        clock: gives times.
        make: makes the entries that say what was done.
    """

    def __init__(self, store: Store, prover: Prover, clock: Clock, make: MakeEntry) -> None:
        self._store = store
        self._prover = prover
        self._clock = clock
        self._make = make

    async def seal(self, seal: Seal) -> dict[str, SignedCheckpoint]:
        """Close every log to every writer, and sign its last checkpoint.

        Each log's last entry, ``audit.config``, says so. When this returns, nothing more is
        acknowledged by any process.

        Returns:
            The last checkpoints, by log.

        Raises:
            SealedError: it is sealed for something else.
            KeyFileError: this process does not hold the key; the logs are sealed all the same.
        """
        held = await put_seal(self._store, seal)
        if held != seal:
            raise sealed_error(held)
        facts = {"kind": "sealed", "to": seal.place}
        while due := [head for head in await self._store.heads() if head.sealed is None]:
            for group in groups(due):
                await mark(self._store, self._clock, self._make, group, facts, seal.text())
        return await self.sign()

    async def sign(self) -> dict[str, SignedCheckpoint]:
        """The checkpoint of every log as it is now.

        Raises:
            CounterfoilError, OSError: one could not be signed.
        """
        found = {}
        for group in groups(await self._store.heads()):
            for log, signed in (
                await self._prover.checkpoint_all([head.log for head in group])
            ).items():
                if isinstance(signed, Exception):
                    raise signed
                found[log] = signed
        return found

    async def unseal(self) -> list[str]:
        """Open a database again that was sealed and has not moved; returns its logs.

        Each log gets an ``audit.config`` entry that says so.

        Raises:
            InputError: it is not sealed.
            SealedError: another database has taken over, or it is a copy.
        """
        seal = await seal_of(self._store)
        if seal is None:
            raise InputError("The database is not sealed.", remedy="There is nothing to undo.")
        # From here on a move that is under way cannot come to its end.
        opening = Seal(SEALED, "it is being opened again")
        if seal.state != SEALED or (
            seal != opening and not await replace_seal(self._store, seal, opening)
        ):
            raise sealed_error(await seal_of(self._store) or seal)
        names = []
        for group in groups([head for head in await self._store.heads() if head.sealed]):
            await mark(self._store, self._clock, self._make, group, {"kind": "unsealed"}, None)
            names += [head.log for head in group]
        await take_seal(self._store)
        return names


async def mark(
    store: Store,
    clock: Clock,
    make: MakeEntry,
    heads: Sequence[Head],
    facts: dict[str, Any],
    sealed: str | None,
) -> None:
    """Seal or open logs, each with an entry that says so, in one transaction.

    Args:
        heads: of at most 64 logs; those that have that seal already are left out.
        sealed: the seal from then on; None opens.
    """
    entries = [make(CONFIG_TYPE, head.log, facts) for head in heads if head.sealed != sealed]
    past = {head.log: head.sealed for head in heads if head.sealed is not None}
    origins = {head.log: head.origin for head in heads}
    if not entries:
        return
    builder = BatchBuilder(entries, clock, {}, origins.__getitem__, past)

    def build(found: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
        batch = builder.build(found, known)
        batch.heads = [replace(head, sealed=sealed) for head in batch.heads]
        return batch

    await store.append(builder.requests, [], build, builder.prepare)


async def remark(store: Store, heads: Sequence[Head], sealed: str) -> None:
    """Change what the seals of logs say, of at most 64; nothing else of them changes."""

    def build(found: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
        return Batch(heads=[replace(head, sealed=sealed) for head in found.values()])

    requests = [HeadRequest(head.log, head.origin, lambda _: False) for head in heads]
    await store.append(requests, [], build)


def groups(heads: Sequence[Head]) -> Iterator[Sequence[Head]]:
    """Heads, so many at once as one transaction may touch."""
    for start in range(0, len(heads), GROUP):
        yield heads[start : start + GROUP]
