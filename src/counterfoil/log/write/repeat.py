"""The same event id once more: is it the same event?

Only what the call itself names is compared, as the policy left it; what is no longer there to
compare counts as the same. The comparison needs no lock, since what is stored never changes
but by being taken away.
"""

from __future__ import annotations

from typing import Any

import orjson

from counterfoil.record.draft import Draft
from counterfoil.record.entry import UntimedEntry, parse
from counterfoil.record.event import Event
from counterfoil.record.instant import to_micros
from counterfoil.record.row import EventRow
from counterfoil.store import Store

#: Fields of a draft by the disclosure that holds them; None: they stand in the entry.
_PLACES = {
    "event_type": None,
    "level": None,
    "outcome": None,
    "company_id": None,
    "resource_type": None,
    "occurred_at": None,
    "user_id": "actor",
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
    "on_behalf_of": "on_behalf_of",
    "impersonator": "impersonator",
}


async def same_event(draft: Draft, earlier: EventRow | UntimedEntry, store: Store) -> bool:
    """Whether a call repeats an event that has its id already.

    Args:
        draft: the new call's draft, after the policy chain.
        earlier: the stored event, or one of the same batch.
        store: where the further people of a stored event are.

    Raises:
        StoreError: they cannot be read, or the stored event cannot be decoded.
    """
    if isinstance(earlier, UntimedEntry):
        return earlier.draft is not None and _same_draft(draft, earlier.draft)
    people = await store.mentions(earlier.position, earlier.position) if earlier.mentions else []
    event = Event.decode(earlier, people)
    if "log" in draft.named and event.log != draft.log:
        return False
    # A digest without its disclosure: something was erased or has decayed.
    whole = len(parse(event.entry)["_sd"]) == len(event.disclosures)
    present = {item.name for item in event.disclosures}
    return _same_subjects(draft, event, whole) and all(
        _same(draft, getattr(draft, name), _recorded(event, name))
        for name, disclosure in _PLACES.items()
        if name in draft.named and (whole or disclosure is None or disclosure in present)
    )


def _same_draft(draft: Draft, earlier: Draft) -> bool:
    return all(
        _plain(getattr(draft, name)) == _plain(getattr(earlier, name))
        for name in draft.named
        if name in _PLACES or name in ("subjects", "log")
    )


def _same_subjects(draft: Draft, event: Event, whole: bool) -> bool:
    if "subjects" not in draft.named:
        return True
    if whole:
        return _same(draft, draft.subjects, list(event.subjects))
    # One that was erased leaves a gap, and the others where they were.
    recorded = {item.name: item.load() for item in event.disclosures}
    return all(
        _same(draft, person, recorded.get(f"subject_{number}", person))
        for number, person in enumerate(draft.subjects)
    )


def _same(draft: Draft, value: Any, recorded: Any) -> bool:
    """Whether a value is the recorded one, with tokens under any key that is kept."""
    text = orjson.dumps(value).decode()
    if orjson.loads(text) == recorded:
        return True
    older = draft.older_tokens or {}
    # All tokens of an event are made under one key: the one that was the newest then.
    for generation in range(max(map(len, older.values()), default=0)):
        then = text
        for newest, before in older.items():
            if generation < len(before):
                then = then.replace(newest, before[generation])
        if orjson.loads(then) == recorded:
            return True
    return False


def _recorded(event: Event, name: str) -> Any:
    if name == "event_type":
        return event.type
    if name == "level":
        return event.level.value
    if name == "occurred_at":
        return to_micros(event.occurred_at)
    if name == "metadata" and event.metadata is not None:
        # The body is read back as a part of the metadata; it was given by another name.
        return {key: value for key, value in event.metadata.items() if key != "request_body"}
    return getattr(event, name)


def _plain(value: Any) -> Any:
    """A value as it is read back: tuples are lists, and so on."""
    return orjson.loads(orjson.dumps(value))
