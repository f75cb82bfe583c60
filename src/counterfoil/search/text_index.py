"""The text index: where the words of events are looked up.

It is derived: made from what reading shows, filled in the background, thrown away and made again
at will. No proof covers it. What it finds are candidates: events are read from the log, compared
again, and shown from their entries and disclosures.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from .words import Phrase


class Document(NamedTuple):
    """An event's words.

    Attributes:
        position: the event's (``record.row.LOG_SPAN``); ``id``: its id.
        company: its company, or an empty text.
        text: its words, as :func:`counterfoil.search.words.event_text` gives them.
    """

    position: int
    id: bytes
    company: str
    text: str


class Mark(NamedTuple):
    """How much of a log is in the index.

    Attributes:
        origin: the log's origin then; one that goes on from a backup has another.
        size: the events below this index are in.
    """

    origin: str
    size: int


class Marks(NamedTuple):
    """The index's state, and by which epoch it may be added to.

    The epoch is another after each ``forget``: what was read from the log before it may hold
    what must no longer be there, and is not taken any more.
    """

    epoch: int
    logs: dict[int, Mark]


class Candidate(NamedTuple):
    """Where an event that holds the words is, unless it is gone by now."""

    position: int
    id: bytes


class TextIndex(Protocol):
    """An index of words. Any number of processes may share one."""

    async def open(self) -> None:
        """Make it, or find it; another database's is emptied.

        Raises:
            StoreError: it cannot be opened.
        """
        ...

    async def close(self) -> None:
        """Let go of it. Idempotent."""
        ...

    async def lease(self) -> bool:
        """Whether this process is the one that fills it; of several, one is, until it ends."""
        ...

    async def marks(self) -> Marks:
        """How much of each log is in."""
        ...

    async def add(
        self, epoch: int, number: int, mark: Mark, size: int, documents: Sequence[Document]
    ) -> bool:
        """Add a log's events from ``mark.size`` to below ``size``, and move its mark.

        Returns:
            False where the mark or the epoch is no longer the one given; nothing is added then.
        """
        ...

    async def put(self, epoch: int, documents: Sequence[Document]) -> bool:
        """Add events below the mark again; False where the epoch has passed."""
        ...

    async def find(
        self,
        phrases: Sequence[Phrase],
        companies: Collection[str],
        first: int,
        last: int,
        *,
        newest_first: bool,
        limit: int,
    ) -> list[Candidate]:
        """The events at these positions, both inclusive, that hold all phrases, in order.

        Args:
            companies: only these companies' events; empty for all.
        """
        ...

    async def forget(self, positions: Sequence[int]) -> int:
        """Remove events so that nothing of their words is left; returns the new epoch."""
        ...

    async def reset(self, number: int | None = None) -> None:
        """Empty it, or what it holds of one log."""
        ...
