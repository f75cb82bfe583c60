"""What is too large is cut, the largest first, and no more than it must."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.policy.redaction import LIMIT, cap


def size(value: Any) -> int:
    return len(orjson.dumps(value))


def test_what_fits_is_returned_as_it_is() -> None:
    value: Any = {"a": "x" * (LIMIT - 8)}
    assert size(value) == LIMIT
    assert cap(value) is value
    assert cap(value, data=orjson.dumps(value)) is value


def test_one_byte_more_and_the_largest_goes() -> None:
    value: Any = {"small": "s", "large": "x" * LIMIT, "n": 7}
    assert cap(value) == {"small": "s", "large": f"[truncated:{LIMIT + 2}]", "n": 7}


def test_the_largest_goes_first_and_no_more_than_must() -> None:
    value: Any = {name: "x" * length for name, length in [("a", 300), ("b", 500), ("c", 400)]}
    assert cap(value, 1000) == {"a": "x" * 300, "b": "[truncated:502]", "c": "x" * 400}
    assert cap(value, 600) == {"a": "x" * 300, "b": "[truncated:502]", "c": "[truncated:402]"}


def test_a_large_member_deep_down_goes_alone() -> None:
    value: Any = {"who": "w", "payload": {"file": {"name": "n", "data": "x" * 5000}, "note": "y"}}
    assert cap(value, 1000) == {
        "who": "w",
        "payload": {"file": {"name": "n", "data": "[truncated:5002]"}, "note": "y"},
    }


def test_of_many_small_ones_the_first_are_kept() -> None:
    numbers: Any = {"ids": list(range(1000, 2000)), "by": "x"}
    clean: Any = cap(numbers, 1000)
    assert clean["by"] == "x"
    assert clean["ids"][:100] == list(range(1000, 1100))
    assert clean["ids"][-1] == "[truncated:5001]"
    assert 900 < size(clean) <= 1000
    members: Any = {f"k{n}": n for n in range(1000)}
    clean = cap(members, 1000)
    assert clean["k50"] == 50
    assert clean["…"] == f"[truncated:{size(members)}]"
    assert 900 < size(clean) <= 1000


@pytest.mark.parametrize("value", ["x" * 100, 10**15, ["x" * 100], {"x" * 100: 1}, [[["x" * 100]]]])
def test_even_the_smallest_limit_holds(value: Any) -> None:
    assert size(cap(value, 64)) <= 64


def test_a_hundred_thousand_members() -> None:
    value: Any = {"rows": [{"id": n, "note": "some text"} for n in range(20_000)], "n": 1}
    clean: Any = cap(value)
    assert size(clean) <= LIMIT
    assert clean["n"] == 1
    assert clean["rows"][0] == {"id": 0, "note": "some text"}


values = st.recursive(
    st.one_of(st.none(), st.integers(-9, 10**12), st.text(max_size=120), st.booleans()),
    lambda inner: (
        st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=9), inner, max_size=8)
    ),
    max_leaves=40,
)


@settings(max_examples=300)
@given(values, st.integers(64, 1500))
def test_it_fits_twice_is_once_and_the_value_is_not_changed(value: Any, limit: int) -> None:
    before = copy.deepcopy(value)
    clean = cap(value, limit)
    assert size(clean) <= limit
    assert cap(clean, limit) == clean
    assert value == before
    if size(value) <= limit:
        assert clean is value
