"""Sizes: each part within its limit, and who, what, when and on what always whole."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.policy.truncate import truncate
from counterfoil.record import Draft
from tests.policy.test_chain import through

LIMIT = 400
PARTS = ["details", "before_state", "after_state", "changes", "metadata", "body", "claims"]

values = st.recursive(
    st.one_of(st.text(max_size=300), st.integers(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=30), st.dictionaries(st.text(max_size=30), inner, max_size=12)
    ),
)


def within(limit: int, **parts: Any) -> Draft:
    """What the chain makes of a call, cut."""
    draft = through(**parts)
    truncate(draft, limit)
    assert not truncate(draft, limit)
    return draft


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(PARTS, values)))
def test_every_part_is_within_its_limit(parts: dict[str, Any]) -> None:
    draft = within(LIMIT, user_id="u-1", resource_id="r-1", **parts)
    for name in PARTS:
        assert len(orjson.dumps(getattr(draft, name))) <= LIMIT
    assert (draft.user_id, draft.resource_id) == ("u-1", "r-1")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("size", [LIMIT - 8, LIMIT - 7])
def test_the_limit_is_exact(part: str, size: int) -> None:
    value = {"a": "x" * size}
    kept = getattr(within(LIMIT, **{part: value}), part)
    assert (kept == value) is (size == LIMIT - 8)


def test_parts_within_the_limit_stay_whole_beside_one_that_is_not() -> None:
    small = {"a": "x" * 350}
    draft = within(LIMIT, details=small, metadata={"big": "y" * 5_000, "small": 1})
    assert draft.details == small
    assert draft.metadata == {"big": "[truncated:5002]", "small": 1}


def test_the_largest_goes_first_and_says_how_large_it_was() -> None:
    details = {"one": "x" * 70, "two": "x" * 900, "three": 3}
    assert within(LIMIT, details=details).details == {**details, "two": "[truncated:902]"}


def test_the_usual_limit() -> None:
    most = {"a": "x" * 65_528}
    assert within(65_536, details=most).details == most
    assert within(65_536, details={"a": "x" * 65_529}).details == {"a": "[truncated:65531]"}


@pytest.mark.parametrize(
    ("name", "limit"),
    [("user_id", 512), ("ip_address", 512), ("request_id", 512), ("resource_id", 512),
     ("on_behalf_of", 512), ("impersonator", 512), ("user_agent", 1024)],
)  # fmt: skip
@pytest.mark.parametrize("char", ["x", "é", "😀"])
def test_ids_are_cut_at_their_bytes(name: str, limit: int, char: str) -> None:
    width = len(char.encode())
    whole = char * (limit // width)
    assert getattr(through(**{name: whole}), name) == whole
    cut = getattr(through(**{name: whole + char}), name)
    assert len(cut.encode()) <= limit
    assert cut.endswith(f"[truncated:{len(whole.encode()) + width}]")
    assert cut.startswith(char)
