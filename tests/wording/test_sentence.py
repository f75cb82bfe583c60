"""Sentences: every type has one, changes are told, and no event's text is obeyed."""

from __future__ import annotations

from typing import Any
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.base import AuditEventType
from counterfoil.policy.catalogue.table import LOG_RULES
from counterfoil.wording.phrases import PHRASES
from counterfoil.wording.sentence import sentence

from .events import event

PRODUCT = {"resource_type": "product", "resource_id": "p-9"}


def test_every_type_of_the_contract_and_of_the_log_has_a_phrase() -> None:
    assert set(PHRASES) == {member.value for member in AuditEventType} | set(LOG_RULES)


@pytest.mark.parametrize("event_type", sorted(PHRASES))
@pytest.mark.parametrize("fields", [{}, PRODUCT], ids=["alone", "with resource"])
def test_every_sentence_is_whole(event_type: str, fields: dict[str, Any]) -> None:
    text = sentence(event(event_type, **fields))
    assert text.startswith("u-42 ")
    assert not set("{}[]") & set(text)
    assert "  " not in text
    assert text == text.strip()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"changes": {"/price": {"op": "replace", "old": "12.50", "new": "13.00"}}},
            "u-42 changed the price of product p-9: 12.50 → 13.00",
        ),
        (
            {"before_state": {"price": "12.50"}, "after_state": {"price": "13.00"}},
            "u-42 changed the price of product p-9: 12.50 → 13.00",
        ),
        (
            {"before_state": {"price": 1, "tax": 2}, "after_state": {"price": 3}},
            "u-42 changed the price of product p-9: price 1 → 3, tax removed",
        ),
        (
            {"changes": {"/a~1b": {"op": "add", "new": True}}},
            "u-42 changed the price of product p-9: a/b set to true",
        ),
        (
            {"before_state": {}, "after_state": dict.fromkeys("abcd", 1)},
            "u-42 changed the price of product p-9: 4 fields",
        ),
        ({"outcome": "failure"}, "u-42 changed the price of product p-9 (failed)"),
        ({"outcome": "unknown"}, "u-42 changed the price of product p-9 (outcome unknown)"),
        (
            {"user_id": None, "actor_kind": "anonymous"},
            "someone changed the price of product p-9",
        ),
        ({"user_id": None, "actor_kind": "system"}, "the system changed the price of product p-9"),
        ({"user_id": None, "actor_kind": None}, "(erased) changed the price of product p-9"),
        (
            {"impersonator": "u-1", "on_behalf_of": "u-7"},
            "u-42 (really u-1) for u-7 changed the price of product p-9",
        ),
        ({"resource_id": None}, "u-42 changed the price of a product"),
    ],
)
def test_what_a_sentence_tells(fields: dict[str, Any], said: str) -> None:
    assert sentence(event("price_changed", **{**PRODUCT, **fields})) == said


def test_a_type_of_the_application_is_named() -> None:
    loan = event("loan.approved", resource_type="loan", resource_id="l-1")
    assert sentence(loan) == "u-42 did loan.approved on loan l-1"


def test_a_detail_says_more() -> None:
    assert sentence(event("role_assigned", details={"role": "admin"})).endswith(": admin")
    assert sentence(event("data_exported", details={"rows": 61})).endswith(": rows 61")


def test_of_the_log_s_own_events_it_is_said_what_exactly_was_done() -> None:
    made = event("audit.key", audit={"kind": "access_key_created"}, details={"name": "desk"})
    assert sentence(made) == "u-42 made an access key: desk"
    other = event("audit.key", audit={"kind": ["unknown"]})
    assert sentence(other) == "u-42 changed an access key"


HOSTILE = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x1b\x07\r\n\t\x9b\u202e\u2066\u200b\u2028\x00[]/"),
        st.characters(exclude_categories=["Cs"]),
    ),
    min_size=1,
)


@given(HOSTILE, HOSTILE, HOSTILE, st.dictionaries(HOSTILE, HOSTILE, max_size=3))
def test_no_text_of_an_event_is_obeyed(
    user: str, kind: str, resource: str, after: dict[str, str]
) -> None:
    text = sentence(
        event(
            "price_changed",
            user_id=user,
            resource_type=kind,
            resource_id=resource,
            before_state={},
            after_state=after,
            details={"reason": user},
            on_behalf_of=resource,
        )
    )
    assert {category(char) for char in text}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
