"""The spool: where records wait, durably, for a store that is away.

A folder that processes share. Each has a journal of its own in it and appends to nothing
else; a journal whose process died is adopted by another. Of all that was appended, each
journal's records are delivered in their order, at least once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from counterfoil.errors import ConfigurationError, SpoolError

from . import files, home
from .gaps import GapCounter, GapReport, Loss
from .guard import Guard
from .home import Home
from .journal import Journal
from .recovery import Recovery
from .segment import SUFFIX

MAX_BYTES = 256 << 20
SEGMENT_BYTES = 4 << 20

_READING = "cannot be read"
_WRITING = "cannot be written"


class Adoption(NamedTuple):
    """What was found in a spool's folder.

    Attributes:
        journals: those of dead processes, which are this spool's from now on.
        errors: why others were left alone; they are tried again at the next adoption.
    """

    journals: Sequence[Journal]
    errors: Sequence[SpoolError]


class Spool:
    """This process's part of a spool's folder. Every method may be called from any thread.

    Nothing is written before there is something to keep. All methods block on the disk: an
    event loop calls them in a thread, and bounds the waiting.

    Args:
        path: the folder, made at need with mode 0700; its parent must be there.
        max_bytes: how much the segments of all processes may take together, at least 65,536.
            Processes that append at the same moment may pass it by one append each.
        segment_bytes: the size at which a journal begins its next file, at least 4,096.

    Raises:
        ConfigurationError: a size is out of its range.
    """

    def __init__(
        self, path: Path, *, max_bytes: int = MAX_BYTES, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        if max_bytes < 65_536 or segment_bytes < 4_096:
            raise ConfigurationError(
                "The spool's sizes are out of range.",
                remedy="Give max_bytes of at least 65,536 and segment_bytes of at least 4,096.",
            )
        self.path = path
        self._max_bytes = max_bytes
        self._segment_bytes = segment_bytes
        self._guard = Guard()
        self._own: Journal | None = None
        self._adopted: dict[Journal, GapCounter] = {}
        self._reported: set[str] = set()
        self._gaps = GapCounter(lambda: self._own_journal().home)

    @property
    def used_bytes(self) -> int:
        """Bytes that the segments of all processes take; the quarantine is not counted.

        Raises:
            SpoolError: the folder cannot be read.
        """
        with files.told(_READING):
            return sum(_sizes(self.path))

    @property
    def pending(self) -> int:
        """Records of this process's journals, its own and the adopted, to deliver."""
        return sum(journal.pending for journal in self.journals())

    def append(self, records: Sequence[bytes]) -> None:
        """Keep records, and return only once they are synced.

        Args:
            records: none of them empty. They stand in files: what is secret is redacted.

        Raises:
            SpoolFullError: the size limit is reached, or the disk is full; nothing is kept.
            SpoolError: the disk failed. Where ``outcome_known`` is False some may be kept,
                and delivered.
            ClosedError: the spool is closed. ForkedError: this is a child process.
        """
        self._own_journal().append(records, lambda: self._max_bytes - self.used_bytes)

    def adopt(self) -> Adoption:
        """Take over what dead processes left. To be called at the start and now and then."""
        journals, errors = [], []
        with self._guard.enter(_READING):
            found = list(home.names(self.path))
        for name in found:
            try:
                journal = self._adopt(name)
            except SpoolError as error:
                errors.append(error)
                continue
            if journal is not None:
                journals.append(journal)
        return Adoption(journals, errors)

    def journals(self) -> list[Journal]:
        """The journals to deliver: the adopted ones, the oldest first, and this process's own."""
        with self._guard.enter(_READING):
            own = [] if self._own is None else [self._own]
            return [*self._adopted, *own]

    def retire(self, journal: Journal) -> bool:
        """Remove an adopted journal that has nothing left to deliver or to report.

        Whether it is gone; this process's own journal stays.

        Raises:
            SpoolError: the disk failed; the next process removes it.
        """
        with self._guard.enter(_WRITING):
            gaps = self._adopted.get(journal)
            if gaps is None or not self._is_finished(journal, gaps):
                return False
            del self._adopted[journal]
            journal.remove()
            return True

    def recoveries(self) -> list[Recovery]:
        """What was lost or found damaged in this process's journals, to be reported now.

        Raises:
            SpoolError: the quarantine cannot be read.
        """
        found = [journal.recovery for journal in self.journals()]
        return [recovery for recovery in found if not self._is_reported(recovery)]

    def confirm_recovery(self, recovery: Recovery) -> None:
        """The report is committed. A later process may give it again, under the same id."""
        self._reported.add(recovery.report_id)

    def count_gap(self, losses: Iterable[Loss]) -> bool:
        """Count events that could be kept nowhere, as in :meth:`GapCounter.count`.

        Never raises for the disk: the result says whether the count would survive a crash.
        """
        return self._gaps.count(losses)

    def take_gaps(self) -> list[GapReport]:
        """What was kept nowhere, by this process and by those adopted, to be reported now."""
        with self._guard.enter(_WRITING):
            counters = [*self._adopted.values(), self._gaps]
        return [report for counter in counters for report in counter.take()]

    def confirm_gaps(self, report: GapReport) -> bool:
        """The report is committed. Whether that will be remembered after a crash."""
        with self._guard.enter(_WRITING):
            counters = [*self._adopted.values(), self._gaps]
        saved = [counter.confirm(report) for counter in counters]
        return all(saved)

    def close(self) -> None:
        """Let go of everything. What is not delivered stays for the next process. Idempotent.

        Raises:
            SpoolError: the disk failed, or a gap that was counted could not be written down
                and is lost with this process. The spool is closed all the same.
        """
        if self._guard.closed:
            return
        # Before the guard: a thread that counts holds the counter and comes through the guard.
        saved = self._gaps.is_empty or self._gaps.count(())
        with self._guard.enter(_WRITING):
            try:
                for journal in list(self._adopted):
                    self.retire(journal)
                if self._own is not None and self._is_finished(self._own, self._gaps):
                    self._own.remove()
            finally:
                for journal in self.journals():
                    journal.close()
                self._guard.closed = True
        if not saved:
            raise SpoolError("The count of events that were not kept could not be written down.")

    def _own_journal(self) -> Journal:
        with self._guard.enter(_WRITING):
            if self._own is None:
                self._own = Journal(Home.create(self.path), self._segment_bytes)
            return self._own

    def _adopt(self, name: str) -> Journal | None:
        with files.told(_READING):
            taken = Home.take(self.path, name)
            if taken is None:
                return None
            try:
                journal = Journal.recover(taken, self._segment_bytes)
                gaps = GapCounter.of(taken)
                with self._guard.enter(_READING):
                    self._adopted[journal] = gaps
            except BaseException:
                taken.leave()
                raise
        return None if self.retire(journal) else journal

    def _is_finished(self, journal: Journal, gaps: GapCounter) -> bool:
        return not journal.pending and gaps.is_empty and self._is_reported(journal.recovery)

    def _is_reported(self, recovery: Recovery) -> bool:
        return recovery.is_clean or recovery.report_id in self._reported


def _sizes(root: Path) -> Iterator[int]:
    for name in home.names(root):
        folder = root / name
        # Another process may remove its files, and its folder, at this moment.
        try:
            for path in folder.iterdir():
                if path.suffix == SUFFIX:
                    yield path.stat().st_size
        except FileNotFoundError:
            continue
