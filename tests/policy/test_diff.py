"""What changed between two states."""

from __future__ import annotations

import copy
import datetime as dt
from collections import OrderedDict
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.policy.diff import Change, changes, json_patch


def replaced(old: Any, new: Any) -> Change:
    return {"op": "replace", "old": old, "new": new}


def test_members_are_compared_one_by_one() -> None:
    before = {"a": 1, "b": {"c": 2, "d": [1, 2]}, "gone": "x", "same": {"x": [1]}}
    after = {"a": 2, "b": {"c": 2, "d": [1, 3]}, "new": {"y": 1}, "same": {"x": [1]}}
    assert changes(before, after) == {
        "/a": replaced(1, 2),
        "/b/d": replaced([1, 2], [1, 3]),
        "/gone": {"op": "remove", "old": "x", "new": None},
        "/new": {"op": "add", "old": None, "new": {"y": 1}},
    }


def test_pointers_are_escaped() -> None:
    assert list(changes({"a/b": {"c~d": 1}, "": 1}, {"a/b": {"c~d": 2}, "": 2})) == [
        "/",
        "/a~1b/c~0d",
    ]


NAN = float("nan")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1),
        (1, 1.0),
        (NAN, float("nan")),
        (Decimal("1.50"), Decimal("1.50")),
        ([1, (2, 3)], (1, [2, 3])),
        ({1, 2}, {2, 1}),
        (OrderedDict(a=1, b=2), {"b": 2, "a": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (dt.date(2024, 5, 17), dt.date(2024, 5, 17)),
        (b"x" * 100, b"x" * 100),
        (10**30, 10**30),
        ([{"a": [NAN]}], [{"a": [NAN]}]),
    ],
)
def test_the_same(one: Any, other: Any) -> None:
    assert changes({"v": one}, {"v": other}) == {}
    assert changes({"v": [one]}, {"v": [other]}) == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (0, False),
        (0, None),
        ("1", 1),
        ([], {}),
        ([1, 2], [2, 1]),
        ([1], [1, 1]),
        (b"x" * 100, b"y" * 100),
        (10**30, 10**30 + 1),
        ([{"a": 1}], [{"b": 1}]),
        (object(), object()),
        (NAN, 1.0),
    ],
    ids=str,
)
def test_not_the_same(one: Any, other: Any) -> None:
    assert changes({"v": one}, {"v": other}) == {"v": None} or list(
        changes({"v": one}, {"v": other})
    ) == ["/v"]
    assert list(changes({"v": [one]}, {"v": [other]})) == ["/v"]


@pytest.mark.parametrize(("before", "after"), [(None, {}), ({}, None), (1, 2), ([], []), ({}, "x")])
def test_where_one_is_no_dict_nothing_can_be_said(before: Any, after: Any) -> None:
    assert changes(before, after) == {}


def test_keys_that_are_no_texts() -> None:
    assert changes({1: "a", None: "b"}, {1: "c", None: "b"}) == {"/1": replaced("a", "c")}
    assert changes({1: "a", "1": "b"}, {1: "a", "1": "c"}) == {"/1#2": replaced("b", "c")}


class Biting:
    __eq__ = __repr__ = __str__ = __bool__ = __iter__ = __len__ = lambda *_: 1 / 0  # type: ignore[assignment]
    __hash__ = object.__hash__


def test_no_code_of_an_object_runs() -> None:
    one, other = Biting(), Biting()
    assert changes({"v": one, one: 1}, {"v": one, one: 1}) == {}
    found = changes({"v": one, "w": [one]}, {"v": other, "w": [other]})
    assert list(found) == ["/v", "/w"]
    assert found["/v"]["new"] is other


def test_the_states_are_not_changed() -> None:
    before: dict[str, Any] = {"a": {"b": [1]}}
    after: dict[str, Any] = {"a": {"b": [2]}, "c": {}}
    kept = copy.deepcopy((before, after))
    changes(before, after)
    assert (before, after) == kept


def test_depth_width_and_cycles_end() -> None:
    deep: Any = 1
    deeper: Any = 2
    for _ in range(200_000):
        deep, deeper = {"a": deep}, {"a": deeper}
    (pointer,) = changes(deep, deeper)
    assert pointer == "/a" * 20
    while isinstance(deep, dict):  # freed step by step: at once, the interpreter would recurse
        deep, deeper = deep["a"], deeper["a"]

    looped: dict[str, Any] = {}
    looped["self"] = looped
    twin: dict[str, Any] = {}
    twin["self"] = twin
    assert len(changes(looped, twin)) <= 1

    wide = changes({f"k{n}": n for n in range(20_000)}, {f"k{n}": n + 1 for n in range(20_000)})
    assert list(wide) == [""]
    long = changes({"v": list(range(300_000))}, {"v": list(range(300_000))})
    assert list(long) == ["/v"]

    one: Any = {"x": 1}
    two: Any = {"x": 1}
    for _ in range(30):
        one, two = {"a": one, "b": one}, {"a": two, "b": two}
    changes(one, two)


names = st.sampled_from(["a", "b", "a/b", "~", ""])
states: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from(["", "x"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
dicts = st.dictionaries(names, states, max_size=5)


def applied(patch: list[dict[str, Any]], document: Any) -> Any:
    """RFC 6902, as far as it is needed: member operations on objects."""
    document = copy.deepcopy(document)
    for step in patch:
        *way, last = [
            part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:]
        ]
        target = document
        for part in way:
            target = target[part]
        if step["op"] == "remove":
            del target[last]
        else:
            assert (last in target) is (step["op"] == "replace")
            target[last] = step["value"]
    return document


def strict(value: Any) -> Any:
    """So that 1 and True are told apart."""
    if isinstance(value, dict):
        return {key: strict(member) for key, member in value.items()}
    if isinstance(value, list):
        return [strict(item) for item in value]
    return (type(value), value)


@settings(max_examples=300)
@given(dicts, dicts)
def test_the_patch_makes_the_new_state_of_the_old(before: Any, after: Any) -> None:
    found = changes(before, after)
    assert strict(applied(json_patch(found), before)) == strict(after)
    assert (found == {}) is (strict(before) == strict(after))


@given(dicts)
def test_a_state_does_not_differ_from_itself_or_its_copy(state: Any) -> None:
    assert changes(state, state) == changes(state, copy.deepcopy(state)) == {}


@given(dicts, dicts)
def test_there_and_back_are_opposites(before: Any, after: Any) -> None:
    opposite = {"add": "remove", "remove": "add", "replace": "replace"}
    there, back = changes(before, after), changes(after, before)
    assert {pointer: opposite[change["op"]] for pointer, change in there.items()} == {
        pointer: change["op"] for pointer, change in back.items()
    }
