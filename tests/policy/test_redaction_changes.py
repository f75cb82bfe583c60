"""Changes by JSON pointer: the pointer's parts are the names of the values."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.policy.diff import changes
from counterfoil.policy.redaction import Redactor

REDACTOR = Redactor()
P = "[redacted:password]"


def clean(value: object) -> Any:
    return REDACTOR.clean(value, root="changes")


@pytest.mark.parametrize(
    ("pointer", "mark"),
    [
        ("/password", P),
        ("/user/newPassword2", P),
        ("/db.password", P),
        ("/credentials/user", "[redacted:credential]"),
        ("/tokens/0", "[redacted:token]"),
        ("/a~1b/pass~0word", P),
        ("password", P),
    ],
)
def test_a_secret_that_changed_is_seen_to_have_changed(pointer: str, mark: str) -> None:
    change: dict[str, Any] = {"op": "replace", "old": "hunter2", "new": "hunter3"}
    assert clean({pointer: change}) == {pointer: {"op": "replace", "old": mark, "new": mark}}
    change = {"op": "add", "old": None, "new": "hunter2"}
    assert clean({pointer: change}) == {pointer: {"op": "add", "old": None, "new": mark}}


@pytest.mark.parametrize(
    "pointer",
    [
        "/status",
        "/password_changed_at",
        "/token_count",
        "/secretary",
        "/credit_card/brand",
        "",
        "/",
    ],
)
def test_what_is_harmless_stays(pointer: str) -> None:
    change = {"op": "replace", "old": "a", "new": {"b": [1, True, None]}}
    assert clean({pointer: change}) == {pointer: change}


def test_what_is_inside_the_values_is_redacted_too() -> None:
    value = {
        "/user": {"op": "add", "old": None, "new": {"name": "bob", "password": "hunter2"}},
        "/note": {"op": "replace", "old": "token=hunter2", "new": "4111111111111111"},
        "/n": {"op": "replace", "old": 4111111111111111, "new": 7},
    }
    assert clean(value) == {
        "/user": {"op": "add", "old": None, "new": {"name": "bob", "password": P}},
        "/note": {
            "op": "replace",
            "old": "token=[redacted:token]",
            "new": "[redacted:pan:…1111]",
        },
        "/n": {"op": "replace", "old": "[redacted:pan:…1111]", "new": 7},
    }


def test_a_secret_in_the_pointer_itself() -> None:
    value = {"/cards/4111111111111111": {"op": "remove", "old": 1, "new": None}}
    assert clean(value) == {"/cards/[redacted:pan:…1111]": {"op": "remove", "old": 1, "new": None}}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"password": ["hunter2", "x"]}, {"password": P}),
        ({"password": "hunter2"}, {"password": P}),
        ({"password": {"from": "hunter2", "to": "x"}}, {"password": {"from": P, "to": P}}),
        ({"secrets": {"hunter2": 1}}, {"secrets": "[redacted:secret]"}),
        ({"/password": {"hunter2": 1, "old": 2}}, {"/password": P}),
        (
            {"field": "password", "old": "hunter2", "new": "x"},
            {"field": "password", "old": P, "new": P},
        ),
        (
            {"/a": {"name": "password", "value": "hunter2"}},
            {"/a": {"name": "password", "value": P}},
        ),
        ({"email": {"from": "a", "to": "b"}}, {"email": {"from": "a", "to": "b"}}),
        ({"a": {"password": "hunter2", "b": 1}}, {"a": {"password": P, "b": 1}}),
        ({"status": ["a", "b"], "n": 1}, {"status": ["a", "b"], "n": 1}),
        ([{"op": "replace", "path": "/password", "value": "hunter2"}], None),
        ("password=hunter2", "password=" + P),
        (None, None),
    ],
)
def test_changes_of_the_callers_own_form(given: object, kept: object) -> None:
    result = clean(given)
    assert "hunter2" not in str(result)
    if kept is not None:
        assert result == kept


def test_members_that_become_equal_are_both_kept() -> None:
    assert clean({"/a": {"old": 1, b"old": 2}}) == {"/a": {"old": 1, "old#2": 2}}


def test_from_states_to_clean_changes() -> None:
    before = {"name": "bob", "password": "old one", "cards": {"main": "4111111111111111"}}
    after = {"name": "bob", "password": "new one", "cards": {"main": "5555555555554444"}}
    assert clean(changes(before, after)) == {
        "/password": {"op": "replace", "old": P, "new": P},
        "/cards/main": {
            "op": "replace",
            "old": "[redacted:pan:…1111]",
            "new": "[redacted:pan:…4444]",
        },
    }
