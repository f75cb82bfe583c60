"""Sentences: one line that says what happened, for people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .phrases import KINDS, OTHER, PHRASES, Phrase
from .visible import short, visible

if TYPE_CHECKING:
    from counterfoil.record import Event

_MAX_ID = 60
_MAX_VALUE = 32
_MAX_CHANGES = 3
_OPTIONAL = re.compile(r"\[(.*?)\]")
#: Types whose phrase itself says that it failed.
_FAILURES = frozenset({"login_failed", "access_denied"})
_ARROW = " → "


def sentence(event: Event) -> str:
    """What happened, as one line without a time: safe to print, whatever the event holds."""
    return f"{actor(event)} {deed(event)}"


def deed(event: Event) -> str:
    """What the actor did: the sentence without its subject."""
    phrase = _phrase(event)
    text = _what(event, phrase)
    more = ", ".join(_changes(event, phrase.field)) or _member(event, phrase)
    if more:
        text += f": {more}"
    if event.outcome == "failure" and event.type not in _FAILURES:
        text += " (failed)"
    elif event.outcome == "unknown":
        text += " (outcome unknown)"
    return text


def actor(event: Event) -> str:
    """Who did it, and in whose name: the sentence's subject."""
    if event.user_id is not None:
        who = short(event.user_id, _MAX_ID)
    elif event.actor_kind is None:
        who = "(erased)"
    elif event.actor_kind == "anonymous":
        who = "someone"
    else:
        who = f"the {short(event.actor_kind, _MAX_ID)}"
    if event.impersonator is not None:
        who += f" (really {short(event.impersonator, _MAX_ID)})"
    if event.on_behalf_of is not None:
        who += f" for {short(event.on_behalf_of, _MAX_ID)}"
    return who


def _phrase(event: Event) -> Phrase:
    """The phrase of a type; of the log's own events, of what exactly was done."""
    if event.audit is not None:
        found = KINDS.get(f"{event.type}:{event.audit.get('kind')}")
        if found is not None:
            return found
    return PHRASES.get(event.type, OTHER)


def _what(event: Event, phrase: Phrase) -> str:
    resource = _resource(event, phrase)
    text = _OPTIONAL.sub(r"\1" if resource else "", phrase.text)
    thing = resource or _with_article(phrase.noun)
    return text.replace("{type}", visible(event.type)).replace("{}", thing)


def _resource(event: Event, phrase: Phrase) -> str | None:
    kind, name = event.resource_type, event.resource_id
    if name is None:
        return None
    said = phrase.noun if kind is None else short(kind, _MAX_ID).replace("_", " ")
    if said.lower() == phrase.noun.lower():
        said = phrase.noun
    return f"{said} {short(name, _MAX_ID)}"


def _with_article(noun: str) -> str:
    if noun == "system":
        return f"the {noun}"
    return f"an {noun}" if noun[0] in "aeioAEIO" else f"a {noun}"


def _changes(event: Event, field: str | None) -> Iterator[str]:
    changes = list(found_changes(event))
    if len(changes) > _MAX_CHANGES:
        yield f"{len(changes)} fields"
        return
    for name, old, new in changes:
        said = "" if name == field and len(changes) == 1 else f"{short(name, _MAX_VALUE)} "
        if old is ABSENT:
            yield f"{said}set to {short(new, _MAX_VALUE)}"
        elif new is ABSENT:
            yield f"{said}removed"
        else:
            yield f"{said}{short(old, _MAX_VALUE)}{_ARROW}{short(new, _MAX_VALUE)}"


#: Stands for a value that was not there.
ABSENT: Any = object()


def found_changes(event: Event) -> Iterator[tuple[str, Any, Any]]:
    """Name, old and new value of each field that changed, as recorded or from the states."""
    if event.changes is not None:
        for pointer, change in event.changes.items():
            name = pointer.removeprefix("/").replace("~1", "/").replace("~0", "~")
            if isinstance(change, Mapping) and ("old" in change or "new" in change):
                yield name, change.get("old", ABSENT), change.get("new", ABSENT)
            else:
                yield name, ABSENT, change
        return
    before, after = event.before_state, event.after_state
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in {**before, **after}:
            old, new = before.get(name, ABSENT), after.get(name, ABSENT)
            if old != new:
                yield name, old, new


def _member(event: Event, phrase: Phrase) -> str:
    if isinstance(event.details, Mapping):
        for name in phrase.members:
            value = event.details.get(name)
            if isinstance(value, (str, int, float)):
                said = f"{name} " if not isinstance(value, str) else ""
                return f"{said}{short(value, _MAX_VALUE)}"
    return ""
