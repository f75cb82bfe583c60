"""`anonymize_data` in the chain: who asks for it, and where persons become pseudonyms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil import AuditOptions
from tests.policy.test_chain import TOKENS, through

ASKED = AuditOptions(anonymize_data=True)
PSEUDONYMOUS = "gdpr_data_export"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.mark.parametrize(
    ("event_type", "options", "done"),
    [
        ("user_updated", None, False),
        ("user_updated", AuditOptions(), False),
        ("user_updated", ASKED, True),
        ("user_updated", AuditOptions(anonymize_data=False), False),
        (PSEUDONYMOUS, None, True),
        (PSEUDONYMOUS, AuditOptions(), True),
        (PSEUDONYMOUS, AuditOptions(retention_period=90), True),
        (PSEUDONYMOUS, ASKED, True),
        (PSEUDONYMOUS, AuditOptions(anonymize_data=False), False),
        (PSEUDONYMOUS, {"anonymize_data": "no idea"}, True),
    ],
)
def test_who_asks_for_it(event_type: str, options: Any, done: bool) -> None:
    user_id = through(event_type=event_type, user_id="u-1", options=options).user_id
    assert user_id == (TOKENS.token("user_id", "u-1") if done else "u-1")


def test_what_becomes_of_the_context() -> None:
    draft = through(
        options=ASKED,
        company_id="c-7",
        user_id="u-1",
        session_id="s-1",
        request_id="r-1",
        on_behalf_of="u-2",
        impersonator="u-3",
        subjects=["u-1", 4],
        ip_address="192.0.2.77",
        user_agent=FIREFOX,
        resource_id="p-9",
        resource_type="product",
    )
    person = {name: TOKENS.token("user_id", name, "c-7") for name in ("u-1", "u-2", "u-3", "4")}
    assert draft.user_id == person["u-1"]
    assert draft.on_behalf_of == person["u-2"]
    assert draft.impersonator == person["u-3"]
    assert draft.subjects == [person["u-1"], person["4"]]
    assert draft.session_id == TOKENS.token("session_id", "s-1", "c-7")
    assert draft.request_id == TOKENS.token("request_id", "r-1", "c-7")
    assert draft.ip_address == "192.0.2.0/24"
    assert "128.0) Gecko" not in draft.user_agent
    assert "Firefox" in draft.user_agent
    assert (draft.company_id, draft.resource_id, draft.resource_type) == ("c-7", "p-9", "product")


_PARTS = ["details", "metadata", "before_state", "after_state", "changes", "body", "claims"]


@given(
    st.sampled_from(_PARTS),
    st.recursive(
        st.sampled_from(["bob@example.com", "call +15551234567 now", "x bob@example.com y"]),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        ),
    ),
)
def test_no_part_holds_an_address_or_a_number(part: str, value: Any) -> None:
    told = repr(getattr(through(options=ASKED, **{part: {"held": value}}), part))
    assert "bob@" not in told
    assert "5551234567" not in told


def test_the_same_session_has_one_token_with_and_without() -> None:
    plain, asked = through(session_id="s-1"), through(session_id="s-1", options=ASKED)
    assert plain.session_id == asked.session_id


@pytest.mark.parametrize("user_id", [7, 7.5, ["u-1"], {"id": "u-1"}])
def test_ids_of_other_kinds_become_tokens_of_their_text(user_id: Any) -> None:
    clear = through(user_id=user_id).user_id
    assert through(user_id=user_id, options=ASKED).user_id == TOKENS.token("user_id", clear)
