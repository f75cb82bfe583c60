"""Text made harmless: what is safe stays, what is not is seen."""

from __future__ import annotations

import json
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.wording.visible import safe_json, short, visible

UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain text", "plain text"),
        ("Zoë 東京 ü", "Zoë 東京 ü"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f"),
        ("\x9b2J", "\\x9b2J"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("[bold]not markup[/bold]", "[bold]not markup[/bold]"),
    ],
)
def test_what_is_seen(text: str, seen: str) -> None:
    assert visible(text) == seen


@given(TEXT)
def test_nothing_unsafe_is_left(text: str) -> None:
    assert {category(char) for char in visible(text)}.isdisjoint(UNSAFE)


@given(JSON, st.booleans())
def test_safe_json_says_the_same_and_holds_nothing_unsafe(value: Any, indent: bool) -> None:
    text = safe_json(value, indent=indent)
    assert json.loads(text) == value
    assert {category(char) for char in text.replace("\n", "")}.isdisjoint(UNSAFE)
    assert indent or "\n" not in text


@given(JSON, st.integers(2, 40))
def test_short_keeps_to_its_width(value: Any, width: int) -> None:
    assert len(short(value, width)) <= width
