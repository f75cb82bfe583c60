"""What verification reports: findings that a person can act on, and what was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

#: The most findings that one report lists; the others are counted.
MAX_FINDINGS = 1000


class Fault(StrEnum):
    """What is wrong."""

    ALTERED = "altered"
    MISSING = "missing"
    EXTRA = "extra"
    UNREADABLE = "unreadable"
    ORDER = "out of order"
    UNSIGNED = "not signed by the log's key"
    CUT = "cut off"


class Place(StrEnum):
    """Where it is wrong."""

    EVENT = "event"
    ENTRY = "entry"
    LEAF = "leaf hash"
    COLUMN = "column"
    ID = "way from the id"
    DISCLOSURE = "disclosure"
    MENTION = "mention"
    TILE = "tile"
    HEAD = "head"
    COUNT = "count"
    CHECKPOINT = "recorded checkpoint"
    PUBLISHED = "published checkpoint"
    META = "database's facts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it must be. It never shows a value of an event.

    Attributes:
        fault: what is wrong; ``place``: where.
        log: the log's name; empty where it is no log's.
        index: the event's index, or the first of a range; ``last_index``: the range's last.
        event_id: the event's id, as far as it is known.
        field: the column, disclosure, tile path, checkpoint size or time bucket.
        expected, found: hashes, sizes and counts, where they help.
        since: the size of the last checkpoint below the event that still holds: what it
            covers is as it was when it was signed.
    """

    fault: Fault
    place: Place
    log: str = ""
    index: int | None = None
    last_index: int | None = None
    event_id: str | None = None
    field: str | None = None
    expected: str | None = None
    found: str | None = None
    since: int | None = None

    def __str__(self) -> str:
        last = self.last_index
        many = self.index is not None and last is not None and last != self.index
        place = f"{self.place.value}s" if many else self.place.value
        parts = [f"Log {self.log}:" if self.log else "Database:", place]
        if self.field is not None:
            parts.append(self.field)
        if self.index is not None:
            parts.append(f"at indexes {self.index} to {last}" if many else f"at index {self.index}")
        if self.event_id is not None:
            parts.append(f"(event {self.event_id})")
        parts.append(f"{'are' if many else 'is'} {self.fault.value}")
        text = " ".join(parts)
        if self.expected is not None:
            text += f"; expected {self.expected}"
        if self.found is not None:
            text += f"; found {self.found}"
        if self.since is not None:
            text += f"; good up to the checkpoint of {self.since} events"
        return f"{text}."


@dataclass(frozen=True, slots=True)
class EntryStates:
    """How many entries there are by state: there, or purged with a receipt that says so."""

    present: int = 0
    purged: int = 0


@dataclass(frozen=True, slots=True)
class DigestStates:
    """How many of the entries' digests there are by state.

    ``missing`` digests are tampering; the states before it are covered by receipts.
    """

    verified: int = 0
    decayed: int = 0
    erased: int = 0
    under_way: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """What verification saw of one log.

    Attributes:
        log: its name; ``origin``: its identity in checkpoints.
        size: how many events it has ever had; ``root``: its tree's root, rebuilt from the
            events, or None where some are missing.
        first: the first index that was looked at.
        entries, digests: how many by state.
        covered: the size of the last good checkpoint, 0 where there is none.
        not_looked_at: what an incremental verification took as it was found before.
    """

    log: str
    origin: str
    size: int
    root: bytes | None = None
    first: int = 0
    entries: EntryStates = EntryStates()
    digests: DigestStates = DigestStates()
    covered: int = 0
    not_looked_at: tuple[str, ...] = ()

    @property
    def tail(self) -> int:
        """How many of the newest events no checkpoint covers yet."""
        return max(0, self.size - self.covered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of a verification.

    That the time of a purged event was really up is the log's own claim, bounded only by the
    times of its checkpoints.

    Attributes:
        logs: one report a log.
        findings: what is wrong, at most :data:`MAX_FINDINGS`; ``omitted``: how many more.
        processes: worker processes used; 0 where it ran in this one.
        seconds: how long it took.
    """

    logs: tuple[LogReport, ...] = ()
    findings: tuple[Finding, ...] = ()
    omitted: int = 0
    processes: int = 0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether everything that was looked at is as it must be."""
        return not self.findings and not self.omitted

    @property
    def events(self) -> int:
        """How many events were checked."""
        return sum(log.entries.present + log.entries.purged for log in self.logs)


@dataclass(slots=True)
class Findings:
    """Findings as they come in, bounded."""

    kept: list[Finding] = field(default_factory=list)
    omitted: int = 0

    def add(self, finding: Finding) -> None:
        """Keep a finding, or count it; neighbouring events of the same fault become one."""
        if self.kept and _continues(self.kept[-1], finding):
            last = finding.index if finding.last_index is None else finding.last_index
            self.kept[-1] = replace(self.kept[-1], last_index=last, event_id=None)
        elif len(self.kept) < MAX_FINDINGS:
            self.kept.append(finding)
        else:
            self.omitted += 1

    def extend(self, findings: Sequence[Finding]) -> None:
        """Add several."""
        for finding in findings:
            self.add(finding)

    def has(self, place: Place) -> bool:
        """Whether something was found there."""
        return any(finding.place is place for finding in self.kept)


def _continues(earlier: Finding, later: Finding) -> bool:
    """Whole rows that are gone, extra or unreadable side by side are one finding."""
    if later.place not in (Place.EVENT, Place.ID) or earlier.index is None or later.index is None:
        return False
    last = earlier.index if earlier.last_index is None else earlier.last_index
    return (earlier.fault, earlier.place, earlier.log, last + 1) == (
        later.fault,
        later.place,
        later.log,
        later.index,
    )
