"""Tokens: equal values match, under every kept key, and in one company only."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import ConfigurationError
from counterfoil.policy.redaction import Redactor, Tokeniser
from counterfoil.policy.redaction import tokens as tokens_module

OLD, NEW = ("k1", b"\x01" * 32), ("k2", b"\x02" * 32)
TOKENS = Tokeniser([OLD, NEW])


def hkdf(master: bytes, info: bytes) -> bytes:
    """RFC 5869 for 32 bytes, written out: what the tokens must be made with."""
    extracted = hmac.digest(b"\0" * 32, master, "sha256")
    return hmac.digest(extracted, info + b"\1", "sha256")


def test_a_token_is_what_the_standards_say() -> None:
    key = hkdf(NEW[1], b"counterfoil redaction token v1\0company\0acme")
    digest = hmac.new(key, b"jane@example.com", hashlib.sha256).hexdigest()[:32]
    assert TOKENS.token("email", "jane@example.com", "acme") == f"[redacted:email:k2:{digest}]"


@given(st.text(), st.text(), st.none() | st.text(), st.none() | st.text())
def test_tokens_are_equal_where_value_and_company_are(
    one: str, other: str, here: str | None, there: str | None
) -> None:
    same = one == other and here == there
    assert (TOKENS.token("x", one, here) == TOKENS.token("x", other, there)) is same


@given(st.text())
def test_a_value_is_found_under_every_kept_key(value: str) -> None:
    before = Tokeniser([OLD]).token("email", value, "acme")
    after = TOKENS.token("email", value, "acme")
    assert before != after
    assert TOKENS.tokens("email", value, "acme") == [after, before]


def test_a_token_stays_a_token() -> None:
    redactor = Redactor(tokens=TOKENS)
    clean = redactor.clean({"session_id": "abc", "jti": "def"}, company_id="acme")
    assert clean == {
        "session_id": TOKENS.token("session_id", "abc", "acme"),
        "jti": TOKENS.token("jti", "def", "acme"),
    }
    assert redactor.clean(clean, company_id="acme") == clean
    assert Redactor(tokens=Tokeniser([OLD])).clean(clean) == clean


def test_without_a_tokeniser_the_field_is_dropped() -> None:
    assert Redactor().clean({"session_id": "abc"}) == {"session_id": "[redacted:session_id]"}


def test_a_session_in_a_text() -> None:
    clean = Redactor(tokens=TOKENS).text("session_id=abc&x=1", company_id="acme")
    assert clean == f"session_id={TOKENS.token('session_id', 'abc', 'acme')}&x=1"


@pytest.mark.parametrize(
    "fake",
    [
        "[redacted:session_id:k1:hunter2]",
        "[redacted:session_id:k1:0123456789abcdef0123456789abcdef]hunter2",
        "[redacted:session_id:k1:0123456789ABCDEF0123456789ABCDEF]",
        "[redacted:swordfish]",
        "[redacted:session_id:…1234]",
        "[redacted:SESSION]",
    ],
)
def test_what_only_looks_like_a_mark_is_no_mark(fake: str) -> None:
    redactor = Redactor(tokens=TOKENS)
    assert redactor.clean({"session_id": fake}) == {"session_id": TOKENS.token("session_id", fake)}
    assert redactor.clean({"password": fake}) == {"password": "[redacted:password]"}
    assert redactor.clean(f"password={fake}") == "password=[redacted:password]"


@pytest.mark.parametrize(
    "text",
    [
        "https://[redacted:swordfish]@example.com/",
        "https://example.com/reset/[redacted:swordfish]",
        "password: [redacted:swordfish]",
        "Authorization: [redacted:swordfish]",
        "password=[redacted:swordfish]",
        '{"password": "[redacted:swordfish]"}',
        "<password>[redacted:swordfish]</password>",
        "SET PASSWORD = '[redacted:swordfish]'",
    ],
)
def test_nor_is_it_in_a_text(text: str) -> None:
    clean = Redactor().text(text)
    assert "swordfish" not in clean
    assert Redactor().text(clean) == clean


def test_a_token_or_last_four_is_no_excuse_for_a_password() -> None:
    redactor = Redactor(tokens=TOKENS)
    for mark in (TOKENS.token("session_id", "x"), "[redacted:pan:…1234]"):
        assert redactor.clean({"password": mark}) == {"password": "[redacted:password]"}


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [("k1", b"short")],
        [("K 1", b"\x01" * 32)],
        [("", b"\x01" * 32)],
        [OLD, OLD],
    ],
)
def test_bad_keys_are_a_configuration_error(keys: list[tuple[str, bytes]]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Tokeniser(keys)
    assert raised.value.remedy


def test_derived_keys_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_module, "KEPT_COMPANIES", 100)
    tokens = Tokeniser([OLD])
    first = tokens.token("x", "value", "company 0")
    for number in range(1, 120):
        tokens.token("x", "value", f"company {number}")
    assert len(tokens._derived) <= 100
    assert tokens.token("x", "value", "company 0") == first
