"""A durable local spool: bytes that wait on this machine for a store that is away.

Append-only files with checksums, synced before :meth:`Spool.append` returns, drained in order
and at least once. What a crash or damage left unreadable is kept aside and reported; what a
dead process left is adopted by another; what could be kept nowhere is counted.
"""

from .gaps import Gap, GapCounter, GapReport, Loss
from .journal import Journal, Record
from .recovery import Recovery
from .spool import Adoption, Spool
from .survey import Survey, survey

__all__ = [
    "Adoption",
    "Gap",
    "GapCounter",
    "GapReport",
    "Journal",
    "Loss",
    "Record",
    "Recovery",
    "Spool",
    "Survey",
    "survey",
]
