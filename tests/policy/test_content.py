"""What a type's rule leaves out by name, wherever it stands."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil import AuditOptions
from counterfoil.policy.catalogue import RULES, Catalogue
from tests.policy.test_chain import TOKENS, through

EMAIL = TOKENS.token("email", "bob@example.com")
PHONE = TOKENS.token("phone", "15551234567")


@pytest.mark.parametrize("part", ["details", "metadata", "before_state", "after_state", "body"])
@pytest.mark.parametrize(
    ("event_type", "name"),
    [
        ("login_failed", "attempted_login"),
        ("access_denied", "attemptedUsername"),
        ("chat_message_sent", "body"),
        ("chat_message_edited", "Old-Text"),
        ("email_sent", "subject"),
        ("sms_sent", "message.text"),
        ("data_exported", "rows"),
        ("api_key_created", "key"),
        ("api_key_revoked", "rawKey"),
    ],
)
def test_content_is_left_out_wherever_it_stands(part: str, event_type: str, name: str) -> None:
    for value in ("said in private", ["said in private"], {"x": "said in private"}):
        held = through(event_type=event_type, **{part: {"deep": [{name: value}], "kept": "x"}})
        found = getattr(held, part)
        assert found["kept"] == "x"
        assert found["deep"][0][name].startswith("[redacted:")


@pytest.mark.parametrize("value", [7, 0, 2.5, True, None])
def test_a_count_is_not_content(value: Any) -> None:
    draft = through(event_type="data_exported", details={"rows": value})
    assert draft.details == {"rows": value}


def test_other_types_keep_what_has_the_same_name() -> None:
    details = {"subject": "Contract 12", "rows": ["a"], "attempted_login": "bob"}
    assert through(event_type="order_updated", details=details).details == details


@pytest.mark.parametrize("name", sorted(RULES["email_sent"].drop))
def test_every_name_of_a_rule_holds_in_changes_too(name: str) -> None:
    draft = through(
        event_type="email_sent",
        before_state={name: {"x": ["private"]}, "a": 1},
        after_state={name: {"x": ["secluded"]}, "a": 2},
    )
    told = repr(draft)
    assert "private" not in told
    assert "secluded" not in told
    assert draft.changes["/a"] == {"op": "replace", "old": 1, "new": 2}
    assert any(pointer.startswith(f"/{name}") for pointer in draft.changes)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("bob@example.com", EMAIL),
        ("Bob <BOB@example.com>", EMAIL),
        ("bob@example.com, bob@example.com", f"{EMAIL}, {EMAIL}"),
        (["bob@example.com", 3], [EMAIL, 3]),
        ({"bob@example.com": "ok"}, {EMAIL: TOKENS.token("field", "ok")}),
        ("1 (555) 123-4567", PHONE),
        (15551234567, PHONE),
        ("bob", TOKENS.token("field", "bob")),
        (3, 3),
        (True, True),
        (None, None),
        ("", ""),
    ],
)
def test_a_recipient_becomes_a_token(value: Any, kept: Any) -> None:
    draft = through(event_type="sms_sent", details={"to": value, "template": "t-1"})
    assert draft.details == {"to": kept, "template": "t-1"}


def test_one_token_finds_a_recipient_and_a_person() -> None:
    sent = through(event_type="email_sent", details={"to": "bob@example.com"})
    options = {"anonymize_data": True}
    seen = through(event_type="user_updated", details="bob@example.com", options=options)
    assert sent.details == {"to": seen.details}


@given(st.recursive(st.just("private words"), lambda inner: st.one_of(
    st.lists(inner, min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(["a", "b"]), inner, min_size=1),
)))  # fmt: skip
def test_no_structure_carries_content_past(value: Any) -> None:
    for part in ("details", "before_state", "changes", "body"):
        draft = through(event_type="chat_message_sent", **{part: {"message": value}})
        assert "private words" not in repr(getattr(draft, part))


def test_names_of_the_application_s_own() -> None:
    overrides = {"loan.approved": {"drop": ["Credit Report!"], "tokenise": ["applicant"]}}
    rule = Catalogue.under(overrides=overrides).rule("loan.approved")
    draft = through(rule=rule, details={"credit_report": "x" * 9, "applicant": "Bob B."})
    assert draft.details == {
        "credit_report": "[redacted:field]",
        "applicant": TOKENS.token("field", "Bob B."),
    }


def test_a_number_that_became_a_token_stays_one_on_the_way_through_again() -> None:
    options = AuditOptions(anonymize_data=True)
    given = {"event_type": "email_sent", "options": options}
    once = through(**given, changes={"body": {"to": None, "user_id": 7}})
    assert once.changes == {"body": {"to": None, "user_id": TOKENS.token("user_id", "7")}}
    assert through(**given, changes=once.changes).changes == once.changes
