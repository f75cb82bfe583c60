"""Entries: canonical bytes, within their limit, that commit to every disclosure."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.record import Disclosure, Draft
from counterfoil.record.entry import MAX_ENTRY_BYTES, UntimedEntry, commit, parse
from counterfoil.record.instant import LAST

from .drafts import NEW_YEAR, drafts, recorded, recorded_together

_LAST_TEXT = "9999-12-31T23:59:59.999999Z"
ID = "019b7764-9800-7000-8000-000000000001"


def simple(**fields: Any) -> Draft:
    draft = Draft("order_created", ID, NEW_YEAR)
    for name, value in fields.items():
        setattr(draft, name, value)
    return draft


@given(drafts())
def test_the_bytes_are_canonical(draft: Draft) -> None:
    entry = recorded(draft)[0].entry
    again = json.dumps(json.loads(entry), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert entry == again.encode()
    assert b"." not in entry.partition(b'"v":')[2]


@given(st.lists(drafts(), min_size=1, max_size=4))
def test_the_digests_are_those_of_rfc_9901(several: list[Draft]) -> None:
    for row, people in recorded_together(several):
        disclosures = row.disclosures(people)
        # From the standard's text alone: base64url of the JSON array, and of its SHA-256.
        encoded = [
            b64(
                b"["
                + json.dumps(b64(salt).decode()).encode()
                + b',"'
                + name.encode()
                + b'",'
                + value
                + b"]"
            )
            for name, salt, value in disclosures
        ]
        digests = sorted(b64(sha256(text).digest()).decode() for text in encoded)
        assert parse(row.entry)["_sd"] == digests
        assert parse(row.entry)["_sd_alg"] == "sha-256"
        assert [item.text().encode() for item in disclosures] == encoded
        assert sorted(item.digest().decode() for item in disclosures) == digests


@given(drafts())
def test_every_disclosure_has_a_salt_of_its_own(draft: Draft) -> None:
    row, people = recorded(draft)
    salts = [item.salt for item in row.disclosures(people)]
    assert all(len(salt) == 16 for salt in salts)
    assert len(set(salts)) == len(salts)


def test_the_same_event_twice_has_nothing_in_common_that_could_be_guessed() -> None:
    (one, _), (other, _) = recorded_together([simple(user_id="u-1"), simple(user_id="u-1")])
    assert one.actor is not None
    assert other.actor is not None
    assert one.actor[16:] == other.actor[16:]
    assert set(parse(one.entry)["_sd"]).isdisjoint(parse(other.entry)["_sd"])


def test_an_event_that_says_nothing_still_has_a_disclosure() -> None:
    row, people = recorded(simple())
    assert [item.name for item in row.disclosures(people)] == ["actor"]
    assert parse(row.entry) == {
        "_sd": [row.disclosures(people)[0].digest().decode()],
        "_sd_alg": "sha-256",
        "id": ID,
        "level": "info",
        "log": "default",
        "occurred_at": "2026-01-01T00:00:00.000000Z",
        "outcome": "unknown",
        "recorded_at": "2026-01-01T00:00:00.000000Z",
        "type": "order_created",
        "v": 1,
    }


def test_nothing_personal_stands_in_the_entry() -> None:
    told = {
        "user_id": "user-of-note",
        "ip_address": "192.0.2.7",
        "user_agent": "agent-of-note",
        "session_id": "session-of-note",
        "request_id": "request-of-note",
        "resource_id": "resource-of-note",
        "on_behalf_of": "behalf-of-note",
        "impersonator": "impersonator-of-note",
        "subjects": ["subject-of-note"],
        "before_state": {"a": "before-of-note"},
        "after_state": {"a": "after-of-note"},
        "changes": {"/a": "changes-of-note"},
        "details": {"a": "details-of-note"},
        "metadata": {"a": "metadata-of-note"},
        "claims": {"a": "claims-of-note"},
        "body": "body-of-note",
        "notes": {"a": "notes-of-note"},
    }
    row, people = recorded(simple(**told))
    assert b"of-note" not in row.entry
    assert b"192.0.2.7" not in row.entry
    kept = b"".join(item.value for item in row.disclosures(people))
    assert kept.count(b"of-note") == len(told) - 1


def test_with_everything_at_its_limit_it_is_within_a_bundle_s_length() -> None:
    draft = simple(
        log="l" * 63,
        event_type="t" * 64,
        level="critical",
        resource_type="r" * 64,
        # Control characters take the most room in JSON: six bytes each.
        company_id="\x01" * 128,
        subjects=[f"person {number}" for number in range(1_000)],
        on_behalf_of="a",
        impersonator="b",
        audit={"facts": "x" * (16 * 1024 - len('{"facts":""}'))},
        expires_days=1,
        decays_days=1,
        **{name: {"a": "b"} for name in ("details", "before_state", "claims", "body")},
        resource_id="r",
    )
    row, people = recorded(draft, at=LAST)
    assert len(people) == 1_002
    assert len(parse(row.entry)["_sd"]) == 1_008
    assert len(row.entry) <= MAX_ENTRY_BYTES


def test_audit_facts_beyond_their_limit_are_refused() -> None:
    with pytest.raises(ValueError, match="16,384 bytes"):
        UntimedEntry(simple(audit={"facts": "x" * (16 * 1024)}))


def test_audit_facts_are_sorted_at_every_depth() -> None:
    row, _ = recorded(simple(audit={"z": 1, "a": {"y": 2, "b": [{"d": 1, "c": 2}]}}))
    assert b'"audit":{"a":{"b":[{"c":2,"d":1}],"y":2},"z":1}' in row.entry


@pytest.mark.parametrize(
    ("expires", "decays", "members"),
    [
        (None, None, {}),
        (90, None, {"expires_at": "2026-04-01T00:00:00.000000Z"}),
        (None, 1, {"decays_at": "2026-01-02T00:00:00.000000Z"}),
        (
            3_652_058,
            3_652_058,
            dict.fromkeys(("expires_at", "decays_at"), "9999-12-31T23:59:59.999999Z"),
        ),
    ],
)
def test_periods_count_from_the_recording(
    expires: int | None, decays: int | None, members: dict[str, str]
) -> None:
    row, _ = recorded(simple(expires_days=expires, decays_days=decays, occurred_at=0))
    told = parse(row.entry)
    assert {name: told[name] for name in told if name in ("expires_at", "decays_at")} == members
    assert (row.expires_at is None, row.decays_at is None) == (expires is None, decays is None)


def test_what_was_committed_once_stays_as_it_is() -> None:
    events = [UntimedEntry(simple(user_id="u-1", subjects=["u-2"])) for _ in range(3)]
    commit(events[:2])
    before = [(event.sd, event.actor, event.people) for event in events[:2]]
    commit(events)
    assert [(event.sd, event.actor, event.people) for event in events[:2]] == before
    assert events[2].sd
    commit([])


@pytest.mark.parametrize("data", [b"[]", b"1", b"", b"{", b'"x"'])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(data)


def b64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def test_a_stored_disclosure_gives_the_exact_bytes_back() -> None:
    disclosure = Disclosure.unpack("actor", bytes(range(16)) + b'{"kind":"user"}')
    assert disclosure.encode() == b'["AAECAwQFBgcICQoLDA0ODw","actor",{"kind":"user"}]'
