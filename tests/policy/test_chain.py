"""The chain as a whole: its order, its fixed point, and what each slip of a caller becomes."""

from __future__ import annotations

import copy
import logging
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil import AuditContext, AuditOptions
from counterfoil.ambient import AMBIENT
from counterfoil.policy.catalogue import Catalogue
from counterfoil.policy.chain import default_chain, run
from counterfoil.policy.link import Chain
from counterfoil.policy.redaction import Rules, Tokeniser
from counterfoil.record import Draft
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.spooled import decode, encode
from tests.policy.planting import CARDS, NAMED, TEXTS, planter

CATALOGUE = Catalogue.under()
TOKENS = Tokeniser([("k1", b"x" * 32)])
CHAIN = default_chain(CATALOGUE, tokens=TOKENS)
FIELDS = [item.name for item in fields(Draft)]


def through(chain: Chain = CHAIN, /, **given: Any) -> Draft:
    """What the chain makes of a call; of a change of a price where no type is given."""
    event_type = given.pop("event_type", "price_changed")
    draft = Draft(event_type, "01920000-0000-7000-8000-000000000000", 0)
    draft.rule = CATALOGUE.rule(event_type)
    for name, value in given.items():
        setattr(draft, name, value)
    return run(chain, draft)


def again(draft: Draft, event_type: str) -> Draft:
    """What the chain makes of its own output."""
    kept = {
        name: copy.deepcopy(getattr(draft, name))
        for name in FIELDS
        if name not in ("context", "rule", "event_type", "event_id", "occurred_at")
    }
    return through(event_type=event_type, **kept)


TYPES = ["price_changed", "login_failed", "email_sent", "chat_message_sent", "gdpr_data_export"]
pieces = st.one_of(
    planter({**NAMED, **TEXTS, **CARDS}).map(lambda plant: plant(1).value),
    st.sampled_from(["bob@example.com", "+15551234567", "192.0.2.7", "fine", "hello there"]),
    st.integers(),
    st.none(),
)
values = st.recursive(
    pieces,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["to", "body", "note", "attempted_login", "phone", "user_id", "x"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)
calls = st.fixed_dictionaries(
    {},
    optional={
        "user_id": values,
        "ip_address": values,
        "user_agent": values,
        "session_id": values,
        "company_id": values,
        "resource_id": values,
        "resource_type": values,
        "subjects": st.lists(values, max_size=3),
        "details": values,
        "before_state": values,
        "after_state": values,
        "changes": values,
        "metadata": values,
        "body": values,
        "level": st.sampled_from(["error", "loud"]),
        "options": st.sampled_from(
            [AuditOptions(), AuditOptions(anonymize_data=True, sensitive_fields=["x"])]
        ),
    },
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(TYPES), calls)
def test_its_own_output_goes_through_unchanged(event_type: str, call: dict[str, Any]) -> None:
    once = through(event_type=event_type, **call)
    twice = again(once, event_type)
    for name in FIELDS:
        if name not in ("context", "rule", "options"):
            assert getattr(twice, name) == getattr(once, name), name


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(TYPES), calls)
def test_what_comes_out_is_an_entry_and_can_be_spooled(
    event_type: str, call: dict[str, Any]
) -> None:
    draft = through(event_type=event_type, **call)
    assert UntimedEntry(draft).size > 0
    kept = decode(encode(draft))
    for name in ("user_id", "details", "changes", "metadata", "body", "notes", "level"):
        assert getattr(kept, name) == getattr(draft, name)
    for name in ("changes", "metadata", "claims", "notes"):
        assert type(getattr(draft, name)) in (dict, type(None))


def test_the_order_of_the_links() -> None:
    """Each stands where the ones after it rely on it; the page on policy gives the reasons."""
    names = [link.__name__ for link in CHAIN]
    assert names == [
        "settle_options",
        "fill_context",
        "compare_states",
        "attach_body",
        "redact",
        "leave_out",
        "anonymise",
        "settle_ids",
        "settle_level",
        "settle_retention",
    ]


def test_states_are_compared_before_they_are_redacted() -> None:
    draft = through(before_state={"password": "a", "x": 1}, after_state={"password": "b", "x": 1})
    held = "[redacted:password]"
    assert draft.before_state == draft.after_state == {"password": held, "x": 1}
    assert draft.changes == {"/password": {"op": "replace", "old": held, "new": held}}


def test_a_link_of_the_application_s_own_may_stand_anywhere() -> None:
    def stamp(draft: Draft) -> Draft:
        draft.metadata = {**(draft.metadata or {}), "region": "eu", "password": "x"}
        return draft

    draft = through((stamp, *CHAIN), details={"a": 1})
    assert draft.metadata == {"region": "eu", "password": "[redacted:password]"}


def test_without_a_tokeniser_what_is_due_a_token_is_dropped() -> None:
    draft = through(default_chain(CATALOGUE), session_id="s-1", rule=CATALOGUE.rule("email_sent"))
    assert draft.session_id == "[redacted:session_id]"


def test_the_application_s_rules_are_added() -> None:
    from counterfoil.policy.redaction import Rule

    rules = Rules([Rule("badge", fields=["badge_number"])])
    chain = default_chain(CATALOGUE, rules=rules, tokens=TOKENS)
    draft = through(chain, details={"badgeNumber": 7, "password": "x"})
    assert draft.details == {"badgeNumber": "[redacted:badge]", "password": "[redacted:password]"}


class Bad(Mapping[str, Any]):
    """A mapping whose every method fails."""

    def __getitem__(self, name: str) -> Any:
        raise RuntimeError

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError


class Trap:
    """An object whose attributes must not be touched."""

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        raise RuntimeError


@pytest.mark.parametrize(
    ("context", "noted"),
    [
        ({"user_id": "u-1"}, False),
        (AuditContext(user_id="u-1"), False),
        (type("Own", (AuditContext,), {})(user_id="u-1"), False),
        (type("Own", (dict,), {"get": None})(user_id="u-1"), False),
        ("u-1", True),
        (["u-1"], True),
        (7, True),
        (object(), True),
        (Bad(), True),
        (Trap(), True),
    ],
)
def test_a_context_of_another_kind_is_noted(context: Any, noted: bool) -> None:
    draft = through(context=context, details={"a": 1})
    assert draft.details == {"a": 1}
    assert draft.user_id == (None if noted else "u-1")
    assert ("context" in (draft.notes or {})) is noted


def slipped(**assigned: Any) -> AuditOptions:
    """Options to which something else was assigned later, which the model does not check."""
    options = AuditOptions()
    for name, value in assigned.items():
        setattr(options, name, value)
    return options


def endless() -> Iterator[str]:
    while True:
        yield "xy"


@pytest.mark.parametrize(
    ("options", "kept", "noted"),
    [
        ({"sensitive_fields": ["xy"], "retention_period": 7}, ["xy"], None),
        ({"sensitive_fields": "xy"}, ["xy"], None),
        ({"sensitive_fields": ("xy",)}, ["xy"], None),
        ({"sensitive_fields": {"xy"}}, ["xy"], None),
        ({"sensitive_fields": [1]}, [], "cannot be used: sensitive_fields"),
        ({"sensitive_fields": [1, "xy"]}, ["xy"], "cannot be used: sensitive_fields"),
        ({"sensitive_fields": deque(["xy"])}, ["xy"], None),
        ({"sensitive_fields": (name for name in ["xy"])}, ["xy"], None),
        (slipped(sensitive_fields=endless()), ["xy"] * 1000, "cannot be used: sensitive_fields"),
        (slipped(sensitive_fields=range(10**12)), [], "cannot be used: sensitive_fields"),
        ({"anonymize_data": "perhaps"}, [], "cannot be used: anonymize_data"),
        ({"no_such_option": 1}, [], None),
        (slipped(sensitive_fields="xy"), ["xy"], None),
        ({"include_request_body": 7}, [], "cannot be used: include_request_body"),
        (slipped(anonymize_data=7), [], "cannot be used: anonymize_data"),
        ("x", None, "what was given is no AuditOptions"),
        (7, None, "what was given is no AuditOptions"),
        (Bad(), None, "what was given is no AuditOptions"),
    ],
)  # fmt: skip
def test_options_of_another_kind(options: Any, kept: Any, noted: str | None) -> None:
    draft = through(options=options, details={"xy": "1", "note": "2"})
    assert (None if draft.options is None else draft.options.sensitive_fields) == kept
    assert (draft.notes or {}).get("options") == noted
    assert draft.details == {"xy": "[redacted:field]" if kept else "1", "note": "2"}


def test_options_count_as_set_only_where_they_were() -> None:
    draft = through(options={"sensitive_fields": ["x"]})
    assert draft.options.model_fields_set == {"sensitive_fields"}
    assert draft.decays_days == CATALOGUE.rule("price_changed").disclosure_days


def failing() -> Iterator[str]:
    yield "u-1"
    raise RuntimeError


@pytest.mark.parametrize(
    ("subjects", "kept"),
    [
        (("u-1", "u-2"), ["u-1", "u-2"]),
        ((person for person in ("u-1", "u-2")), ["u-1", "u-2"]),
        (map(str, range(3)), ["0", "1", "2"]),
        ({"u-1": 1}.keys(), ["u-1"]),
        ("u-1", ["u-1"]),
        (7, ["7"]),
        (None, []),
        ([], []),
        (failing(), ["u-1"]),
        (["u-1", "u-1"], ["u-1"]),
    ],
)
def test_subjects_in_every_form(subjects: Any, kept: list[str]) -> None:
    draft = through(subjects=subjects)
    assert list(draft.subjects) == kept


def test_more_subjects_than_are_kept_is_noted() -> None:
    draft = through(subjects=map(str, range(5_000)))
    assert len(draft.subjects) == 1000
    assert draft.notes is not None
    assert "subjects" in draft.notes


def test_a_generator_that_fails_is_noted() -> None:
    assert through(subjects=failing()).notes == {
        "subjects": "could not be read to their end: RuntimeError"
    }


def test_the_type_of_the_resource_holds_no_secret() -> None:
    """It stands in the entry itself, which outlives every disclosure."""
    draft = through(resource_type=f"ghp_{'a1B2' * 9}", resource_id="r-1")
    assert draft.resource_type is None
    assert draft.notes == {"resource_type": "[redacted:api_key]"}


@pytest.mark.parametrize(
    ("kind", "kept"),
    [("service", "service"), ("robot", "robot"), (7, "7"), (["x"], "[unserializable:list]"),
     ("k" * 99, "[truncated:99]"), ("password=hunter2", "password=[redacted:password]")],
)  # fmt: skip
def test_the_kind_of_actor_is_a_short_text_without_secrets(kind: Any, kept: str) -> None:
    found = through(actor_kind=kind).actor_kind or ""
    assert found.endswith(kept)
    assert len(found) <= 64


@pytest.mark.parametrize("part", ["changes", "metadata", "claims"])
@pytest.mark.parametrize("value", ["text", 7, [1, 2], True])
def test_parts_that_are_dicts_stay_dicts(part: str, value: Any) -> None:
    assert getattr(through(**{part: value}), part) == {"value": value}


@pytest.mark.parametrize(
    "changes",
    [
        {"/a": {"name": "client_secret", "value": "4aBcDeFgHiJk"}},
        {"name": "client_secret", "value": "4aBcDeFgHiJk"},
        {"postgres://bob:4aBcDeFgHiJk@db.example.com/app": {"op": "add", "old": None, "new": 1}},
        {"/postgres://bob:4aBcDeFgHiJk@db.example.com/app": {"op": "add", "old": None, "new": 1}},
        [{"op": "replace", "path": "/password", "value": "4aBcDeFgHiJk"}],
    ],
)
def test_changes_of_the_caller_s_own_form_hold_no_secret(changes: Any) -> None:
    assert b"4aBcDeFgHiJk" not in orjson.dumps(through(changes=changes).changes)


def test_changes_that_are_given_stay_as_given() -> None:
    given_changes = {"/price": {"op": "replace", "old": 1, "new": 2}, "/x": {"op": "test"}}
    draft = through(changes=given_changes, before_state={"a": 1}, after_state={"a": 2})
    assert draft.changes == given_changes
    assert through(changes={}, before_state={"a": 1}, after_state={"a": 2}).changes == {}


@pytest.mark.parametrize(
    ("company", "recorded"),
    [("c-7", "c-7"), (7, "7"), ("c" * 128, "c" * 128), ("c" * 129, None), ("é" * 65, None),
     ("", None), (["c"], "[unserializable:list]")],
)  # fmt: skip
def test_tokens_are_those_of_the_company_that_is_recorded(company: Any, recorded: Any) -> None:
    draft = through(company_id=company, session_id="s-1")
    assert draft.company_id == recorded
    if recorded != "[unserializable:list]":
        assert draft.session_id == TOKENS.token("session_id", "s-1", recorded)


@pytest.mark.parametrize(
    "session", ["4111111111111111", f"eyJhbGciOiJIUzI1NiJ9.{'e30'}.abcdefghijk", "s" * 600]
)
def test_a_session_is_found_by_its_id_whatever_it_looks_like(session: str) -> None:
    draft = through(session_id=session)
    assert draft.session_id == TOKENS.token("session_id", session)
    assert through(session_id=draft.session_id).session_id == draft.session_id


def test_what_only_looks_like_a_mark_is_no_way_past() -> None:
    draft = through(session_id=f"[redacted:session_id:ghp_{'a1B2' * 9}]")
    assert "a1B2" not in draft.session_id


def test_what_the_log_records_itself_is_nobody_s_request() -> None:
    token = AMBIENT.set({"user_id": "u-9", "metadata": {"a": 1}, "actor_kind": "user"})
    try:
        own = through(actor_kind="system")
        other = through()
    finally:
        AMBIENT.reset(token)
    assert (own.user_id, own.metadata, own.actor_kind) == (None, None, "system")
    assert (other.user_id, other.metadata, other.actor_kind) == ("u-9", {"a": 1}, "user")


@pytest.mark.parametrize("days", [0, -1, 10**9, "90", True, 1.5, None])
def test_a_period_that_cannot_be_used_is_warned_of(
    days: Any, caplog: pytest.LogCaptureFixture
) -> None:
    catalogue = Catalogue.under()
    chain = default_chain(catalogue)
    with caplog.at_level(logging.WARNING):
        draft = through(
            chain, event_type="user_login", options=AuditOptions.model_construct(
                _fields_set={"retention_period"}, retention_period=days
            )
        )  # fmt: skip
    assert (draft.decays_days, draft.expires_days) == (184, 400)
    assert ("retention period" in caplog.text) is (days is not None)
