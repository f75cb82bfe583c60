"""The row that a store keeps of an event.

``entry`` and the disclosures are what counts; every other column is a copy for searching,
compared with them whenever the log is verified.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .disclosure import Disclosure
from .entry import UntimedEntry

#: A position is a log's number times this, plus the index in the log: one key that keeps
#: each log's events together. Room for 2^40 events a log and 2^22 logs.
LOG_SPAN = 1 << 40


class EventRow(NamedTuple):
    """One event as stored. Times are microseconds since the Unix epoch.

    Disclosures are kept as sixteen bytes of salt followed by the value's bytes. ``level`` and
    ``outcome`` are numbers (``entry.LEVELS``, ``entry.OUTCOMES``); ``mentions`` counts the
    disclosures that name further people, which stand in rows of their own.
    """

    position: int
    id: bytes
    leaf: bytes
    recorded_at: int
    occurred_at: int
    expires_at: int | None
    decays_at: int | None
    type: str
    level: int
    outcome: int
    company_id: str | None
    resource_type: str | None
    resource_id: str | None
    user_id: str | None
    ip_address: str | None
    session_id: str | None
    request_id: str | None
    mentions: int | None
    entry: bytes
    actor: bytes | None
    client: bytes | None
    resource: bytes | None
    state: bytes | None
    details: bytes | None
    body: bytes | None

    @property
    def index(self) -> int:  # type: ignore[override]  # nobody looks for a value in a row
        """The event's index in its log."""
        return self.position % LOG_SPAN

    def disclosures(self, mentions: Sequence[MentionRow] = ()) -> list[Disclosure]:
        """The event's disclosures, in the order of their names' places."""
        found = [
            Disclosure.unpack(name, stored)
            for name, stored in zip(DISCLOSURE_COLUMNS, self[19:], strict=True)
            if stored is not None
        ]
        found.extend(Disclosure.unpack(row.name, row.stored) for row in mentions)
        return found


class MentionRow(NamedTuple):
    """A disclosure that names a further person: on behalf of, impersonator, subjects."""

    position: int
    name: str
    person: str
    stored: bytes


COLUMNS = EventRow._fields
DISCLOSURE_COLUMNS = COLUMNS[19:]


def make_row(
    event: UntimedEntry,
    position: int,
    leaf: bytes,
    recorded_at: int,
    entry: bytes,
    expires_at: int | None,
    decays_at: int | None,
) -> tuple[Any, ...]:
    """A row as a plain tuple in the order of :data:`COLUMNS` (the writer's hot path)."""
    return (
        position, event.id, leaf, recorded_at, event.occurred_at, expires_at, decays_at,
        event.event_type, event.level, event.outcome, event.company_id, event.resource_type,
        event.resource_id, event.user_id, event.ip_address, event.session_id, event.request_id,
        len(event.people) or None, entry, event.actor, event.client, event.resource, event.state,
        event.details, event.body,
    )  # fmt: skip
