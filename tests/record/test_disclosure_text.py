"""Disclosures as text, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.record.disclosure import SALT_BYTES, SLOTS, Disclosure, dump

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(
    st.sampled_from(SLOTS),
    st.binary(min_size=SALT_BYTES, max_size=SALT_BYTES),
    VALUES,
)
def test_a_text_gives_the_very_disclosure_back(name: str, salt: bytes, value: object) -> None:
    disclosure = Disclosure(name, salt, dump(value))
    assert Disclosure.parse(disclosure.text()) == disclosure


@pytest.mark.parametrize("text", ["", "x", "WyJhIiwiYiJd", "ä", "W10", "WyJhIiwiYiIsMV0="])
def test_what_is_no_disclosure_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of base64 and of ours
        Disclosure.parse(text)
