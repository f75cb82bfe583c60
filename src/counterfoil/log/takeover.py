"""Takeover: a copy takes origin and key from the source, which is sealed for good."""

from __future__ import annotations

import asyncio

from counterfoil.errors import InputError, KeyFileError
from counterfoil.store import Head

from .copy_ends import CopyEnds
from .proving.published import PublishedCheckpoints
from .seal import MOVED, SEALED, Seal, replace_seal, seal_of, take_seal
from .sealing import groups, mark, remark


class Takeover:
    """Moves a database's logs; called again after a crash, it goes on where it was.

    Args:
        ends: the two databases.
        seal: the target's, which says whose copy it is.
    """

    def __init__(self, ends: CopyEnds, seal: Seal) -> None:
        self._ends = ends
        self._seal = seal

    async def run(self, heads: list[Head]) -> None:
        """Copy, seal, verify, and hand over; the source's heads are where the copy begins.

        Raises:
            InputError: the source was opened again meanwhile.
            KeyFileError: there is no key that could be taken over.
            StoreCorruptError: the copy is not what the source has signed.
        """
        ends, target = self._ends, self._ends.target
        leaving = Seal(SEALED, f"it is being moved to {target.name}", self._seal.copy)
        gone = Seal(MOVED, target.name, self._seal.copy)
        if await seal_of(ends.source) != gone:
            await ends.copy_events("Copying", heads, self._seal)
            await self._finish(leaving)
            if not await replace_seal(ends.source, leaving, gone):
                raise InputError("The source was opened again meanwhile: it stays where it is.")
        sealed = await ends.source.heads()
        for group in groups([one for one in sealed if one.sealed != gone.text()]):
            await remark(ends.source, group, gone.text())
        await self._take_key()
        for group in groups([head for head in await target.heads() if head.sealed]):
            facts = {"kind": "taken_over", "from": ends.source.name}
            await mark(target, ends.clock, ends.make, group, facts, None)
        await take_seal(target)

    async def _finish(self, leaving: Seal) -> None:
        """Seal the source, copy the rest, and verify the copy."""
        ends = self._ends
        signed = await ends.sealing.seal(leaving)
        heads = await ends.source.heads()
        await ends.copy_events("Copying the rest", heads, self._seal)
        await ends.copy_companies()
        await ends.copy_checkpoints(heads, self._seal)
        await ends.verify(signed)

    async def _take_key(self) -> None:
        """Give the target its key, and what was published under its origins."""
        ends = self._ends
        own, key_file = ends.identity.key_file, ends.key_file
        if own is None or key_file is None:
            raise KeyFileError("A log in memory has no key that another could take over.")
        if own.path.absolute() == key_file.path.absolute():
            return
        await asyncio.to_thread(key_file.adopt, ends.identity.database, own)
        before = PublishedCheckpoints(own.published_folder)
        after = PublishedCheckpoints(key_file.published_folder)
        async with after.locked():
            for head in await ends.source.heads():
                published = await before.read(head.origin)
                there = await after.read(head.origin)
                if published is not None and (
                    there is None or there.checkpoint.size < published.checkpoint.size
                ):
                    await after.advance(head.origin, published)
