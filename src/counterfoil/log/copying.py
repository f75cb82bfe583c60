"""Copying: a database's logs into another database, which takes over or goes on by itself.

Two databases must never sign one origin. So either the source is sealed first, and the target
takes over origin and key; or the target gets a new origin, which continues the same tree, and
the source stays as it is.

What survives a crash at each step of a move, and where the next call goes on:

1. the target is marked as a copy: nobody writes to it; events are copied while the source is
   written to, each batch from the size that the target has;
2. the source is sealed, and signs its last checkpoints; the rest is copied;
3. the target is verified: what is rebuilt from it must be what the source has signed;
4. the source is marked as moved: from here on it cannot be opened again;
5. the target gets key and published checkpoints, and its logs are opened one after the other.

A call that finds the source moved does only what is left of the last step.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from counterfoil.clock import SYSTEM_CLOCK, Clock
from counterfoil.errors import (
    ConfigurationError,
    InputError,
    KeyFileError,
    NotFoundError,
    StoreCorruptError,
)
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.row import EventRow
from counterfoil.store import Batch, Head, Store, open_store

from .log_copy import LogCopy
from .proving.evidence import SignedCheckpoint
from .proving.identity import DATABASE, EARLIER_KEY, Identity
from .proving.key_file import KeyFile
from .proving.published import PublishedCheckpoints
from .proving.rollback import RESTORED_TYPE
from .seal import (
    COPYING,
    MOVED,
    SEALED,
    Seal,
    put_seal,
    replace_seal,
    seal_of,
    sealed_error,
    take_seal,
)
from .sealing import MakeEntry, Sealing, groups, mark, remark
from .setup import Setup, key_file_of
from .store_backend import StoreBackend
from .verification.report import Finding, Place, Report
from .verification.verifier import Verifier
from .write.batch import BatchBuilder

#: Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]
_COMPANIES = 500


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What was copied.

    Attributes:
        source, target: the addresses, without secrets.
        logs: the copied logs' names, and how many events each has.
        origins: log -> the origin that its checkpoints bear from now on.
        moved: whether the target has taken over, so that the source is sealed for good.
        seconds: how long it took.
    """

    source: str
    target: str
    logs: Mapping[str, int]
    origins: Mapping[str, str]
    moved: bool
    seconds: float

    @property
    def events(self) -> int:
        """Events of all logs."""
        return sum(self.logs.values())


async def copy(
    source: str,
    target: str,
    *,
    log: str | None = None,
    new_origin: bool = False,
    key_file: str | Path | None = None,
    target_key_file: str | Path | None = None,
    progress: Progress | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> CopyReport:
    """Copy a database's logs to another database, of any engine.

    Every byte is copied as it is stored, and the copy is verified before it is used: same
    size, same root. Killed at any moment and called again, it goes on where it was.

    Args:
        source: the address of the database to copy.
        target: the address of one that is empty, or that an earlier call has begun to fill.
        log: only this log; needs ``new_origin`` where the source has others.
        new_origin: False seals the source, and the target takes over its origins and its key;
            True leaves the source as it is, and the target goes on with the same trees under
            origins and a key of its own, with an ``audit.restored`` entry first.
        key_file: the source's key file; by default beside its database.
        target_key_file: the target's; by default beside its database.
        progress: called again and again with (what is being done, done, of how many).

    Raises:
        InputError: the target holds something else, or an argument does not fit.
        NotFoundError: there is no such log.
        SealedError: the source is being moved to another target, or has moved.
        KeyFileError: the source's key cannot be used: without it nothing is taken over.
        StoreError: a database cannot be used, or the copy is not what the source has signed.
    """
    setup = Setup(url=source, key_file=key_file, checkpoint_interval=None, spool=False, clock=clock)
    began = time.monotonic()
    parts = await setup.open()
    try:
        backend = parts.backend
        if not isinstance(backend, StoreBackend):
            raise InputError("A server's logs are copied from its database.")

        def make(kind: str, name: str, facts: dict[str, Any]) -> UntimedEntry:
            return parts.intake.own(kind, log=name, audit=facts)

        store = open_store(target)
        await store.open()
        try:
            work = _Copying(
                backend,
                store,
                key_file_of(target_key_file, store),
                make,
                clock,
                progress or (lambda *_: None),
                new_origin=new_origin,
            )
            return await work.run(log, began)
        finally:
            await store.close()
    finally:
        await parts.path.close()
        await parts.backend.close()


class _Copying:
    """One call of :func:`copy`."""

    def __init__(
        self,
        backend: StoreBackend,
        target: Store,
        key_file: KeyFile | None,
        make: MakeEntry,
        clock: Clock,
        progress: Progress,
        *,
        new_origin: bool,
    ) -> None:
        self._backend = backend
        self._source = backend.store
        self._target = target
        self._identity = backend.identity
        self._key_file = key_file
        self._make = make
        self._clock = clock
        self._progress = progress
        self._new_origin = new_origin
        self._done = 0

    async def run(self, log: str | None, began: float) -> CopyReport:
        heads = await self._heads(log)
        seal = await self._mark_target()
        if seal is not None:
            if self._new_origin:
                await self._go_on_alone(log, seal)
            else:
                await self._move(heads, seal)
        found = {head.log: head for head in await self._target.heads()}
        return CopyReport(
            source=self._source.name,
            target=self._target.name,
            logs={name: head.size for name, head in found.items()},
            origins={name: head.origin for name, head in found.items()},
            moved=not self._new_origin,
            seconds=time.monotonic() - began,
        )

    # Beginning

    async def _heads(self, log: str | None) -> list[Head]:
        heads = await self._source.heads()
        if log is not None and not any(head.log == log for head in heads):
            raise NotFoundError("There is no such log in the source.")
        if log is not None and len(heads) > 1 and not self._new_origin:
            raise InputError(
                "One log of several cannot take its origin and key along.",
                remedy="Copy all logs, or give the copy a new origin (new_origin, --new-origin).",
            )
        if not self._identity.may_sign:
            raise KeyFileError(
                "This process does not hold the source's signing key.",
                remedy="Copy in a process that may read the key file, or name it.",
            )
        if self._key_file is None and not self._new_origin:
            raise ConfigurationError(
                "The target has no place for its key.", remedy="Name its key file."
            )
        return heads if log is None else [head for head in heads if head.log == log]

    async def _mark_target(self) -> Seal | None:
        """The seal of the copy; None where it has taken over already."""
        target, source = self._target, self._identity.database
        seal = await seal_of(target)
        gone = None if self._new_origin else await seal_of(self._source)
        if seal is None:
            facts = await target.meta()
            if gone is not None:
                if facts.get(DATABASE) == source and gone.state == MOVED:
                    return None
                raise sealed_error(gone)
            if await target.heads() or (facts and not self._new_origin):
                raise InputError(
                    "The target holds something else.", remedy="Name a database that is empty."
                )
            kind = "alone" if self._new_origin else "move"
            fresh = Seal(COPYING, self._source.name, f"{source}/{kind}/{secrets.token_hex(8)}")
            seal = await put_seal(target, fresh)
        kind = "alone" if self._new_origin else "move"
        if seal.state != COPYING or not seal.copy.startswith(f"{source}/{kind}/"):
            raise InputError(
                "The target is sealed, or another copy of something.",
                remedy="Name a database that is empty, or go on as the copy was begun.",
            )
        if gone is not None and gone.copy != seal.copy:
            raise sealed_error(gone)
        if not self._new_origin:
            # Whoever opens the copy too early finds who it will be, and that it is sealed.
            await target.put_meta(await self._source.meta())
        return seal

    # Moving

    async def _move(self, heads: list[Head], seal: Seal) -> None:
        leaving = Seal(SEALED, f"it is being moved to {self._target.name}", seal.copy)
        gone = Seal(MOVED, self._target.name, seal.copy)
        if await seal_of(self._source) != gone:
            await self._copy("Copying", heads, seal)
            sealing = Sealing(self._source, self._backend.prover, self._clock, self._make)
            signed = await sealing.seal(leaving)
            heads = await self._source.heads()
            await self._copy("Copying the rest", heads, seal)
            await self._copy_companies()
            for head in heads:
                await self._log_copy(head.log, seal).checkpoints(head)
            await self._verify(signed)
            if not await replace_seal(self._source, leaving, gone):
                raise InputError("The source was opened again meanwhile: it stays where it is.")
        for group in groups(
            [one for one in await self._source.heads() if one.sealed != gone.text()]
        ):
            await remark(self._source, group, gone.text())
        await self._take_over()
        for group in groups([head for head in await self._target.heads() if head.sealed]):
            facts = {"kind": "taken_over", "from": self._source.name}
            await mark(self._target, self._clock, self._make, group, facts, None)
        await take_seal(self._target)

    async def _take_over(self) -> None:
        """Give the target its key, and what was published under its origins."""
        own, key_file = self._identity.key_file, self._key_file
        if own is None or key_file is None:
            raise KeyFileError("A log in memory has no key that another could take over.")
        if own.path.absolute() == key_file.path.absolute():
            return
        await asyncio.to_thread(key_file.adopt, self._identity.database, own)
        before = PublishedCheckpoints(own.published_folder)
        after = PublishedCheckpoints(key_file.published_folder)
        async with after.locked():
            for head in await self._source.heads():
                published = await before.read(head.origin)
                there = await after.read(head.origin)
                if published is not None and (
                    there is None or there.checkpoint.size < published.checkpoint.size
                ):
                    await after.advance(head.origin, published)

    # Going on alone

    async def _go_on_alone(self, log: str | None, seal: Seal) -> None:
        identity = await Identity.establish(self._target, self._key_file, self._clock)
        if all(head.sealed is not None for head in await self._target.heads()):
            await self._copy_signed(log, seal)
        # Else an earlier call had verified the copy, and has begun to open it.
        assert self._identity.public_key is not None, "the source signs"
        earlier = {self._identity.database: self._identity.public_key, **self._identity.earlier}
        await self._target.put_meta(
            {f"{EARLIER_KEY}{name}": b64encode(key).decode() for name, key in earlier.items()}
        )
        for head in await self._target.heads():
            if head.sealed is not None:
                await self._begin_anew(head, f"{identity.database}/{head.log}")
        await take_seal(self._target)

    async def _copy_signed(self, log: str | None, seal: Seal) -> None:
        """Copy what the source has signed by now, and verify it."""
        sealing = Sealing(self._source, self._backend.prover, self._clock, self._make)
        signed = await sealing.sign()
        signed = {name: one for name, one in signed.items() if log is None or name == log}
        heads = [
            await self._at(head, signed[head.log])
            for head in await self._source.heads()
            if head.log in signed
        ]
        await self._copy("Copying", heads, seal)
        await self._copy_companies({head.log for head in heads})
        for head in heads:
            await self._log_copy(head.log, seal).checkpoints(head)
        await self._verify(signed)

    async def _at(self, head: Head, signed: SignedCheckpoint) -> Head:
        """The source's head as it was at a checkpoint."""
        if head.size == signed.size:
            return head
        tree = self._backend.prover.tree(head)
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
        entry = self._make(RESTORED_TYPE, head.log, facts)
        past = {head.log: head.sealed or ""}
        builder = BatchBuilder([entry], self._clock, {}, lambda _: origin, past)

        def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
            batch = builder.build(heads, known)
            batch.heads = [replace(one, origin=origin, sealed=None) for one in batch.heads]
            return batch

        await self._target.append(builder.requests, [], build, builder.prepare)

    async def _signed_at(self, head: Head) -> SignedCheckpoint:
        """What the source has signed at the size that a copied log has."""
        source = await self._source.head(head.log)
        assert source is not None, "it was copied"
        [row] = await self._source.checkpoints(source.number, first=head.size, last=head.size)
        key = self._identity.verifier_key(head.origin)
        assert key is not None, "the source signs"
        return SignedCheckpoint.open(head.log, row, key)

    # Both

    async def _copy(self, what: str, heads: list[Head], seal: Seal) -> None:
        there = {head.log: head.size for head in await self._target.heads()}
        total = sum(head.size for head in heads)
        self._done = sum(min(head.size, there.get(head.log, 0)) for head in heads)

        def copied(events: int) -> None:
            self._done += events
            self._progress(what, self._done, total)

        for head in heads:
            await self._log_copy(head.log, seal, copied).events(head)

    def _log_copy(
        self, log: str, seal: Seal, copied: Callable[[int], None] = lambda _: None
    ) -> LogCopy:
        return LogCopy(self._source, self._target, log, seal.text(), copied)

    async def _copy_companies(self, logs: set[str] | None = None) -> None:
        """Copy which log is whose; only of these logs where they are given."""
        after = ""
        while page := await self._source.company_log_page(after, _COMPANIES):
            after = page[-1][0]
            names = {company: log for company, log in page if logs is None or log in logs}
            there = await self._target.put_company_logs(names)
            if there != names:
                raise InputError("The target holds other companies' logs.")

    async def _verify(self, signed: Mapping[str, SignedCheckpoint]) -> None:
        """Rebuild the copy whole, and compare it with what the source has signed."""
        source = self._identity.database
        verifier = Verifier(
            self._target,
            replace(self._identity, key_file=None),
            PublishedCheckpoints(None),
            lambda log: f"{source}/{log}",
        )
        report = await verifier.verify(
            progress=lambda done, total: self._progress("Verifying", done, total)
        )
        roots = {one.log: (one.size, one.root) for one in report.logs}
        wanted = {log: (one.size, one.root) for log, one in signed.items()}
        findings = _findings(report, new_origin=self._new_origin)
        if findings or roots != wanted:
            first = f" The first of {len(findings)} findings: {findings[0]}" if findings else ""
            raise StoreCorruptError(
                f"The copy is not what the source has signed.{first}",
                remedy="Run `counterfoil verify` on the source. It can be opened again with "
                "`counterfoil unseal`.",
            )


def _findings(report: Report, *, new_origin: bool) -> list[Finding]:
    # With a new origin the target's own id and key differ from the source's, as they must.
    return [one for one in report.findings if not (new_origin and one.place is Place.META)]
