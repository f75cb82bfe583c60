"""The prover: signs what the log is, and proves what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from counterfoil.clock import Clock
from counterfoil.errors import (
    CounterfoilError,
    FormatError,
    NotFoundError,
    ProofError,
    RollbackError,
    SignatureError,
)
from counterfoil.log.company_logs import DEFAULT_LOG
from counterfoil.log.seal import COPYING, MOVED, Seal, sealed_error
from counterfoil.proof import (
    EMPTY_ROOT,
    Checkpoint,
    Frontier,
    Note,
    ProofFile,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from counterfoil.record.entry import parse
from counterfoil.record.row import EventRow
from counterfoil.store import CheckpointRow, Head, Store

from .evidence import EventProof, SignedCheckpoint
from .identity import Identity
from .published import Chain, Published, PublishedCheckpoints
from .tiles import TreeReader

_PAGE = 1000


class _Ready(NamedTuple):
    """A checkpoint that is signed, to be recorded where ``row`` is given, and then published."""

    head: Head
    signed: SignedCheckpoint
    row: CheckpointRow | None
    published: Published | None


class Prover:
    """Signs checkpoints and builds proofs.

    A checkpoint is signed, recorded in the database, published outside it, and only then
    shown. Nothing is signed that does not continue what was said before: a crash between the
    steps leaves a recorded checkpoint, which the next call publishes.

    Args:
        store: an open store.
        identity: the database's, with the key where this process may sign.
        published: the published checkpoints.
        clock: gives the times of signing.
    """

    def __init__(
        self, store: Store, identity: Identity, published: PublishedCheckpoints, clock: Clock
    ) -> None:
        self._store = store
        self._identity = identity
        self._published = published
        self._clock = clock

    async def checkpoint(self, log: str = DEFAULT_LOG) -> SignedCheckpoint:
        """Sign the log as it is now; a log that has not grown is answered with its last one.

        Raises:
            NotFoundError: there is no such log.
            KeyFileError: this process does not hold the key.
            RollbackError: the log does not continue what was signed before.
            OSError: the published checkpoint cannot be written.
        """
        [signed] = (await self.checkpoint_all([log])).values()
        if isinstance(signed, Exception):
            raise signed
        return signed

    async def checkpoint_all(
        self, logs: Sequence[str]
    ) -> dict[str, SignedCheckpoint | CounterfoilError | OSError]:
        """As :meth:`checkpoint` for many logs, recorded in one transaction.

        Returns:
            By log, its checkpoint, or why there is none: one log's trouble is not the others'.

        Raises:
            StoreError: none could be recorded.
        """
        found: dict[str, SignedCheckpoint | CounterfoilError | OSError] = {}
        ready: list[_Ready] = []
        async with self._published.locked():
            for log in logs:
                try:
                    ready.append(await self._prepare(log))
                except (CounterfoilError, OSError) as error:
                    found[log] = error
            rows = [one.row for one in ready if one.row is not None]
            if rows:
                await self._store.put_checkpoints(rows)
            for one in ready:
                try:
                    await self._publish(one)
                except (CounterfoilError, OSError) as error:
                    found[one.signed.log] = error
                else:
                    found[one.signed.log] = one.signed
        return found

    async def is_published(self, head: Head) -> bool:
        """Whether a log as it is now was published: a crash may come between the steps."""
        key = self._identity.verifier_key(head.origin)
        published = await self._published.own(head.origin, key)
        return published is not None and published.checkpoint.size >= head.size

    async def _prepare(self, log: str) -> _Ready:
        head = await self._head(log)
        seal = None if head.sealed is None else Seal.parse(head.sealed)
        if seal is not None and seal.state == COPYING:
            # Whose origin it bears still signs for it.
            raise sealed_error(seal)
        key = self._identity.signing_key(head.origin)
        published = await self._published.own(head.origin, key.verifier)
        recorded = await self.recorded(head)
        if published is not None:
            await self._continues(head, published.checkpoint, "published")
        if recorded is not None:
            await self._continues(head, recorded.checkpoint, "recorded")
            if recorded.size == head.size and recorded.origin == head.origin:
                return _Ready(head, recorded, None, published)
        if seal is not None and seal.state == MOVED:
            raise sealed_error(seal)
        before = 0 if recorded is None else recorded.signed_at
        signed_at = max(self._clock.now(), head.recorded_at, before)
        note = Checkpoint(head.origin, head.size, _root(head)).sign(key)
        row = CheckpointRow(head.number, head.size, signed_at, note)
        return _Ready(head, SignedCheckpoint.open(log, row, key.verifier), row, published)

    async def _publish(self, ready: _Ready) -> None:
        head, published, signed = ready.head, ready.published, ready.signed
        if published is None or published.checkpoint.size < signed.size:
            chain = await self._chain(head, published, signed.size)
            await self._published.advance(head.origin, Published(signed.note, chain))

    async def recorded(self, head: Head) -> SignedCheckpoint | None:
        """A log's last recorded checkpoint, its signature verified; None where there is none.

        Raises:
            FormatError, SignatureError: it is damaged, or not signed by the database's key.
        """
        rows = await self._store.checkpoints(head.number)
        if not rows:
            return None
        # A log that was restored has checkpoints of its earlier origins.
        origin = Checkpoint.parse(Note.parse(rows[0].note).text).origin
        key = self._identity.verifier_key(origin)
        if key is None:
            raise SignatureError("The database has no verifier key to check its checkpoints by.")
        return SignedCheckpoint.open(head.log, rows[0], key)

    def tree(self, head: Head) -> TreeReader:
        """A log's tree as it is stored."""
        return TreeReader(self._store, head.number)

    async def prove(self, event_id: str) -> EventProof:
        """Prove that an event is in its log, under a checkpoint that covers it.

        The last checkpoint is taken where it does; else one is signed.

        Raises:
            NotFoundError: there is no such event.
            KeyFileError: no checkpoint covers it yet, and this process may not sign.
            ProofError: what is stored proves nothing; verify says what is wrong.
        """
        row = await self._event(event_id)
        try:
            log = str(parse(row.entry)["log"])
        except (ValueError, KeyError, TypeError) as error:
            raise ProofError("The event's entry cannot be read.", remedy=_RUN_VERIFY) from error
        head = await self._head(log)
        signed = await self._covering(head, row.index)
        tree = TreeReader(self._store, head.number)
        hashes = await tree.inclusion(row.index, signed.size)
        try:
            verify_inclusion(leaf_hash(row.entry), row.index, signed.size, hashes, signed.root)
        except ProofError as error:
            raise ProofError(
                "The stored event is not the one that the log's checkpoint covers.",
                remedy=_RUN_VERIFY,
            ) from error
        mentions = await self._store.mentions(row.position, row.position)
        return EventProof(
            event_id,
            row.index,
            signed,
            ProofFile(row.index, tuple(hashes), signed.note, row.entry).encode(),
            tuple(item.text() for item in row.disclosures(mentions)),
        )

    async def consistency(
        self, old_size: int, new_size: int | None = None, *, log: str = DEFAULT_LOG
    ) -> list[bytes]:
        """The proof that the log at ``old_size`` is the beginning of it at ``new_size``.

        Args:
            new_size: by default the log's size now.

        Raises:
            NotFoundError: there is no such log, or it is not that large yet.
            ProofError: the old size is negative, or larger than the new one.
        """
        head = await self._head(log)
        size = head.size if new_size is None else new_size
        if size > head.size:
            raise NotFoundError("The log is not that large yet.")
        return await TreeReader(self._store, head.number).consistency(old_size, size)

    async def _head(self, log: str) -> Head:
        head = await self._store.head(log)
        if head is None:
            raise NotFoundError("There is no such log.")
        return head

    async def _event(self, event_id: str) -> EventRow:
        try:
            rows = await self._store.find([bytes.fromhex(event_id.replace("-", ""))])
        except ValueError:
            rows = []
        if not rows:
            raise NotFoundError("There is no event with this id.")
        return rows[0]

    async def _covering(self, head: Head, index: int) -> SignedCheckpoint:
        recorded = await self.recorded(head)
        if self._identity.may_sign:
            # Recorded is not yet published: a crash may have come between.
            key = self._identity.verifier_key(head.origin)
            published = await self._published.own(head.origin, key)
            shown = 0 if published is None else published.checkpoint.size
            if recorded is None or not index < recorded.size <= shown:
                return await self.checkpoint(head.log)
        elif recorded is None or recorded.size <= index:
            # The key is missing: this says so, and what to do.
            self._identity.signing_key(head.origin)
        if recorded is None:
            raise NotFoundError("The log has no checkpoint.")
        return recorded

    async def _continues(self, head: Head, earlier: Checkpoint, what: str) -> None:
        """Refuse to sign a head that an earlier checkpoint is not the beginning of."""
        if earlier.size > head.size:
            raise RollbackError(
                f"The log is shorter than its last {what} checkpoint says.", remedy=_RUN_VERIFY
            )
        if await continues(self._store, head, earlier):
            return
        raise RollbackError(
            f"The log does not continue its last {what} checkpoint.", remedy=_RUN_VERIFY
        )

    async def _chain(self, head: Head, published: Published | None, size: int) -> Chain:
        chain, first = Chain(), 0
        if published is not None:
            chain, first = published.chain, published.checkpoint.size + 1
        rows: list[CheckpointRow] = []
        while page := await self._store.checkpoints(
            head.number, limit=_PAGE, first=first, last=size
        ):
            rows += page
            size = page[-1].size - 1
        return chain.extend(reversed(rows))


_RUN_VERIFY = "Stop writing, keep a copy of the files, and run `counterfoil verify`."


async def continues(store: Store, head: Head, earlier: Checkpoint) -> bool:
    """Whether a log's head continues an earlier, smaller checkpoint, by its stored tree.

    Raises:
        StoreCorruptError: a tile is missing.
    """
    if earlier.size == 0:
        return earlier.root == EMPTY_ROOT
    try:
        proof = await TreeReader(store, head.number).consistency(earlier.size, head.size)
        verify_consistency(earlier.size, earlier.root, head.size, _root(head), proof)
    except ProofError:
        return False
    return True


def _root(head: Head) -> bytes:
    if head.size == 0:
        return EMPTY_ROOT
    frontier = Frontier.from_bytes(head.frontier)
    if frontier.size != head.size:
        raise FormatError("The log's head does not fit its tree.", remedy=_RUN_VERIFY)
    return frontier.root()
