"""Spooled drafts: a draft that the policy chain has finished, as bytes and back.

The form is one JSON object (RFC 8259): ``v`` for its version, then the draft's fields that
are set. What only the chain reads (the caller's options and context, the rule) stays out. An
entry built from the decoded draft has the same members and the same disclosed values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any

import orjson

from counterfoil.errors import InputError, SpoolCorruptError

from .disclosure import NAMES, SALT_BYTES, Disclosure
from .draft import Draft
from .entry import LEVELS, OUTCOMES, UntimedEntry, salting
from .instant import LAST

FORMAT_VERSION = 1

#: What the chain alone reads, and what only a comparison in this process needs.
LEFT_OUT = frozenset({"context", "options", "rule", "older_tokens"})
_CARRIED = tuple(item.name for item in fields(Draft) if item.name not in LEFT_OUT)
_NEEDED = frozenset({"event_type", "event_id", "occurred_at", "log"})

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
#: The first microsecond of the year 1, the smallest time that RFC 3339 can write.
_FIRST = -62_135_596_800_000_000


def encode(draft: Draft) -> bytes:
    """A finished draft as bytes.

    Args:
        draft: after the whole chain, redaction above all: what is spooled stands in a file.

    Raises:
        InputError: a field holds what no entry can be built from.
    """
    members: dict[str, Any] = {"v": FORMAT_VERSION}
    for name in _CARRIED:
        value = getattr(draft, name)
        if value is not None:
            members[name] = value
    members["named"] = sorted(draft.named)
    members["subjects"] = list(draft.subjects)
    wrong = _first_wrong(members)
    if wrong is not None:
        raise InputError(f"The draft's {wrong} is not as the policy chain leaves it.")
    try:
        return orjson.dumps(members)
    except TypeError as error:
        raise InputError("The draft holds a value that is not plain JSON.") from error


def decode(data: bytes) -> Draft:
    """The draft that was encoded.

    It always names its ``event_id``: a spool delivers at least once, and the log records an
    id that a call named only once.

    Raises:
        SpoolCorruptError: the bytes are not a draft of this version's form.
    """
    try:
        members = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise SpoolCorruptError("A spooled event is not JSON.") from error
    if not isinstance(members, dict) or members.pop("v", None) != FORMAT_VERSION:
        raise SpoolCorruptError("A spooled event is of another version's form.")
    if not _NEEDED <= members.keys() <= set(_CARRIED):
        raise SpoolCorruptError("A spooled event lacks a member, or has one too many.")
    wrong = _first_wrong(members)
    if wrong is not None:
        raise SpoolCorruptError(f"A spooled event's {wrong} is malformed.")
    members["named"] = frozenset(members.get("named", ())) | {"event_id"}
    return Draft(**members)


def _first_wrong(members: dict[str, Any]) -> str | None:
    """The first field, if any, that an entry cannot be built from."""
    for name, is_right in _CHECKS.items():
        if name in members and not is_right(members[name]):
            return name
    return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_days(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 31


#: One check serves both ways, so that nothing is spooled that would be refused on the way back.
#: Fields that an entry takes as any JSON value have none.
_CHECKS: dict[str, Callable[[Any], bool]] = {
    "event_type": _is_text,
    "event_id": lambda value: isinstance(value, str) and _UUID(value) is not None,
    "occurred_at": lambda value: type(value) is int and _FIRST <= value <= LAST,
    "log": _is_text,
    "level": LEVELS.__contains__,
    "outcome": OUTCOMES.__contains__,
    "actor_kind": _is_text,
    "company_id": _is_text,
    "resource_type": _is_text,
    "subjects": lambda value: isinstance(value, list),
    "notes": _is_object,
    "audit": _is_object,
    "expires_days": _is_days,
    "decays_days": _is_days,
    "named": lambda value: isinstance(value, list) and all(map(_is_text, value)),
}


def draft_of(entry: UntimedEntry) -> Draft:
    """The finished draft that an entry was built from, whether or not it is salted yet.

    An entry's ``audit`` member is not among it: the log's own events are never spooled.
    """
    if entry.draft is not None:
        return entry.draft
    draft = Draft(entry.event_type, entry.event_id, entry.occurred_at, entry.log)
    draft.level, draft.outcome = LEVELS[entry.level], OUTCOMES[entry.outcome]
    draft.company_id, draft.resource_type = entry.company_id, entry.resource_type
    draft.expires_days, draft.decays_days = entry.expires_days, entry.decays_days
    with salting:
        salt = SALT_BYTES if entry.sd else 0
        columns = _columns(entry)
    for name, stored in zip(NAMES, columns, strict=True):
        if stored is None:
            continue
        value = Disclosure(name, b"", stored[salt:]).load()
        if name == "body":
            draft.body = value
            continue
        for member, held in value.items():
            setattr(draft, _MEMBERS.get(member, member), held)
    subjects = []
    for name, person, _ in entry.people:
        if name in ("on_behalf_of", "impersonator"):
            setattr(draft, name, person)
        else:
            subjects.append(person)
    draft.subjects = subjects
    return draft


_columns = attrgetter(*NAMES)
#: Members of disclosures that a draft calls otherwise.
_MEMBERS = {"kind": "actor_kind"}
