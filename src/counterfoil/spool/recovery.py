"""What was found when a journal was read: how much is there, and how much is not."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from counterfoil.clock import id_of_report

from .home import Home

#: Bytes at the end of a journal that a crash left unfinished.
TORN = ".torn"
#: Bytes that were whole once.
DAMAGED = ".damaged"


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a journal held.

    Attributes:
        journal: its name.
        records: those that are there to deliver.
        lost_records: those that are missing between others, known by their numbers.
        torn_bytes: what was cut off the end. Usually a record whose append never returned.
        damaged_bytes: what could not be read before the end, or beside the records.
        quarantined: the files in which the torn and the damaged bytes are kept.
        report_id: a UUIDv7 that is the same whenever the same is found. Recorded under it, a
            report that a crash has repeated is recorded once.
    """

    journal: str
    records: int
    lost_records: int
    torn_bytes: int
    damaged_bytes: int
    quarantined: tuple[Path, ...]
    report_id: str

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing to report."""
        return not (self.lost_records or self.quarantined)

    @classmethod
    def of(cls, home: Home, records: int, lost_records: int) -> Recovery:
        """What is known of a home's journal, its quarantine included."""
        kept = [path for path in home.quarantined() if path.suffix in (TORN, DAMAGED)]
        sizes = {path: path.stat().st_size for path in kept}
        torn = sum(size for path, size in sizes.items() if path.suffix == TORN)
        return cls(
            journal=home.name,
            records=records,
            lost_records=lost_records,
            torn_bytes=torn,
            damaged_bytes=sum(sizes.values()) - torn,
            quarantined=tuple(kept),
            report_id=report_id(home.name, [path.name for path in kept]),
        )


def report_id(name: str, kept: list[str]) -> str:
    """The id of a report about a home, the same whenever the same is reported.

    Args:
        name: the home's.
        kept: the names of what the report is about.
    """
    return id_of_report(uuid.UUID(name).int >> 80, *(part.encode() for part in (name, *kept)))
