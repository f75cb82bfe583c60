"""Events as they are read back: typed, frozen, decoded from entry and disclosures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from counterfoil.base import AuditLogLevel
from counterfoil.errors import StoreCorruptError

from . import entry as entries
from .disclosure import Disclosure
from .instant import from_rfc3339, to_datetime
from .row import EventRow, MentionRow

_SUBJECT = "subject_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One recorded event.

    A field whose disclosure was never there, has decayed or was erased is None. Times are
    aware datetimes in UTC. ``index`` is the place in the log, the order of recording.
    ``notes`` holds the log's own remarks about the call, ``claims`` what the client said and
    nobody checked, ``audit`` the lasting facts of the log's own events.
    """

    id: str
    log: str
    index: int
    type: str
    level: AuditLogLevel
    outcome: str
    occurred_at: datetime
    recorded_at: datetime
    expires_at: datetime | None = None
    decays_at: datetime | None = None
    company_id: str | None = None
    actor_kind: str | None = None
    user_id: str | None = None
    on_behalf_of: str | None = None
    impersonator: str | None = None
    subjects: tuple[str, ...] = ()
    ip_address: str | None = None
    user_agent: str | None = None
    session_id: str | None = None
    request_id: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    before_state: Any = None
    after_state: Any = None
    changes: dict[str, Any] | None = None
    details: Any = None
    metadata: dict[str, Any] | None = None
    claims: dict[str, Any] | None = None
    notes: dict[str, Any] | None = None
    audit: dict[str, Any] | None = None
    entry: bytes = field(repr=False, default=b"")
    disclosures: tuple[Disclosure, ...] = field(repr=False, default=())

    @classmethod
    def decode(cls, row: EventRow, mentions: Sequence[MentionRow] = ()) -> Event:
        """From a stored row and its rows of further people.

        Raises:
            StoreCorruptError: the row cannot be read; ``counterfoil verify`` names why.
        """
        return cls.of(row.index, row.entry, row.disclosures(mentions))

    @classmethod
    def of(cls, index: int, entry: bytes, disclosures: Sequence[Disclosure]) -> Event:
        """From an entry and its disclosures, in the order of their names' places.

        Raises:
            StoreCorruptError: they cannot be read.
        """
        try:
            return cls._of(index, entry, disclosures)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreCorruptError(f"The event at index {index} cannot be read.") from error

    @classmethod
    def _of(cls, index: int, entry: bytes, disclosures: Sequence[Disclosure]) -> Event:
        members = entries.parse(entry)
        values = {item.name: item.load() for item in disclosures}
        actor = values.get("actor", {})
        client = values.get("client", {})
        state = values.get("state", {})
        details = values.get("details", {})
        metadata = details.get("metadata")
        if "body" in values:
            metadata = {**(metadata or {}), "request_body": values["body"]}
        expires, decays = members.get("expires_at"), members.get("decays_at")
        return cls(
            id=members["id"],
            log=members["log"],
            index=index,
            type=members["type"],
            level=AuditLogLevel(members["level"]),
            outcome=members["outcome"],
            occurred_at=_moment(members["occurred_at"]),
            recorded_at=_moment(members["recorded_at"]),
            expires_at=None if expires is None else _moment(expires),
            decays_at=None if decays is None else _moment(decays),
            company_id=members.get("company_id"),
            actor_kind=actor.get("kind"),
            user_id=actor.get("user_id"),
            on_behalf_of=values.get("on_behalf_of"),
            impersonator=values.get("impersonator"),
            subjects=_subjects(values),
            ip_address=client.get("ip_address"),
            user_agent=client.get("user_agent"),
            session_id=client.get("session_id"),
            request_id=client.get("request_id"),
            resource_type=members.get("resource_type"),
            resource_id=values.get("resource", {}).get("resource_id"),
            before_state=state.get("before_state"),
            after_state=state.get("after_state"),
            changes=state.get("changes"),
            details=details.get("details"),
            metadata=metadata,
            claims=client.get("claims"),
            notes=details.get("notes"),
            audit=members.get("audit"),
            entry=entry,
            disclosures=tuple(disclosures),
        )

    def as_dict(self) -> dict[str, Any]:
        """The event as plain JSON values, without what is absent and without raw bytes."""
        found: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if name in ("entry", "disclosures") or value is None or value == ():
                continue
            if isinstance(value, datetime):
                value = value.isoformat(timespec="microseconds").replace("+00:00", "Z")
            elif isinstance(value, AuditLogLevel):
                value = value.value
            elif isinstance(value, tuple):
                value = list(value)
            found[name] = value
        return found


def _subjects(values: dict[str, Any]) -> tuple[str, ...]:
    # A store gives the rows in the order of their names, where subject_10 comes before subject_2.
    found = [name for name in values if name.startswith(_SUBJECT)]
    found.sort(key=lambda name: int(name.removeprefix(_SUBJECT)))
    return tuple(values[name] for name in found)


def _moment(text: str) -> datetime:
    return to_datetime(from_rfc3339(text))
