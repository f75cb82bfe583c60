"""Spooled drafts: what is built from the bytes is what was built from the draft."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import InputError, SpoolCorruptError
from counterfoil.record import Draft, spooled
from counterfoil.record.entry import UntimedEntry, commit, parse
from counterfoil.record.instant import LAST
from counterfoil.record.row import EventRow, MentionRow, make_row

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
DAYS = st.none() | st.integers(1, 3_652_058)

#: Every field of a draft; one that is added must be added here.
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "event_type": st.sampled_from(["user_login", "app.audit.x", "audit.gap"]),
    "event_id": st.uuids().map(str),
    "occurred_at": st.integers(-62_135_596_800_000_000, LAST),
    "log": st.sampled_from(["default", "c-7"]),
    "level": st.sampled_from([None, "info", "critical"]),
    "outcome": st.sampled_from([None, "success", "failure", "unknown"]),
    "actor_kind": st.sampled_from([None, "user", "system"]),
    "company_id": st.none() | TEXT,
    "resource_type": st.none() | st.just("product"),
    "subjects": st.lists(TEXT, max_size=3) | st.just(()),
    "notes": st.none() | OBJECT,
    "audit": st.none() | OBJECT,
    "expires_days": DAYS,
    "decays_days": DAYS,
    "named": st.frozensets(st.sampled_from(["event_id", "user_id", "details"])),
    **dict.fromkeys(
        [
            "user_id", "ip_address", "user_agent", "session_id", "request_id", "on_behalf_of",
            "impersonator", "resource_id",
        ],
        st.none() | TEXT,
    ),
    **dict.fromkeys(
        ["before_state", "after_state", "changes", "details", "metadata", "body", "claims"],
        st.none() | JSON,
    ),
}  # fmt: skip
DRAFTS = st.builds(Draft, **FIELDS)

PLAIN = Draft("user_login", "01900000-0000-7000-8000-000000000001", 1_767_225_600_000_000)


def test_every_field_is_carried_or_left_out() -> None:
    assert {item.name for item in fields(Draft)} == FIELDS.keys() | spooled.LEFT_OUT


@settings(deadline=None)
@given(DRAFTS)
def test_the_same_draft_comes_back(draft: Draft) -> None:
    found = spooled.decode(spooled.encode(draft))
    wanted = replace(draft, subjects=list(draft.subjects), named=draft.named | {"event_id"})
    assert orjson.dumps(_plain(found)) == orjson.dumps(_plain(wanted))
    assert spooled.encode(found) == spooled.encode(wanted)


@settings(deadline=None)
@given(DRAFTS)
def test_the_entry_has_the_same_members_and_disclosed_values(draft: Draft) -> None:
    assert _built(spooled.decode(spooled.encode(draft))) == _built(draft)


def _built(draft: Draft) -> tuple[Any, ...]:
    """Everything of an entry but what is random: its salts, and so its digests."""
    entry = UntimedEntry(draft)
    commit([entry])
    at = PLAIN.occurred_at
    data, expires_at, decays_at = entry.complete(at)
    row = EventRow(*make_row(entry, 0, b"", at, data, expires_at, decays_at))
    disclosures = row.disclosures([MentionRow(0, *person) for person in entry.people])
    members = {name: value for name, value in parse(data).items() if name != "_sd"}
    return (
        orjson.dumps(members),
        [(item.name, item.value) for item in disclosures],
        row[3 : EventRow._fields.index("entry")],
    )


def _plain(draft: Draft) -> dict[str, Any]:
    members = {name: getattr(draft, name) for name in FIELDS}
    return members | {"named": sorted(draft.named)}


def test_what_only_the_chain_reads_stays_out() -> None:
    draft = replace(PLAIN, context=object(), options=object(), rule=object())
    found = spooled.decode(spooled.encode(draft))
    assert (found.context, found.options, found.rule) == (None, None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"level": "loud"},
        {"outcome": "maybe"},
        {"event_id": "not an id"},
        {"occurred_at": LAST + 1},
        {"company_id": 7},
        {"expires_days": -1},
        {"details": {"a": object()}},
        {"details": {"a": "\ud800"}},
        {"user_id": 1 << 70},
    ],
)
def test_what_could_not_be_read_back_is_not_spooled(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        spooled.encode(replace(PLAIN, **wrong))


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": None},
        {"event_type": None},
        {"level": "loud"},
        {"named": [1]},
        {"subjects": "u-1"},
        {"extra": 1},
        {"rule": {}},
    ],
)
def test_other_forms_are_refused(change: dict[str, Any]) -> None:
    members = orjson.loads(spooled.encode(PLAIN)) | change
    with pytest.raises(SpoolCorruptError):
        spooled.decode(orjson.dumps(members))


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_bytes_that_are_no_draft_are_refused(data: bytes) -> None:
    with pytest.raises(SpoolCorruptError):
        spooled.decode(data)


@settings(deadline=None)
@given(DRAFTS, st.data())
def test_no_error_tells_what_the_draft_holds(draft: Draft, data: st.DataObject) -> None:
    secret = "4111111111111111"
    field = data.draw(st.sampled_from(sorted(FIELDS.keys() - {"named", "subjects"})))
    setattr(draft, field, {1, secret})
    with pytest.raises(InputError) as caught:
        spooled.encode(draft)
    assert secret not in str(caught.value)
