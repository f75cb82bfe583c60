"""Deliver what a spool holds, as a log does: report first, then drain, then retire."""

from __future__ import annotations

from pathlib import Path

from counterfoil.spool import Journal, Recovery, Spool


def drain(journal: Journal, most: int = 3) -> list[bytes]:
    """Deliver all of a journal, a few records at a time."""
    found: list[bytes] = []
    while records := journal.read(most):
        found.extend(record.payload for record in records)
        journal.done(records[-1].position)
    return found


def adopt_all(path: Path) -> tuple[list[bytes], list[Recovery]]:
    """What a new process finds: every record in the order of delivery, and the reports."""
    spool = Spool(path)
    adoption = spool.adopt()
    assert adoption.errors == []
    recoveries = spool.recoveries()
    for recovery in recoveries:
        spool.confirm_recovery(recovery)
    found: list[bytes] = []
    for journal in adoption.journals:
        found.extend(drain(journal))
        spool.retire(journal)
    spool.close()
    return found, recoveries


def homes(path: Path) -> list[str]:
    """What stands in a spool's folder, the quarantine left out."""
    return sorted(entry.name for entry in path.iterdir() if entry.name != "quarantine")


def only_segment(path: Path) -> Path:
    """The one segment of the one journal."""
    (segment,) = path.glob("*/*.segment")
    return segment
