"""Request ids: kept where they are fit for use, made where not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.capture.request_id import MAX_LENGTH, request_id

FIT = "abcXYZ019._:=+/@~-"
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@given(st.text(FIT, min_size=1, max_size=MAX_LENGTH))
def test_a_fit_id_is_kept(sent: str) -> None:
    assert request_id([sent]) == sent


@given(st.lists(st.text(max_size=200), max_size=3))
def test_what_is_returned_is_always_fit(sent: list[str]) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._:=+/@~-]{1,128}", request_id(sent))


@pytest.mark.parametrize(
    "sent",
    [
        [],
        [""],
        ["a" * (MAX_LENGTH + 1)],
        ["a b"],
        ["a\r\nSet-Cookie: x"],
        ["a\n"],
        ["é"],
        ["<script>"],
        ["one", "two"],
        ["same", "same"],
    ],
)
def test_anything_else_is_replaced_by_a_fresh_uuid7(sent: list[str]) -> None:
    first, second = request_id(sent), request_id(sent)
    assert UUID7.fullmatch(first)
    assert first != second
