"""Pages: what one query returns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from counterfoil.record import Event


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the events that match, in order.

    Give a cursor back with the same filters. Pages neither repeat nor skip an event, however
    many are recorded or purged between them.

    Attributes:
        events: the matching events, at most as many as were asked for.
        next_cursor: where the next page of the same order begins; None where there is nothing
            more now. Filters that need a look into the events (``Filter.is_exact``) may lead to
            a last page that is empty.
        end_cursor: always there, and always for ``order="oldest"`` and ``follow``. Oldest
            first: where this page ends, so that a reader can come back for what is recorded
            later. Newest first: where the log ended when the first page was read, the same on
            all its pages: what comes after it is what none of them shows.
    """

    events: tuple[Event, ...]
    next_cursor: str | None
    end_cursor: str

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)
