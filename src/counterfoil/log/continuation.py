"""Continuation: a copy goes on under origins and a key of its own; the source stays as it is."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace

from counterfoil.record.row import EventRow
from counterfoil.store import Batch, Head

from .copy_ends import CopyEnds
from .proving.evidence import SignedCheckpoint
from .proving.identity import EARLIER_KEY, Identity
from .proving.rollback import RESTORED_TYPE
from .seal import Seal, take_seal
from .write.batch import BatchBuilder


class Continuation:
    """Copies what the source has signed; called again after a crash, it goes on where it was.

    Args:
        ends: the two databases.
        seal: the target's, which says whose copy it is.
    """

    def __init__(self, ends: CopyEnds, seal: Seal) -> None:
        self._ends = ends
        self._seal = seal

    async def run(self, log: str | None) -> None:
        """Copy one log or all, verify the copy, and begin it anew.

        Raises:
            StoreCorruptError: the copy is not what the source has signed.
        """
        ends, target, source = self._ends, self._ends.target, self._ends.identity
        identity = await Identity.establish(target, ends.key_file, ends.clock)
        if all(head.sealed is not None for head in await target.heads()):
            await self._copy(log)
        # Else an earlier call had verified the copy, and has begun to open it.
        assert source.public_key is not None, "the source signs"
        earlier = {source.database: source.public_key, **source.earlier}
        await target.put_meta(
            {f"{EARLIER_KEY}{name}": b64encode(key).decode() for name, key in earlier.items()}
        )
        for head in await target.heads():
            if head.sealed is not None:
                await self._begin_anew(head, f"{identity.database}/{head.log}")
        await take_seal(target)

    async def _copy(self, log: str | None) -> None:
        """Copy what the source has signed by now, and verify it."""
        ends = self._ends
        signed = await ends.sealing.sign()
        signed = {name: one for name, one in signed.items() if log is None or name == log}
        heads = [
            await self._at(head, signed[head.log])
            for head in await ends.source.heads()
            if head.log in signed
        ]
        await ends.copy_events("Copying", heads, self._seal)
        await ends.copy_companies({head.log for head in heads})
        await ends.copy_checkpoints(heads, self._seal)
        await ends.verify(signed)

    async def _at(self, head: Head, signed: SignedCheckpoint) -> Head:
        """The source's head as it was at a checkpoint."""
        if head.size == signed.size:
            return head
        tree = self._ends.backend.prover.tree(head)
        frontier = await tree.frontier(signed.size)
        return replace(head, size=signed.size, frontier=frontier.to_bytes(), recorded_at=0)

    async def _begin_anew(self, head: Head, origin: str) -> None:
        signed = await self._signed_at(head)
        facts = {
            "kind": "restored",
            "origin": origin,
            "old_origin": signed.origin,
            "old_checkpoint": signed.text,
            "old_key": str(signed.verifier_key),
        }
        entry = self._ends.make(RESTORED_TYPE, head.log, facts)
        past = {head.log: head.sealed or ""}
        builder = BatchBuilder([entry], self._ends.clock, {}, lambda _: origin, past)

        def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
            batch = builder.build(heads, known)
            batch.heads = [replace(one, origin=origin, sealed=None) for one in batch.heads]
            return batch

        await self._ends.target.append(builder.requests, [], build, builder.prepare)

    async def _signed_at(self, head: Head) -> SignedCheckpoint:
        """What the source has signed at the size that a copied log has."""
        source = self._ends.source
        there = await source.head(head.log)
        assert there is not None, "it was copied"
        [row] = await source.checkpoints(there.number, first=head.size, last=head.size)
        key = self._ends.identity.verifier_key(head.origin)
        assert key is not None, "the source signs"
        return SignedCheckpoint.open(head.log, row, key)
