"""The same event id once more: is it the same event?"""

from __future__ import annotations

from typing import Any

from counterfoil.record.draft import Draft
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.event import Event
from counterfoil.record.row import EventRow, MentionRow

#: Fields of a draft that stand in one disclosure together: erased, they are all gone.
_DISCLOSED = {
    "user_id": "actor",
    "actor_kind": "actor",
    "ip_address": "client",
    "user_agent": "client",
    "session_id": "client",
    "request_id": "client",
    "resource_id": "resource",
    "before_state": "state",
    "after_state": "state",
    "changes": "state",
    "details": "details",
    "metadata": "details",
}
_IN_ENTRY = ("event_type", "level", "outcome", "company_id", "resource_type")


def same_event(draft: Draft, log: str, earlier: EventRow | UntimedEntry) -> bool:
    """Whether a call repeats an event that has its id already.

    Only the fields that the call itself names are compared, as the policy left them. What is
    no longer there to compare counts as the same.

    Args:
        draft: the new call's draft, after the policy chain.
        log: the log that the new call writes to.
        earlier: the stored event, or one of the same batch.
    """
    if isinstance(earlier, UntimedEntry):
        return earlier.log == log and _same_draft(draft, earlier.draft)
    mentioned = [MentionRow(earlier.position, "", "", b"")][:0]
    event = Event.decode(earlier, mentioned)
    if event.log != log:
        return False
    present = {item.name for item in event.disclosures}
    for name in draft.named:
        if name in _IN_ENTRY:
            if getattr(draft, name) != _of_entry(event, name):
                return False
        elif name in _DISCLOSED and _DISCLOSED[name] in present:
            if getattr(draft, name) != getattr(event, name):
                return False
    return True


def _of_entry(event: Event, name: str) -> Any:
    if name == "event_type":
        return event.type
    if name == "level":
        return event.level.value
    return getattr(event, name)


def _same_draft(draft: Draft, earlier: Draft | None) -> bool:
    if earlier is None:
        return False
    return all(
        getattr(draft, name) == getattr(earlier, name)
        for name in draft.named
        if name in _IN_ENTRY or name in _DISCLOSED
    )
