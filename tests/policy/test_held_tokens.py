"""Tokens of companies whose keys are handed out one by one."""

from __future__ import annotations

import pytest

from counterfoil.errors import ConfigurationError
from counterfoil.policy.redaction import HeldTokens, Tokeniser

MASTERS = [("k1", bytes(range(32))), ("k2", bytes(range(1, 33)))]


@pytest.mark.parametrize("company", [None, "c-1", "c-\ud800"])
def test_who_holds_a_companys_keys_makes_the_same_tokens(company: str | None) -> None:
    whole = Tokeniser(MASTERS)
    held = HeldTokens()
    held.hold(company, whole.company_keys(company))
    assert held.token("session_id", "s-1", company) == whole.token("session_id", "s-1", company)
    assert held.tokens("session_id", "s-1", company) == whole.tokens("session_id", "s-1", company)


def test_without_a_companys_keys_nothing_is_left_of_the_value() -> None:
    asked: list[str | None] = []
    held = HeldTokens(asked.append)
    held.hold("c-1", Tokeniser(MASTERS).company_keys("c-1"))
    assert held.token("session_id", "s-1", "c-2") == "[redacted:session_id]"
    assert held.tokens("session_id", "s-1", "c-2") == []
    assert asked == ["c-2", "c-2"]
    held.hold("c-2", [])
    assert held.token("session_id", "s-1", "c-2") == "[redacted:session_id]"
    assert asked == ["c-2", "c-2"]
    assert held.holds("c-2")
    assert not held.holds(None)


def test_one_companys_keys_tell_nothing_about_anothers_tokens() -> None:
    whole = Tokeniser(MASTERS)
    mine, theirs = whole.company_keys("c-1"), whole.company_keys("c-2")
    assert [name for name, _ in mine] == [name for name, _ in theirs] == ["k2", "k1"]
    assert not {key for _, key in mine} & {key for _, key in theirs}
    assert not {key for _, key in mine} & {key for _, key in MASTERS}


@pytest.mark.parametrize("keys", [[("K 1", bytes(32))], [("k1", bytes(31))]])
def test_keys_that_cannot_be_used_are_refused(keys: list[tuple[str, bytes]]) -> None:
    with pytest.raises(ConfigurationError):
        HeldTokens().hold(None, keys)
