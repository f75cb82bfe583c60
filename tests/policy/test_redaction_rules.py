"""What the application adds: names, paths and patterns, for good or for one call."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.errors import ConfigurationError
from counterfoil.policy.redaction import Redactor, Rule, Rules, Tokeniser, Treatment

TOKENS = Tokeniser([("k1", b"k" * 32)])


def clean(value: object, *fields: str, root: str = "details") -> Any:
    return Redactor().clean(value, root=root, sensitive_fields=fields)


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("salary", "salary"),
        ("salary", "Salary"),
        ("salary", "base_salary"),
        ("salary", "baseSalary2"),
        ("homePhone", "home_phone"),
        ("home_phone", "homePhone"),
        ("phone", "phone_number"),
        ("address1", "address1"),
        ("user.email", "user.email"),
        ("user.email", "user_email"),
        ("secretary", "secretary"),
        ("имя", "имя"),
    ],
)
def test_a_sensitive_field_by_name(field: str, key: str) -> None:
    assert clean({key: "x"}, field) == {key: "[redacted:field]"}
    assert clean({"a": [{key: 7}]}, field) == {"a": [{key: "[redacted:field]"}]}
    assert clean({key: True, "b": None}, field) == {key: "[redacted:field]", "b": None}
    assert clean({key: {"x": 1}}, field) == {key: "[redacted:field]"}
    assert clean({key: "x"}) == {key: "x"}


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("salary", "salary_changed_at"),
        ("email", "email_verified"),
        ("address1", "address2"),
        ("name", "rename"),
        ("", "x"),
        (".", "x"),
        ("*", "x"),
    ],
)
def test_a_sensitive_field_is_no_more_than_it_says(field: str, key: str) -> None:
    assert clean({key: "x"}, field) == {key: "x"}


def test_sensitive_fields_extend_and_never_replace() -> None:
    value = {"password": "hunter2", "salary": 7, "card": "4111111111111111"}
    assert clean(value, "salary") == {
        "password": "[redacted:password]",
        "salary": "[redacted:field]",
        "card": "[redacted:pan:…1111]",
    }
    assert clean({"card_number": "4111111111111111"}, "card_number") == {
        "card_number": "[redacted:field]"
    }


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("details.customer.phone", "details"),
        ("details.*.phone", "details"),
        ("customer.phone", "details"),
        ("details.Customer.Phone", "details"),
        ("metadata.customer.phone", "metadata"),
        ("request_body.customer.phone", "body"),
        ("body.customer.phone", "body"),
        ("before_state.customer.phone", "before_state"),
    ],
)
def test_a_path(path: str, root: str) -> None:
    value = {"customer": {"phone": "x", "name": "y"}, "phone": "z"}
    expected = {"customer": {"phone": "[redacted:field]", "name": "y"}, "phone": "z"}
    assert clean(value, path, root=root) == expected


def test_a_path_elsewhere_does_not_hold() -> None:
    value = {"customer": {"phone": "x"}}
    assert clean(value, "details.customer.phone", root="metadata") == value
    assert clean({"a": value}, "details.customer.phone") == {"a": value}
    assert clean({"a": value}, "customer.phone") == {
        "a": {"customer": {"phone": "[redacted:field]"}}
    }


def test_a_path_through_lists() -> None:
    value = {"customers": [{"phone": "x"}, {"phone": "y"}], "n": [[1, 2], [3, 4]]}
    both = {"customers": [{"phone": "[redacted:field]"}] * 2, "n": [[1, 2], [3, 4]]}
    assert clean(value, "details.customers.*.phone") == both
    assert clean(value, "details.customers.phone") == both
    one = {"customers": [{"phone": "x"}, {"phone": "[redacted:field]"}], "n": [[1, 2], [3, 4]]}
    assert clean(value, "details.customers.1.phone") == one
    assert clean(value, "details.n.0.1")["n"] == [[1, "[redacted:field]"], [3, 4]]


def test_a_path_of_the_states_holds_in_the_changes() -> None:
    changes = {
        "/customer/phone": {"op": "replace", "old": "x", "new": "y"},
        "/customer": {"op": "add", "old": None, "new": {"phone": "x", "name": "y"}},
        "/other/phone": {"op": "replace", "old": "x", "new": "y"},
    }
    mark = "[redacted:field]"
    for path in ("before_state.customer.phone", "after_state.customer.phone", "customer.phone"):
        assert clean(changes, path, root="changes") == {
            "/customer/phone": {"op": "replace", "old": mark, "new": mark},
            "/customer": {"op": "add", "old": None, "new": {"phone": mark, "name": "y"}},
            "/other/phone": {"op": "replace", "old": "x", "new": "y"},
        }
    assert clean(changes, "details.customer.phone", root="changes") == changes


def test_a_rule_with_every_treatment() -> None:
    redactor = Redactor(
        Rules(
            [
                Rule("staff", fields=["staff_no"], treatment=Treatment.TOKEN),
                Rule("account", fields=["account"], treatment=Treatment.LAST4),
                Rule("where", fields=["origin_ip", "born"], treatment=Treatment.GENERALISE),
                Rule("case", pattern=r"CASE-[0-9]{4}"),
                Rule("plate", pattern=r"[A-Z]{2}-[0-9]{3}-[A-Z]{2}", treatment=Treatment.TOKEN),
            ]
        ),
        TOKENS,
    )
    value = {
        "staff_no": "4711",
        "account": "NL-0001-2345-6789",
        "short account": "12345",
        "origin_ip": ["192.0.2.77", "2001:db8:1:2::3"],
        "born": "17 May 1984",
        "note": "see CASE-1234 of AB-123-CD",
    }
    result = redactor.clean(value, company_id="acme")
    assert result == {
        "staff_no": TOKENS.token("staff", "4711", "acme"),
        "account": "[redacted:account:…6789]",
        "short account": "[redacted:account]",
        "origin_ip": ["192.0.2.0/24", "2001:db8:1::/48"],
        "born": "1984",
        "note": f"see [redacted:case] of {TOKENS.token('plate', 'AB-123-CD', 'acme')}",
    }
    assert redactor.clean(result, company_id="acme") == result


def test_a_rule_never_weakens_another() -> None:
    redactor = Redactor(
        Rules(
            [
                Rule("a", fields=["password", "pin", "birth_date"], treatment=Treatment.TOKEN),
                Rule("b", fields=["card_number"], treatment=Treatment.TOKEN),
                Rule("c", fields=["session_id"], treatment=Treatment.DROP),
            ]
        ),
        TOKENS,
    )
    assert redactor.clean(
        {
            "password": "x",
            "pin": 1234,
            "birth_date": "1984-05-17",
            "card_number": "4111111111111111",
            "session_id": "x",
        }
    ) == {
        "password": "[redacted:password]",
        "pin": "[redacted:pin]",
        "birth_date": "[redacted:a]",
        "card_number": "[redacted:pan:…1111]",
        "session_id": "[redacted:c]",
    }


def test_a_rule_holds_for_what_the_built_in_one_leaves_alone() -> None:
    redactor = Redactor(
        Rules([Rule("tax", fields=["pan", "iban", "token"], treatment=Treatment.TOKEN)]), TOKENS
    )
    value = {"pan": "ABCDE1234F", "token": 42, "iban": ["x", "GB82WEST12345698765432"]}
    result = redactor.clean(value)
    assert result == {
        "pan": TOKENS.token("tax", "ABCDE1234F"),
        "token": TOKENS.token("tax", "42"),
        "iban": [TOKENS.token("tax", "x"), "[redacted:iban:GB…5432]"],
    }
    assert redactor.clean(result) == result
    assert redactor.clean({"pan": {"x": 1}}) == {"pan": "[redacted:tax]"}
    named = {"auth": "sso", "password": True, "token": 42, "has_pin": "yes", "pan": {"x": 1}}
    assert set(clean(named, "auth", "password", "token", "has_pin", "pan").values()) == {
        "[redacted:field]"
    }


def test_a_pattern_that_matches_its_own_mark_does_not_run_away() -> None:
    redactor = Redactor(Rules([Rule("odd", pattern="redacted|odd|[a-z]+")]))
    result = redactor.clean({"note": "a redacted odd text"})
    assert redactor.clean(result) == result


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Rule("Bad Name", fields=["x"]), "name"),
        (Rule("", fields=["x"]), "name"),
        (Rule("x"), "neither fields nor a pattern"),
        (Rule("x", fields="salary"), "list"),
        (Rule("x", fields=[7]), "list"),  # type: ignore[list-item]
        (Rule("x", pattern="(unclosed"), "compile"),
        (Rule("x", pattern="a*"), "empty"),
        (Rule("x", fields=["y"], treatment="hide"), "treatment"),  # type: ignore[arg-type]
    ],
)
def test_a_bad_rule_is_a_configuration_error(rule: Rule, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        Rules([rule])
    assert raised.value.remedy


def test_many_lists_of_sensitive_fields_do_not_fill_the_memory() -> None:
    redactor = Redactor()
    for number in range(400):
        assert redactor.clean({f"f{number}x": 1}, sensitive_fields=[f"f{number}x"]) == {
            f"f{number}x": "[redacted:field]"
        }
    assert len(redactor._variants) <= 256


def test_a_pattern_sees_every_text_however_short_or_plain() -> None:
    redactor = Redactor(Rules([Rule("case", pattern=r"\bC[0-9]+|0190[0-9a-f-]+")]))
    uuid = "0190a5f2-7b7c-7cc3-98c4-dc0c0c07398f"
    mark = "[redacted:case]"
    for root in ("user_id", "details", "metadata"):
        assert redactor.clean("C1", root=root) == mark
        assert redactor.clean(uuid, root=root) == mark
    assert redactor.clean({"a": "C1", "b": ["C2", uuid], "C3": 1, uuid: uuid}) == {
        "a": mark,
        "b": [mark, mark],
        mark: 1,
        f"{mark}#2": mark,
    }
    change = {"op": "replace", "old": "C1", "new": "x"}
    assert redactor.clean({"/a": change}, root="changes") == {
        "/a": {"op": "replace", "old": mark, "new": "x"}
    }


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("password%3Dhunter2", "password=[redacted:password]"),
        ("r%2520x%252Fpassword%253Dhunter2", "r x/password=[redacted:password]"),
        ("%67hp_abcdefghijklmnopqrstuvwxyz0123456789", "[redacted:api_key]"),
        # What looks like a card number, or is only encoded, stays.
        ("4111%20111111111111", "4111%20111111111111"),
        ("order%2F42", "order%2F42"),
    ],
)
def test_what_is_percent_encoded_in_an_id_is_looked_at(text: str, left: str) -> None:
    redactor = Redactor()
    for root in ("user_id", "resource_id", "request_id"):
        assert redactor.clean(text, root=root) == left
    assert redactor.text(text, identifier=True) == left
