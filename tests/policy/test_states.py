"""States in the chain: what changed is told, and what may not be told is only seen to differ."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import InputError
from counterfoil.policy.diff import json_patch
from tests.policy.test_chain import through

names = st.sampled_from(["price", "a/b", "c~d", "name", "stock", "é"])
leaves = st.one_of(st.integers(0, 9), st.booleans(), st.none(), st.sampled_from(["x", "y z"]))
states = st.recursive(
    st.dictionaries(names, leaves, max_size=5),
    lambda inner: st.dictionaries(names, st.one_of(leaves, inner, st.lists(leaves)), max_size=5),
    max_leaves=12,
)


def patched(state: Any, patch: list[dict[str, Any]]) -> Any:
    """A state after a JSON Patch of adding, removing and replacing."""
    root = {"": copy.deepcopy(state)}
    for step in patch:
        *around, last = [
            part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")
        ]
        target: Any = root
        for part in around:
            target = target[part]
        if step["op"] == "remove":
            del target[last]
        else:
            target[last] = step["value"]
    return root[""]


def as_json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@given(states, states)
def test_what_is_recorded_as_changed_makes_the_new_state_of_the_old(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    draft = through(before_state=before, after_state=after)
    assert (draft.before_state, draft.after_state) == (before, after)
    # As JSON, since to Python 1 is True.
    assert (draft.changes is None) is (as_json(before) == as_json(after))
    assert as_json(patched(before, json_patch(draft.changes or {}))) == as_json(after)


@given(st.text("abc", min_size=1), st.text("abc", min_size=1))
def test_a_secret_that_differed_is_seen_to_have_differed(one: str, other: str) -> None:
    draft = through(before_state={"password": one}, after_state={"password": other})
    held = {"op": "replace", "old": "[redacted:password]", "new": "[redacted:password]"}
    assert draft.changes == (None if one == other else {"/password": held})


@pytest.mark.parametrize(
    "changes", [{"a": 1}, {"/a": {"op": "add"}}, {"value": [1]}, {"/a": {"old": 1, "new": 2}}]
)
def test_changes_of_another_form_make_no_patch(changes: Any) -> None:
    with pytest.raises(InputError):
        json_patch(changes)
