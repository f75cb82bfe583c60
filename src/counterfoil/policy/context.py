"""Who and from where: explicit argument, else the context passed, else the ambient one.

Ids become text of a bounded length, and what cannot stand in the entry moves to the notes, so
that every later link and the entry itself can rely on their form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from counterfoil.ambient import AMBIENT
from counterfoil.record import Draft

MAX_ID_BYTES = 512
MAX_USER_AGENT_BYTES = 1024
MAX_COMPANY_BYTES = 128
_RESOURCE_TYPE = re.compile(r"[A-Za-z0-9_.:-]{1,64}").fullmatch
#: A text this short is within every limit whatever its characters (UTF-8: 4 bytes at most).
_SURELY_SHORT = 32

_FIELDS = (
    "user_id",
    "ip_address",
    "user_agent",
    "session_id",
    "request_id",
    "company_id",
    "resource_id",
    "resource_type",
    "before_state",
    "after_state",
    "changes",
    "metadata",
)
_AMBIENT_ONLY = ("actor_kind", "on_behalf_of", "impersonator", "claims", "body", "details")
_IDS = (
    ("user_id", MAX_ID_BYTES),
    ("ip_address", MAX_ID_BYTES),
    ("user_agent", MAX_USER_AGENT_BYTES),
    ("session_id", MAX_ID_BYTES),
    ("request_id", MAX_ID_BYTES),
    ("resource_id", MAX_ID_BYTES),
    ("on_behalf_of", MAX_ID_BYTES),
    ("impersonator", MAX_ID_BYTES),
)


def fill_context(draft: Draft) -> Draft:
    """Fill what the call left open from its context, then from the ambient one."""
    context = draft.context
    if context is not None:
        _fill(draft, _members(context), _FIELDS)
    ambient = AMBIENT.get()
    if ambient is not None:
        _fill(draft, ambient, _FIELDS)
        _fill(draft, ambient, _AMBIENT_ONLY)
    return draft


def settle_ids(draft: Draft) -> Draft:
    """Make every id a text of bounded length, and fit for its place in the entry."""
    for name, limit in _IDS:
        value = getattr(draft, name)
        if value is None:
            continue
        if type(value) is not str:
            value = as_text(value)
            setattr(draft, name, value)
        if len(value) > _SURELY_SHORT:
            short = cut(value, limit)
            if short is not value:
                setattr(draft, name, short)
    if draft.subjects:
        draft.subjects = _subjects(draft)
    company, kind = draft.company_id, draft.resource_type
    if company is not None:
        company = draft.company_id = as_text(company)
        if not company or len(company.encode("utf-8", "replace")) > MAX_COMPANY_BYTES:
            draft.note("company_id", cut(company, MAX_ID_BYTES))
            draft.company_id = None
    if kind is not None:
        kind = draft.resource_type = as_text(kind)
        if _RESOURCE_TYPE(kind) is None:
            draft.note("resource_type", cut(kind, MAX_ID_BYTES))
            draft.resource_type = None
    return draft


def as_text(value: Any) -> str:
    """An id as text; of an unknown object only its type's name."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return str.__str__(value)
    if type(value) in (int, bool, float, UUID, Decimal) or isinstance(value, (date, PurePath)):
        return str(value)
    return f"[unserializable:{type(value).__name__}]"


def cut(text: str, limit: int) -> str:
    """The text itself, or its beginning and how many bytes it had, within ``limit`` bytes."""
    if len(text) * 4 <= limit:
        return text
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return text
    mark = f"[truncated:{len(data)}]"
    return data[: limit - len(mark)].decode("utf-8", "ignore") + mark


def _members(context: Any) -> Mapping[str, Any]:
    if isinstance(context, Mapping):
        return context
    found = getattr(context, "__dict__", None)
    return found if isinstance(found, dict) else {}


def _fill(draft: Draft, members: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if getattr(draft, name) is None:
            value = members.get(name)
            if value is not None:
                setattr(draft, name, value)


def _subjects(draft: Draft) -> list[str]:
    given = draft.subjects
    if isinstance(given, str) or not isinstance(given, (list, tuple, set, frozenset)):
        given = [given]
    people = [cut(as_text(person), MAX_ID_BYTES) for person in given]
    kept = list(dict.fromkeys(people))[:MAX_SUBJECTS]
    if len(kept) < len(set(people)):
        draft.note("subjects", f"{len(set(people))} were named, {len(kept)} are kept")
    return kept


MAX_SUBJECTS = 1_000
