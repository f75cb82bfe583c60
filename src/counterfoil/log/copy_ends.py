"""Copy ends: the two databases of a copy, and what goes from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from counterfoil.clock import Clock
from counterfoil.errors import InputError, StoreCorruptError
from counterfoil.store import Head, Store

from .log_copy import LogCopy
from .proving.evidence import SignedCheckpoint
from .proving.identity import Identity
from .proving.key_file import KeyFile
from .proving.published import PublishedCheckpoints
from .seal import Seal
from .sealing import MakeEntry, Sealing
from .store_backend import StoreBackend
from .verification.report import Finding, Place, Report
from .verification.verifier import Verifier

#: Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]
_COMPANIES = 500


@dataclass(frozen=True, slots=True)
class CopyEnds:
    """The two ends of a copy.

    Attributes:
        backend: the source, open.
        target: the other end, open.
        key_file: the target's; None where it has no place for one.
        make: makes the entries that say what was done.
        clock: gives times.
        progress: is told how far it is.
        new_origin: whether the target goes on by itself, and the source as well.
    """

    backend: StoreBackend
    target: Store
    key_file: KeyFile | None
    make: MakeEntry
    clock: Clock
    progress: Progress
    new_origin: bool

    @property
    def source(self) -> Store:
        """Where the logs are copied from."""
        return self.backend.store

    @property
    def identity(self) -> Identity:
        """The source's key and origins."""
        return self.backend.identity

    @property
    def sealing(self) -> Sealing:
        """What seals the source, and has its checkpoints signed."""
        return Sealing(self.source, self.backend.prover, self.clock, self.make)

    async def copy_events(self, what: str, heads: Iterable[Head], seal: Seal) -> None:
        """Copy the events of logs that the target lacks.

        Args:
            what: what is being done, for ``progress``.
            heads: the source's heads, up to which is copied.
            seal: what seals the copy until it is complete.
        """
        heads = list(heads)
        there = {head.log: head.size for head in await self.target.heads()}
        total = sum(head.size for head in heads)
        done = sum(min(head.size, there.get(head.log, 0)) for head in heads)

        def copied(events: int) -> None:
            nonlocal done
            done += events
            self.progress(what, done, total)

        for head in heads:
            await LogCopy(self.source, self.target, head.log, seal.text(), copied).events(head)

    async def copy_checkpoints(self, heads: Iterable[Head], seal: Seal) -> None:
        """Copy the checkpoints of logs, up to the heads."""
        for head in heads:
            copy = LogCopy(self.source, self.target, head.log, seal.text(), lambda _: None)
            await copy.checkpoints(head)

    async def copy_companies(self, logs: set[str] | None = None) -> None:
        """Copy which log is whose; only of these logs where they are given.

        Raises:
            InputError: the target holds other companies' logs.
        """
        after = ""
        while page := await self.source.company_log_page(after, _COMPANIES):
            after = page[-1][0]
            names = {company: log for company, log in page if logs is None or log in logs}
            there = await self.target.put_company_logs(names)
            if there != names:
                raise InputError("The target holds other companies' logs.")

    async def verify(self, signed: Mapping[str, SignedCheckpoint]) -> None:
        """Rebuild the copy whole, and compare it with what the source has signed.

        Raises:
            StoreCorruptError: it is something else.
        """
        source = self.identity.database
        verifier = Verifier(
            self.target,
            replace(self.identity, key_file=None),
            PublishedCheckpoints(None),
            lambda log: f"{source}/{log}",
        )
        report = await verifier.verify(
            progress=lambda done, total: self.progress("Verifying", done, total)
        )
        roots = {one.log: (one.size, one.root) for one in report.logs}
        wanted = {log: (one.size, one.root) for log, one in signed.items()}
        findings = self._findings(report)
        if findings or roots != wanted:
            first = f" The first of {len(findings)} findings: {findings[0]}" if findings else ""
            raise StoreCorruptError(
                f"The copy is not what the source has signed.{first}",
                remedy="Run `counterfoil verify` on the source. It can be opened again with "
                "`counterfoil unseal`.",
            )

    def _findings(self, report: Report) -> list[Finding]:
        # With a new origin the target's own id and key differ from the source's, as they must.
        return [one for one in report.findings if not (self.new_origin and one.place is Place.META)]
