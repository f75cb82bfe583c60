"""Rollback: a database that is older than what it has already said is not written to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from secrets import token_hex
from typing import Any

from counterfoil.clock import Clock
from counterfoil.errors import (
    InputError,
    RollbackError,
    StoreCorruptError,
)
from counterfoil.log.write.batch import BatchBuilder
from counterfoil.proof import Checkpoint
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.row import EventRow
from counterfoil.store import Batch, Head, Store

from .identity import Identity
from .prover import continues
from .published import Published, PublishedCheckpoints

RESTORED_TYPE = "audit.restored"
#: Logs that are known to be as they were published, some 100 bytes each.
MOST_CLEARED = 65_536
#: What stands between a log's first origin and the random part of a later one.
RESTORED_MARK = "/restored-"

#: Makes an entry of the log's own: event type, log, the ``audit`` member.
MakeEntry = Callable[[str, str, dict[str, Any]], UntimedEntry]


class RollbackGuard:
    """Compares each log with its last published checkpoint before the first write to it.

    Args:
        store: an open store.
        identity: the database's.
        published: the published checkpoints.
        clock: gives times.
        origin: the first origin of a log, by its name.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        published: PublishedCheckpoints,
        clock: Clock,
        origin: Callable[[str], str],
    ) -> None:
        self._store = store
        self._identity = identity
        self._published = published
        self._clock = clock
        self._origin = origin
        #: The logs that were found to continue what they published.
        self.cleared: set[str] = set()

    async def check(self, log: str) -> None:
        """Let a log be written to, or refuse it. A log that was let is not looked at again.

        Raises:
            RollbackError: it is behind its last published checkpoint, or does not continue it.
        """
        if log in self.cleared:
            return
        head = await self._store.head(log)
        origin = self._origin(log) if head is None else head.origin
        published = await self._own(origin)
        if published is not None:
            await self._compare(log, head, published.checkpoint)
        if len(self.cleared) >= MOST_CLEARED:
            # They are looked at once more, each before its next event.
            self.cleared.clear()
        self.cleared.add(log)

    async def continue_restored(self, log: str, make: MakeEntry) -> str:
        """Go on with a log that was restored from a backup, under a new origin.

        Tree and indexes go on. The first entry says what happened and holds the checkpoint
        that the log is behind of, so that nobody is deceived about the events that are lost.

        Args:
            make: makes the ``audit.restored`` entry.

        Returns:
            The new origin.

        Raises:
            InputError: the log is not behind what it published.
        """
        async with self._published.locked():
            head = await self._store.head(log)
            old = self._origin(log) if head is None else head.origin
            published = await self._own(old)
            try:
                if published is not None:
                    await self._compare(log, head, published.checkpoint)
                published = None
            except RollbackError:
                pass
            if published is None:
                raise InputError("The log is not behind what it published: nothing to go on from.")
            new = f"{self._origin(log)}{RESTORED_MARK}{token_hex(4)}"
            facts = {
                "kind": "restored",
                "origin": new,
                "old_origin": old,
                "old_checkpoint": published.note.decode(),
            }
            await self._append(make(RESTORED_TYPE, log, facts), old, new)
        self.cleared.add(log)
        return new

    async def _append(self, entry: UntimedEntry, old: str, new: str) -> None:
        builder = BatchBuilder([entry], self._clock, {}, lambda _: old)

        def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
            if heads[entry.log].origin != old:
                raise InputError("Another process has gone on with the log already.")
            batch = builder.build(heads, known)
            batch.heads = [replace(head, origin=new) for head in batch.heads]
            return batch

        await self._store.append(builder.requests, [], build, builder.prepare)

    async def _own(self, origin: str) -> Published | None:
        return await self._published.own(origin, self._identity.verifier_key(origin))

    async def _compare(self, log: str, head: Head | None, published: Checkpoint) -> None:
        size = 0 if head is None else head.size
        if head is None or size < published.size:
            raise RollbackError(
                f"Log {log} has {size} events, and has published a checkpoint of "
                f"{published.size}: the database was restored from an older copy.",
                remedy=_REMEDY,
            )
        try:
            good = await continues(self._store, head, published)
        except StoreCorruptError:
            good = False
        if not good:
            raise RollbackError(
                f"Log {log} does not continue the checkpoint that it published at "
                f"{published.size}: the database is another copy, or was altered.",
                remedy=_REMEDY,
            )


_REMEDY = (
    "Bring back the newer database if there is one. Else run `counterfoil verify`, and then "
    "continue_restored(), which goes on under a new origin and records what happened."
)
