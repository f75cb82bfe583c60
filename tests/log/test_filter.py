"""Filters: what is refused, what is the same, and the byte conditions that hold for all matches."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.base import AuditEventType, AuditLogLevel
from counterfoil.errors import InputError, QueryError
from counterfoil.log.read.containment import holds, traces
from counterfoil.log.read.criteria import Filters
from counterfoil.log.read.filter import Filter
from counterfoil.record.disclosure import dump

from .model import FILTERS, OBJECTS, VALUES, contains

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DEEP: dict[str, Any] = {}
for _ in range(25):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"user": "u-1"}, "Did you mean user_id"),
        ({"zzz": None}, "Use one of: actor_kind"),
        ({"user_id": []}, "0 values"),
        ({"user_id": [str(number) for number in range(1001)]}, "1,001 values"),
        ({name: list(map(str, range(501))) for name in ("user_id", "subject")}, "together"),
        ({"user_id": 7}, "not text"),
        ({"user_id": ["u-1", None]}, "not text"),
        ({"user_id": b"u-1"}, "not text"),
        ({"user_agent": "a\0b"}, "NUL"),
        ({"user_id": "\ud800"}, "surrogate"),
        ({"company_id": ["c-1", ""]}, "ever empty"),
        ({"event_type": "User Login"}, "no event type"),
        ({"level": "fatal"}, "info, warning, error, critical"),
        ({"level": 2}, "not text"),
        ({"min_level": ["error", "info"]}, "several"),
        ({"level": "info", "min_level": "error"}, "Leave one of the two out"),
        ({"outcome": "ok"}, "success, failure, unknown"),
        ({"since": "2026-01-01"}, "Give a datetime"),
        ({"since": date(2026, 1, 1)}, "Give a datetime"),
        ({"since": NOON, "until": NOON - timedelta(microseconds=1)}, "later than until"),
        ({"occurred_since": NOON, "occurred_until": NOON - timedelta(1)}, "later than"),
        ({"metadata": {}}, "at least one"),
        ({"metadata": "x"}, "mapping"),
        ({"metadata": {"a": float("nan")}}, "plain JSON"),
        ({"metadata": {"a": Decimal(1)}}, "plain JSON"),
        ({"metadata": {"a": 2**53}}, "plain JSON"),
        ({"metadata": {1: "a"}}, "not text"),
        ({"metadata": {"a": ["\0"]}}, "NUL"),
        ({"metadata": DEEP}, "20 levels"),
    ],
)
def test_what_makes_no_sense_is_refused_and_told_how_to_ask(
    filters: dict[str, Any], said: str
) -> None:
    with pytest.raises(QueryError, match=said) as caught:
        Filter.of(**filters)
    assert caught.value.remedy


@pytest.mark.parametrize("log", ["", "Default", "../x", 7])
def test_a_malformed_log_name_is_refused(log: Any) -> None:
    with pytest.raises(InputError):
        Filter.of(log=log)


def test_no_message_holds_a_value() -> None:
    for filters in (
        {"level": "secret-7"},
        {"event_type": "Secret-7"},
        {"metadata": {"a": object(), "b": "secret-7"}},
        {"user_id": ["secret-7", "\0"]},
    ):
        with pytest.raises(QueryError) as caught:
            Filter.of(**filters)
        assert "ecret-7" not in str(caught.value)


def test_none_is_as_good_as_left_out() -> None:
    assert Filter.of(**dict.fromkeys(Filters.__annotations__)) == Filter.of() == Filter()


def test_several_values_are_kept_once() -> None:
    several = Filter.of(event_type=[AuditEventType.USER_LOGIN, "user_login", "order_created"])
    assert several.equal == {"type": ("user_login", "order_created")}
    assert Filter.of(level=list(AuditLogLevel)) == Filter.of(min_level="info") == Filter()
    assert Filter.of(min_level="error") == Filter.of(level=["error", "critical"])


def test_a_filter_keeps_nothing_of_the_callers_objects() -> None:
    wanted = {"a": {"b": [1]}}
    filters = Filter.of(metadata=wanted)
    wanted["a"]["b"].append(2)
    assert filters.members == {"metadata": {"a": {"b": [1]}}}
    with pytest.raises(AttributeError):
        filters.log = "other"  # type: ignore[misc]


def test_the_order_of_values_makes_no_other_filter() -> None:
    one = Filter.of(user_id=["u-1", "u-2"], metadata={"a": 1, "b": 2})
    other = Filter.of(metadata={"b": 2, "a": 1}, user_id={"u-2", "u-1"})
    assert one.digest() == other.digest()


@settings(max_examples=200, deadline=None)
@given(FILTERS, FILTERS)
def test_only_the_same_filter_has_the_same_digest(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    first, second = Filter.of(**one), Filter.of(**other)
    assert Filter.of(**one).digest() == first.digest()
    assert (first.digest() == second.digest()) == (_settled(first) == _settled(second))


def _settled(filters: Filter) -> str:
    """A filter as text that does not depend on any order."""
    members = json.dumps(filters.members, sort_keys=True)
    fields = {**filters.equal, **filters.among}
    values = sorted((name, sorted(map(str, given))) for name, given in fields.items())
    times = (filters.since, filters.until, filters.occurred_since, filters.occurred_until)
    phrases = [(phrase.words, phrase.prefix) for phrase in filters.text]
    excluded = [_settled(one) for one in filters.exclude]
    return f"{filters.log} {values} {members} {phrases} {excluded} {times}"


@settings(max_examples=500, deadline=None)
@given(VALUES, OBJECTS)
def test_containment_is_what_the_paths_of_two_values_say(recorded: Any, wanted: Any) -> None:
    assert holds(recorded, wanted) == contains(recorded, wanted)


@settings(max_examples=300, deadline=None)
@given(OBJECTS, st.data())
def test_the_traces_of_a_part_stand_in_the_stored_whole(
    recorded: dict[str, Any], data: st.DataObject
) -> None:
    part = _part(recorded, data)
    assert holds(recorded, part)
    stored = dump({"metadata": recorded})
    assert all(trace in stored for trace in traces({"metadata": part}))


def _part(value: Any, data: st.DataObject) -> Any:
    """Some of an object's members, with numbers written the other way."""
    if isinstance(value, dict):
        return {key: _part(item, data) for key, item in value.items() if data.draw(st.booleans())}
    if isinstance(value, int) and not isinstance(value, bool) and data.draw(st.booleans()):
        return float(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


@pytest.mark.parametrize(
    ("recorded", "wanted", "expected"),
    [
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": True}, {"a": 1}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": None}, {"a": None}, True),
        ({}, {"a": None}, False),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, True),
        ({"a": {"b": 1}}, {"a": {}}, True),
        ({"a": []}, {"a": {}}, False),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}]}, False),
        ({"a": [1.0, "x"]}, {"a": [1, "x"]}, True),
        ({"a": "1"}, {"a": 1}, False),
    ],
)
def test_containment_by_example(recorded: Any, wanted: Any, expected: bool) -> None:
    assert holds(recorded, wanted) is expected
