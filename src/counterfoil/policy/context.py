"""Who and from where: explicit argument, else the context passed, else the ambient one.

Ids become text of a bounded length, and what cannot stand in the entry moves to the notes, so
that every later link and the entry itself can rely on their form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from counterfoil.ambient import AMBIENT
from counterfoil.base import AuditContext
from counterfoil.record import Draft
from counterfoil.record.disclosure import MAX_SUBJECTS

from .redaction.plain import Items, Members, plain, unserializable

MAX_ID_BYTES = 512
MAX_USER_AGENT_BYTES = 1024
MAX_COMPANY_BYTES = 128
MAX_KIND_BYTES = 64
ACTOR_KINDS = ("user", "service", "system", "agent", "anonymous")
_RESOURCE_TYPE = re.compile(r"[A-Za-z0-9_.:-]{1,64}").fullmatch
#: A text of at most a quarter of a limit's characters is within it (UTF-8: 4 bytes at most).
_MOST_UTF8_BYTES = 4
_SHORT_ID = MAX_ID_BYTES // _MOST_UTF8_BYTES
_SHORT_USER_AGENT = MAX_USER_AGENT_BYTES // _MOST_UTF8_BYTES
_SHORT_COMPANY = MAX_COMPANY_BYTES // _MOST_UTF8_BYTES

_AMBIENT_ONLY = ("actor_kind", "on_behalf_of", "impersonator", "claims", "body", "details")


def fill_context(draft: Draft) -> Draft:
    """Fill what the call left open from its context, then from the ambient one.

    What the log itself records is nobody's request, whichever it happens to run in.
    """
    if draft.context is not None:
        _fill(draft, _members(draft))
    if type(draft.subjects) is not tuple:
        draft.subjects = _gathered(draft)
    ambient = AMBIENT.get()
    if ambient is not None and draft.actor_kind != "system":
        _fill(draft, ambient)
        for name in _AMBIENT_ONLY:
            if getattr(draft, name) is None:
                setattr(draft, name, ambient.get(name))
    return draft


def settle_ids(draft: Draft) -> Draft:
    """Make every id a text of bounded length, and fit for its place in the entry."""
    # Written out, as is _fill: this runs for every event, and attributes looked up by a
    # name in a variable take several times as long. Short texts are nearly all there are.
    given = draft.user_id
    if given is not None and (type(given) is not str or len(given) > _SHORT_ID):
        draft.user_id = _bounded(given)
    given = draft.ip_address
    if given is not None and (type(given) is not str or len(given) > _SHORT_ID):
        draft.ip_address = _bounded(given)
    given = draft.user_agent
    if given is not None and (type(given) is not str or len(given) > _SHORT_USER_AGENT):
        draft.user_agent = _bounded(given, MAX_USER_AGENT_BYTES)
    given = draft.session_id
    if given is not None and (type(given) is not str or len(given) > _SHORT_ID):
        draft.session_id = _bounded(given)
    given = draft.request_id
    if given is not None and (type(given) is not str or len(given) > _SHORT_ID):
        draft.request_id = _bounded(given)
    given = draft.resource_id
    if given is not None and (type(given) is not str or len(given) > _SHORT_ID):
        draft.resource_id = _bounded(given)
    given = draft.on_behalf_of
    if given is not None and (type(given) is not str or len(given) > _SHORT_ID):
        draft.on_behalf_of = _bounded(given)
    given = draft.impersonator
    if given is not None and (type(given) is not str or len(given) > _SHORT_ID):
        draft.impersonator = _bounded(given)
    if draft.actor_kind is not None and draft.actor_kind not in ACTOR_KINDS:
        draft.actor_kind = cut(as_text(draft.actor_kind), MAX_KIND_BYTES)
    if draft.subjects:
        draft.subjects = _subjects(draft)
    given = draft.company_id
    if given is not None and (type(given) is not str or not 0 < len(given) <= _SHORT_COMPANY):
        _settle_company(draft)
    given = draft.resource_type
    if given is not None and (type(given) is not str or _RESOURCE_TYPE(given) is None):
        _settle_resource_type(draft)
    return draft


def as_text(value: Any) -> str:
    """An id as text; of an unknown object only its type's name."""
    if type(value) is str:
        return value
    held = plain(value)
    # Bytes would stand there in base64, where nothing in an id is looked for.
    if isinstance(held, (Members, Items)) or issubclass(type(value), (bytes, bytearray)):
        return unserializable(type(value))
    return held if isinstance(held, str) else str(held)


def cut(text: str, limit: int) -> str:
    """The text itself, or its beginning and how many bytes it had, within ``limit`` bytes."""
    if len(text) * _MOST_UTF8_BYTES <= limit:
        return text
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return text
    mark = f"[truncated:{len(data)}]"
    return data[: limit - len(mark)].decode("utf-8", "ignore") + mark


def company_text(company: Any) -> str | None:
    """A company's id as it is recorded; None where it is none that the entry could hold."""
    text = as_text(company)
    if len(text) > _SHORT_COMPANY:
        return text if len(text.encode("utf-8", "replace")) <= MAX_COMPANY_BYTES else None
    return text or None


def context_members(context: Any) -> Mapping[str, Any] | None:
    """What a caller's context says, by name; None where it is none."""
    # An exact type first: a class of the caller's own may put code in the way of __dict__.
    if type(context) is AuditContext:
        members: dict[str, Any] = context.__dict__
        return members
    if type(context) is dict:
        return context
    # No code of an object of another kind is run.
    held = plain(context)
    if isinstance(held, Members):
        return {name: value for name, value in held if type(name) is str}
    return None


def _members(draft: Draft) -> Mapping[str, Any]:
    members = context_members(draft.context)
    if members is None:
        draft.note("context", "what was given is no AuditContext")
        return {}
    return members


def _gathered(draft: Draft) -> Any:
    """The subjects, where they come one by one; one more than are kept tells that there are."""
    given = draft.subjects
    if given is None:
        return ()
    if not issubclass(type(given), Iterator):
        # An unknown object is one subject; it is not asked whether it is empty.
        held = plain(given)
        return held if isinstance(held, Items) else [given]
    gathered: list[Any] = []
    try:
        gathered.extend(islice(given, MAX_SUBJECTS + 1))
    except Exception as error:  # noqa: BLE001 - whatever the caller's code does, the event is recorded
        draft.note("subjects", f"could not be read to their end: {type(error).__name__}")
    return gathered


def _fill(draft: Draft, members: Mapping[str, Any]) -> None:
    given = members.get
    if draft.user_id is None:
        draft.user_id = given("user_id")
    if draft.ip_address is None:
        draft.ip_address = given("ip_address")
    if draft.user_agent is None:
        draft.user_agent = given("user_agent")
    if draft.session_id is None:
        draft.session_id = given("session_id")
    if draft.request_id is None:
        draft.request_id = given("request_id")
    if draft.company_id is None:
        draft.company_id = given("company_id")
    if draft.resource_id is None:
        draft.resource_id = given("resource_id")
    if draft.resource_type is None:
        draft.resource_type = given("resource_type")
    if draft.before_state is None:
        draft.before_state = given("before_state")
    if draft.after_state is None:
        draft.after_state = given("after_state")
    if draft.changes is None:
        draft.changes = given("changes")
    if draft.metadata is None:
        draft.metadata = given("metadata")


def _bounded(value: Any, limit: int = MAX_ID_BYTES) -> str:
    return cut(as_text(value), limit)


def _settle_company(draft: Draft) -> None:
    company = company_text(draft.company_id)
    if company is None:
        draft.note("company_id", cut(as_text(draft.company_id), MAX_ID_BYTES))
    draft.company_id = company


def _settle_resource_type(draft: Draft) -> None:
    kind = as_text(draft.resource_type)
    if _RESOURCE_TYPE(kind) is None:
        draft.note("resource_type", cut(kind, MAX_ID_BYTES))
        draft.resource_type = None
    else:
        draft.resource_type = kind


def _subjects(draft: Draft) -> list[str]:
    given = draft.subjects
    if isinstance(given, str) or not isinstance(given, (list, tuple, set, frozenset)):
        given = [given]
    people = [cut(as_text(person), MAX_ID_BYTES) for person in given]
    kept = list(dict.fromkeys(people))[:MAX_SUBJECTS]
    if len(kept) < len(set(people)):
        draft.note("subjects", f"{len(set(people))} were named, {len(kept)} are kept")
    return kept
