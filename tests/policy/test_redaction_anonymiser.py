"""What `anonymize_data` makes of persons."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.policy.redaction import JSON, Anonymiser, Redactor, Tokeniser
from counterfoil.policy.redaction.personal import network, year
from counterfoil.policy.redaction.user_agent import family

TOKENS = Tokeniser([("k1", b"a" * 32)])
ANONYMISER = Anonymiser(TOKENS)
REDACTOR = Redactor(tokens=TOKENS)


def token(kind: str, value: str) -> str:
    return TOKENS.token(kind, value, "acme")


def anonymised(**parts: JSON) -> dict[str, JSON]:
    return ANONYMISER.parts(parts, "acme")


@pytest.mark.parametrize(
    ("address", "network_"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.77:8080", "192.0.2.0/24"),
        ("192.0.2.77, 198.51.100.4", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("2001:db8:1::/48", "2001:db8:1::/48"),
        ("[2001:db8:1:2::3]:443", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("::1", "::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("unknown", None),
        ("", None),
        ("192.0.2.256", None),
        ("192.0.2.77/8", None),
        ("example.com", None),
    ],
)
def test_addresses_become_networks(address: str, network_: str | None) -> None:
    assert network(address) == network_


@pytest.mark.parametrize(
    ("date", "year_"),
    [
        ("1984-05-17", "1984"),
        ("1984-05-17T00:00:00Z", "1984"),
        ("17.05.1984", "1984"),
        ("17 May 1984", "1984"),
        ("1984", "1984"),
        ("84", None),
        ("453600000", None),
        ("1984 or 1985", None),
    ],
)
def test_dates_of_birth_become_years(date: str, year_: str | None) -> None:
    assert year(date) == year_


WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 "
ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "


@pytest.mark.parametrize(
    ("user_agent", "short"),
    [
        (WINDOWS + "Chrome/120.0.0.0 Safari/537.36", "Chrome on Windows"),
        (WINDOWS + "Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0", "Edge on Windows"),
        (WINDOWS + "Chrome/120.0.0.0 Safari/537.36 OPR/106.0.0.0", "Opera on Windows"),
        (MAC + "Version/17.4 Safari/605.1.15", "Safari on macOS"),
        (IPHONE + "Version/17.4 Mobile/15E148 Safari/604.1", "Safari on iOS"),
        (IPHONE + "CriOS/120.0 Mobile/15E148 Safari/604.1", "Chrome on iOS"),
        (ANDROID + "Chrome/120.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
        (ANDROID + "SamsungBrowser/23.0 Chrome/115 Safari/537.36", "Samsung Internet on Android"),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:124.0) Gecko/20100101 Firefox/124.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (X11; CrOS x86_64) AppleWebKit/537.36 Chrome/120 Safari/537",
            "Chrome on ChromeOS",
        ),
        ("Mozilla/5.0 (compatible; Examplebot/2.1; +https://example.com/bot)", "Bot"),
        ("curl/8.5.0", "curl"),
        ("python-requests/2.31.0", "Python"),
        ("something else entirely", "Other"),
        ("", "Other"),
    ],
)
def test_user_agents_become_families(user_agent: str, short: str) -> None:
    assert family(user_agent) == short
    assert family(short) == short


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("jane@example.com", "email", "jane@example.com"),
        ("Jane.Doe+x@Mail.Example.COM", "email", "jane.doe+x@mail.example.com"),
        ("jürgen@example.com", "email", "jürgen@example.com"),
        ("+1 415 555 2671", "phone", "+14155552671"),
        ("+1-415-555-2671", "phone", "+14155552671"),
        ("0014155552671", "phone", "+14155552671"),
        ("(415) 555-2671", "phone", "4155552671"),
        ("415-555-2671", "phone", "4155552671"),
        ("+44 (0)20 7946 0958", "phone", "+4402079460958"),
        ("020 7946 0958", "phone", "02079460958"),
        ("+31 6 1234 5678", "phone", "+31612345678"),
    ],
)
def test_emails_and_phones_in_any_text(text: str, kind: str, value: str) -> None:
    mark = token(kind, value)
    assert ANONYMISER.text(text, "acme") == mark
    assert ANONYMISER.text(f"from <{text}>, today", "acme") == f"from <{mark}>, today"
    assert anonymised(details={"a": [{"b": text}], text: 1}) == {
        "details": {"a": [{"b": mark}], mark: 1}
    }


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-17",
        "2024-05-17T09:30:00Z",
        "2024-05-17 09:30:00",
        "192.0.2.77",
        "ORD-2024-000123",
        "978-0-306-40615-7",
        "0190a5f2-7b7c-7cc3-98c4-dc0c0c07398f",
        "v1.2.3",
        "49.90",
        "1234567890",
        "10:30-11:45",
        "@jane",
        "a@b",
        "user@localhost",
        "3/4",
        "https://example.com/0123456789",
        "[redacted:password]",
    ],
)
def test_what_is_neither_stays(text: str) -> None:
    assert ANONYMISER.text(text, "acme") == text


def test_the_context_becomes_pseudonyms() -> None:
    assert anonymised(
        user_id="42",
        session_id="s",
        request_id="r",
        on_behalf_of="43",
        ip_address="192.0.2.77",
        user_agent="curl/8.5.0",
        company_id="acme",
        resource_id="order 7",
        details=None,
    ) == {
        "user_id": token("user_id", "42"),
        "session_id": token("session_id", "s"),
        "request_id": token("request_id", "r"),
        "on_behalf_of": token("user_id", "43"),
        "ip_address": "192.0.2.0/24",
        "user_agent": "curl",
        "company_id": "acme",
        "resource_id": "order 7",
        "details": None,
    }
    assert anonymised(ip_address="unknown") == {"ip_address": "[redacted:ip_address]"}


def test_names_in_the_details_say_what_a_value_is() -> None:
    assert anonymised(
        details={
            "user_id": 42,
            "clientIp": "192.0.2.77",
            "ips": ["192.0.2.77"],
            "date_of_birth": "1984-05-17",
            "dob": 453600000,
            "phone": "5552671 ext 1",
            "user_agent": "curl/8.5.0",
            "ok": True,
            "n": 7,
        },
        changes={
            "/user/birth_date": {"op": "replace", "old": "1984-05-17", "new": None},
            "/email": {"op": "replace", "old": "a@example.com", "new": "b@example.com"},
        },
    ) == {
        "details": {
            "user_id": token("user_id", "42"),
            "clientIp": "192.0.2.0/24",
            "ips": ["192.0.2.77"],
            "date_of_birth": "1984",
            "dob": "[redacted:birth_date]",
            "phone": token("phone", "55526711"),
            "user_agent": "curl",
            "ok": True,
            "n": 7,
        },
        "changes": {
            "/user/birth_date": {"op": "replace", "old": "1984", "new": None},
            "/email": {
                "op": "replace",
                "old": token("email", "a@example.com"),
                "new": token("email", "b@example.com"),
            },
        },
    }


def test_without_a_tokeniser_there_are_only_marks() -> None:
    parts = Anonymiser().parts({"user_id": "42", "details": {"note": "from a@example.com"}})
    assert parts == {
        "user_id": "[redacted:user_id]",
        "details": {"note": "from [redacted:email]"},
    }


pieces = st.lists(
    st.sampled_from(
        [
            *("jane@example.com", "+1 415 555 2671", "192.0.2.1", " ", "-", "020 7946 0958"),
            *("[redacted:email]", "1984-05-17", ".", ",", "(415) 555-2671", "0", "+", "é", "@"),
        ]
    ),
    max_size=8,
).map("".join)
names = st.sampled_from(["user_id", "ip", "phone", "dob", "note", "user_agent", "email"])
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(pieces, st.none(), st.booleans(), st.integers()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | pieces, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["user_id", "details", "changes", "ip_address"]), values))
def test_twice_is_once_and_redaction_leaves_it_alone(parts: dict[str, Any]) -> None:
    once = ANONYMISER.parts(REDACTOR.clean_all(parts, company_id="acme"), "acme")
    assert ANONYMISER.parts(once, "acme") == once
    assert REDACTOR.clean_all(once, company_id="acme") == once


@given(st.text(), st.text())
def test_no_address_comes_through(before: str, after: str) -> None:
    text = f"{before} jane.q.public@example.com {after} +1 415 555 2671 {before}"
    clean = ANONYMISER.text(text, "acme")
    assert "jane.q.public" not in clean
    assert "555 2671" not in clean
