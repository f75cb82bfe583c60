"""The first look is never laxer than the walk: what it lets pass, the walk leaves as it is."""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from counterfoil.policy.redaction import Redactor, Rule, Rules
from counterfoil.policy.redaction.glance import DEEPEST, MOST_MEMBERS, Glance
from counterfoil.policy.redaction.keys import Keys
from counterfoil.policy.redaction.names import Names
from counterfoil.policy.redaction.parts import PartsWalk
from counterfoil.policy.redaction.scan import Scan

from .planting import CARDS, NAMED, TEXTS, planter

LONGEST = 4_096
OWN_RULES = Rules([Rule("order", fields=["salary"], pattern=r"hunter[0-9]+")])

MOMENT = dt.datetime(2024, 5, 17, 9, 30, tzinfo=dt.UTC)
PLAIN: dict[str, Any] = {
    "user_id": "0190a5f2-7b7c-7cc3-98c4-dc0c0c07398f",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
    "details": {"reason": "approved by support", "items": 3, "tags": ["a", "b", 3, None, True]},
    "before_state": {"status": "open", "total": 49.9, "owner": {"name": "Jane", "vip": False}},
    "after_state": {
        "status": "closed",
        "at": MOMENT,
        "sum": Decimal("1.20"),
    },
    "changes": {"/status": {"op": "replace", "old": "open", "new": "closed"}},
}


class Word(enum.Enum):
    FLAG = "--password"
    PLAIN = "plain"


class Unhashed(str):
    """A key whose own code would run if anybody asked for its hash."""

    asked = False

    def __hash__(self) -> int:
        type(self).asked = True
        return super().__hash__()


# What is nearly a secret, what is nearly none, and what is neither.
near = st.sampled_from(
    [
        *("4111 1111 1111 111", "4111111111111112", "4111-1111-1111-1111", "1" * 12, "1" * 13),
        *("GB82 WEST 1234 5698 7654 32", "GB82", "SUP-4821", "T-10243", "AA00", "AA00 1"),
        *("Bearer", "bearer x", "Basic Ym9iOmh1bnRlcjI=", "a basic plan", "BEARER of bad news"),
        *("a--b", "--password", "-p", "- x", "it's", "say 'x'", "$5", "$1$abc$def", "a$b$c"),
        *("09:30", "09:30:00", "2024-05-17T09:30:00Z", "a:b", "at 09:30", "pin: 1234"),
        *("/reset/abc", "/a/b", "reset/abc", "x=1", "50%", "<b>", "[x]", "{}", '"q"', "\\"),
        *("a" * 19, "a" * 20, "aB3" * 8, "deadbeef" * 4, "req-8f14e45fceea167a", "\x00", "\ud800"),
        *("ghp_" + "a1B2" * 9, "AKIAIOSFODNN7EXAMPLE", "hunter2", "hunter", "é", "٤١١١١١١١١١١١١"),
        *("[redacted:password]", "cGFzc3dvcmQ9aHVudGVyMiZ1c2VyPWJvYg==", "a@b.example", "", " "),
    ]
)
pieces = st.one_of(near, st.text(max_size=12), st.sampled_from(["open", "Jane Smith", "x"]))
texts = st.one_of(pieces, st.lists(pieces, max_size=4).map("".join), st.uuids().map(str))
numbers = st.one_of(
    st.integers(-99, 99),
    st.sampled_from([10**12 - 1, 10**12, 4111111111111111, -(10**12), 2**60, 4111111111111111.0]),
    st.floats(),
)
others = st.sampled_from(
    [
        *(Decimal("1.2"), dt.date(2024, 5, 17), UUID(int=7), b"password=hunter2", object()),
        *(Word.FLAG, Word.PLAIN, ValueError("password=hunter2"), ("Authorization", "abc")),
    ]
)
names = st.sampled_from(
    [
        *("id", "status", "note", "name", "value", "old", "new", "op", "path", "code", "state"),
        *("password", "salary", "token_count", "kty", "d", "secretary", "4111111111111111"),
    ]
)
keys = st.one_of(names, names, names, texts, st.integers(0, 3), st.none())
secrets = planter({**NAMED, **TEXTS, **CARDS}).map(lambda plant: plant(7).value)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts, texts, texts, others, secrets)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.dictionaries(keys, inner, max_size=4),
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
    ),
    max_leaves=8,
)
members = st.dictionaries(keys, values, max_size=4)
changes = st.dictionaries(
    st.one_of(st.lists(keys.map(str), max_size=3).map("/".join).map("/{}".format), texts),
    st.one_of(
        values,
        st.fixed_dictionaries({"op": st.sampled_from(["add", "x"]), "old": values, "new": values}),
    ),
    max_size=3,
)
parts = st.fixed_dictionaries(
    {},
    optional={
        "user_id": texts,
        "user_agent": texts,
        "resource_id": texts,
        "details": members,
        "before_state": members,
        "metadata": values,
        "changes": changes,
    },
)


class Careful:
    """The walk alone, and the glance on what the walk has learnt."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.names = Names(rules.names)
        self.keys = Keys(self.names, rules.kinds)

    def walked(self, given: dict[str, Any]) -> dict[str, Any]:
        walk = PartsWalk(Scan(self.rules, self.names), self.keys, LONGEST)
        out: dict[str, Any] = {}
        for root, value in given.items():
            walk.part(out, root, value)
        walk.finish()
        return out

    def glanced(self, given: dict[str, Any]) -> dict[str, Any]:
        """What a glance alone lets pass: nothing where it doubts a text."""
        glance = Glance(self.rules, self.keys, LONGEST)
        copies = glance.copies(given)
        if glance.doubtful() != []:
            return {}
        return {root: copies.get(root, given[root]) for root in given.keys() - glance.unsure}


@pytest.mark.parametrize("rules", [Rules(), OWN_RULES], ids=["built-in", "own"])
@settings(max_examples=1_000, deadline=None)
@given(given_parts=parts)
def test_what_a_glance_lets_pass_the_walk_leaves_as_it_is(
    rules: Rules, given_parts: dict[str, Any]
) -> None:
    careful = Careful(rules)
    walked = careful.walked(given_parts)
    passed = careful.glanced(given_parts)
    event(f"{len(passed)} of {len(given_parts)} parts pass")
    for root, copy in passed.items():
        assert orjson.dumps(copy) == orjson.dumps(walked[root])


@settings(max_examples=500, deadline=None)
@given(parts, st.lists(st.sampled_from(["note", "details.id", "*.name"]), max_size=2))
def test_the_redactor_makes_the_same_of_it_first_and_last(
    given_parts: dict[str, Any], fields: list[str]
) -> None:
    redactor = Redactor()
    first = redactor.clean_all(given_parts, sensitive_fields=fields)
    last = redactor.clean_all(given_parts, sensitive_fields=fields)
    assert first.keys() == last.keys()
    for root, clean in first.items():
        assert orjson.dumps(clean) == orjson.dumps(last[root])


def test_a_plain_event_passes_whole() -> None:
    careful = Careful(Rules())
    walked = careful.walked(PLAIN)
    passed = careful.glanced(PLAIN)
    assert passed.keys() == PLAIN.keys()
    assert {root: orjson.dumps(copy) for root, copy in passed.items()} == {
        root: orjson.dumps(clean) for root, clean in walked.items()
    }


def test_what_passes_is_a_copy() -> None:
    careful = Careful(Rules())
    careful.walked(PLAIN)
    copies = careful.glanced(PLAIN)
    assert copies["before_state"] is not PLAIN["before_state"]
    assert copies["before_state"]["owner"] is not PLAIN["before_state"]["owner"]
    assert copies["details"]["tags"] is not PLAIN["details"]["tags"]
    assert copies["changes"]["/status"] is not PLAIN["changes"]["/status"]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"note": "paid with 4111 1111 1111 1111"}, id="a text"),
        pytest.param({"note": 4111111111111111}, id="a number"),
        pytest.param({"note": ("Authorization", "abcdef")}, id="a pair"),
        pytest.param({"note": [["Authorization", "abcdef"]]}, id="a pair in a list"),
        pytest.param({"note": ["--password", "abcdef"]}, id="a flag"),
        pytest.param({"name": "password", "value": "abcdef"}, id="a name and its value"),
        pytest.param({"note": {"note": {"password": "abcdef"}}}, id="a key within"),
        pytest.param({"note": b"password=abcdef"}, id="bytes"),
        pytest.param({"note": float("nan")}, id="no number"),
        pytest.param({1: "a"}, id="a key that is no text"),
        pytest.param(dict.fromkeys(map(str, range(MOST_MEMBERS + 1))), id="too many members"),
    ],
)
def test_a_glance_does_not_vouch_for(value: dict[Any, Any]) -> None:
    careful = Careful(Rules())
    careful.walked({"details": value})
    assert careful.glanced({"details": value}) == {}


def test_a_glance_does_not_vouch_for_what_is_deep_or_holds_itself() -> None:
    careful = Careful(Rules())
    deep: dict[str, Any] = {}
    for _ in range(DEEPEST):
        deep = {"note": deep}
    endless: dict[str, Any] = {}
    endless["note"] = endless
    for value in (deep, endless):
        careful.walked({"details": value})
        assert careful.glanced({"details": value}) == {}


def test_no_code_of_a_key_is_run() -> None:
    careful = Careful(Rules())
    value = {Unhashed("note"): "a"}
    careful.walked({"details": {"note": "a"}})
    Unhashed.asked = False
    assert careful.glanced({"details": value}) == {}
    assert not Unhashed.asked
