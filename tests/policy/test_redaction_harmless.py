"""Texts that were found harmless are not looked at again, and never stand for others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.policy.redaction import Redactor, Rule, Rules
from counterfoil.policy.redaction.keys import KEPT_HARMLESS

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0"


def test_the_same_text_is_clean_each_time_and_a_longer_one_is_looked_at() -> None:
    redactor = Redactor()
    for _ in range(3):
        assert redactor.clean({"agent": AGENT}) == {"agent": AGENT}
    secret = f"{AGENT} password=hunter2hunter2"
    assert "hunter2" not in str(redactor.clean({"agent": secret}))
    assert redactor.clean({"agent": AGENT}) == {"agent": AGENT}


def test_what_is_harmless_as_an_id_is_redacted_elsewhere() -> None:
    card = "4111111111111111"
    redactor = Redactor()
    assert redactor.clean(card, root="user_id") == card
    assert redactor.clean(card, root="user_id") == card
    assert card not in str(redactor.clean({"note": card}))


def test_a_secret_is_redacted_each_time() -> None:
    redactor = Redactor()
    for _ in range(3):
        assert "1111-1111" not in str(redactor.clean({"note": "4111-1111-1111-1111"}))


def test_rules_of_a_call_see_texts_that_were_harmless_without_them() -> None:
    text = "see https://example.com/a for 20100101"
    plain = Redactor()
    assert plain.clean({"note": text}) == {"note": text}
    wider = Redactor(Rules([Rule("ticket", pattern=r"\b20\d{6}\b")]))
    assert "20100101" not in str(wider.clean({"note": text}))
    assert "20100101" not in str(plain.clean({"note": text}, sensitive_fields=["note"]))


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_more_texts_than_are_kept_change_nothing(numbers: list[int]) -> None:
    redactor = Redactor()
    texts = [f"https://example.com/{number}?q={number}" for number in numbers]
    for number in range(KEPT_HARMLESS + 5):
        redactor.clean({"url": f"https://example.com/page/{number}?q=1"})
    assert redactor.clean(texts) == texts
