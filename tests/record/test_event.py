"""Events: what is read back is what was recorded, at every depth."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given

from counterfoil.errors import StoreCorruptError
from counterfoil.record import Draft, Event
from counterfoil.record.disclosure import dump, escape_keys, unescape_keys
from counterfoil.record.instant import to_micros

from .columns import copies
from .drafts import NEW_YEAR, VALUES, drafts, read, recorded

_SAME = (
    "company_id",
    "user_id",
    "on_behalf_of",
    "impersonator",
    "ip_address",
    "user_agent",
    "session_id",
    "request_id",
    "resource_type",
    "resource_id",
    "before_state",
    "after_state",
    "changes",
    "details",
    "claims",
    "outcome",
    "log",
)


@given(drafts())
def test_the_event_is_what_the_draft_was(draft: Draft) -> None:
    event = read(draft, index=7)
    assert {name: getattr(event, name) for name in _SAME} == {
        name: getattr(draft, name) for name in _SAME
    }
    assert (event.id, event.type, event.level.value) == (
        draft.event_id,
        draft.event_type,
        draft.level,
    )
    assert event.index == 7
    assert event.subjects == tuple(draft.subjects)
    assert to_micros(event.occurred_at) == draft.occurred_at
    assert to_micros(event.recorded_at) == NEW_YEAR
    assert event.actor_kind == ("anonymous" if draft.user_id is None else "user")
    metadata = dict(draft.metadata or {})
    if draft.body is not None:
        metadata["request_body"] = draft.body
    assert (event.metadata or {}) == metadata


@given(drafts())
def test_the_columns_are_copies_of_entry_and_disclosures(draft: Draft) -> None:
    row, people = recorded(draft)
    expected = copies(row, row.disclosures(people))
    assert {name: getattr(row, name) for name in expected} == expected


@given(VALUES)
def test_reserved_keys_come_back_as_they_were(value: Any) -> None:
    stored = dump(value)
    assert unescape_keys(orjson.loads(stored)) == value
    assert unescape_keys(escape_keys(value)) == value
    assert not _reserved(orjson.loads(stored))


@pytest.mark.parametrize("key", ["_sd", "_sd_alg", "...", "~", "~_sd", "~~"])
@pytest.mark.parametrize("part", ["details", "metadata", "before_state", "changes", "claims"])
def test_a_reserved_key_is_escaped_in_every_part(part: str, key: str) -> None:
    draft = Draft("order_created", "019b7764-9800-7000-8000-000000000001", NEW_YEAR)
    setattr(draft, part, {"deep": [{key: 1}]})
    row, people = recorded(draft)
    stored = next(
        item.value for item in row.disclosures(people) if item.name not in ("actor", "resource")
    )
    assert f'{{"~{key}":1}}'.encode() in stored
    assert getattr(Event.decode(row, people), part) == {"deep": [{key: 1}]}


def test_a_value_may_look_like_a_reserved_key() -> None:
    value = {"name": "_sd", "other": ["...", "~"], "_sdx": "_sd_alg"}
    assert dump(value) == orjson.dumps(value)


def test_many_subjects_keep_their_order() -> None:
    people = [f"person-{number}" for number in range(25)]
    draft = Draft("order_created", "019b7764-9800-7000-8000-000000000001", NEW_YEAR)
    draft.subjects = people
    assert read(draft).subjects == tuple(people)


@pytest.mark.parametrize(
    "damage",
    [
        {"entry": b"{"},
        {"entry": b"{}"},
        {"actor": bytes(16) + b"{"},
        {"client": bytes(16) + b"[]"},
        {"entry": b"\xff"},
    ],
)
def test_a_damaged_row_is_called_so(damage: dict[str, Any]) -> None:
    draft = Draft("order_created", "019b7764-9800-7000-8000-000000000001", NEW_YEAR)
    draft.ip_address = "192.0.2.7"
    row, people = recorded(draft)
    with pytest.raises(StoreCorruptError, match="at index 0"):
        Event.decode(row._replace(**damage), people)


def test_what_was_erased_is_none() -> None:
    draft = Draft("order_created", "019b7764-9800-7000-8000-000000000001", NEW_YEAR)
    draft.user_id, draft.resource_id, draft.details = "u-1", "r-1", {"a": 1}
    row, people = recorded(draft)
    event = Event.decode(row._replace(actor=None, details=None), people)
    assert (event.user_id, event.actor_kind, event.details) == (None, None, None)
    assert event.resource_id == "r-1"


def test_as_a_dict_it_is_plain_json() -> None:
    draft = Draft("order_created", "019b7764-9800-7000-8000-000000000001", NEW_YEAR)
    draft.user_id, draft.subjects = "u-1", ["u-2"]
    found = read(draft).as_dict()
    assert orjson.loads(orjson.dumps(found)) == found
    assert found["recorded_at"] == "2026-01-01T00:00:00.000000Z"
    assert found["subjects"] == ["u-2"]
    assert "details" not in found
    assert "entry" not in found


def _reserved(value: Any) -> bool:
    if isinstance(value, dict):
        return any(key in ("_sd", "_sd_alg", "...") or _reserved(of) for key, of in value.items())
    return isinstance(value, list) and any(map(_reserved, value))
