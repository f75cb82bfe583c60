"""Random events and filters, and a filter of its own to hold the reader's answers against.

The values come from small sets, so that filters meet events often.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from counterfoil.base import AuditLogLevel
from counterfoil.record.instant import HOUR, to_datetime, to_micros

from .recording import NEW_YEAR

LEVELS = [level.value for level in AuditLogLevel]
ALPHABETS: Mapping[str, list[str]] = {
    "user_id": ["u-1", "u-2", 'quo"te', "ünï"],
    "ip_address": ["192.0.2.1", "2001:db8::1"],
    "session_id": ["s-1", "s-2"],
    "request_id": ["r-1", "r-2"],
    "company_id": ["c-1", "c-2"],
    "resource_id": ["p-1", "p-2", "p-12"],
    "resource_type": ["product", "order"],
    "user_agent": ["curl/8.5", 'agent "x" \\ 1', "curl/8"],
    "actor_kind": ["user", "service", "agent"],
    "on_behalf_of": ["u-1", "u-3"],
    "impersonator": ["u-2", "u-3"],
    "event_type": ["order_created", "user_login", "app.custom"],
    "level": LEVELS,
    "outcome": ["success", "failure", "unknown"],
}
PEOPLE = ["u-1", "u-3", "u-4"]
MEMBERS = ["before_state", "after_state", "changes", "metadata", "details"]

KEYS = st.sampled_from(["a", "b", "/price", "_sd", "...", "~a", "é", 'q"'])
LEAVES = st.sampled_from(
    [None, True, False, 0, 1, 12, -1, 1.0, -0.0, 0.5, 1e16, 2**52, "", "1", 'x"y', "é", "\n"]
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=3)
#: Where a time range begins or ends: on the hour, beside it, and far away.
MOMENTS = st.builds(
    lambda hours, micros: NEW_YEAR + hours * HOUR + micros,
    st.integers(-2, 60),
    st.sampled_from([-1, 0, 1, HOUR // 2]),
)

EVENTS = st.fixed_dictionaries(
    {"event_type": st.sampled_from(ALPHABETS["event_type"])},
    optional={
        **{
            name: st.sampled_from(values)
            for name, values in ALPHABETS.items()
            if name != "event_type"
        },
        **dict.fromkeys(MEMBERS, OBJECTS),
        "body": VALUES.filter(lambda value: value is not None),
        "subjects": st.lists(st.sampled_from(PEOPLE), unique=True),
        "occurred_at": MOMENTS,
    },
)
#: (hours since the last one, event), in the order of recording.
HISTORIES = st.lists(st.tuples(st.sampled_from([0, 0, 0.5, 1, 7, 30]), EVENTS), max_size=14)


def _one_or_several(values: list[str]) -> st.SearchStrategy[Any]:
    one = st.sampled_from(values)
    return one | st.lists(one, min_size=1, max_size=3) | st.sets(one, min_size=1, max_size=2)


def _ordered(filters: dict[str, Any]) -> bool:
    pairs = (("since", "until"), ("occurred_since", "occurred_until"))
    return all(
        filters[first] <= filters[end] for first, end in pairs if {first, end} <= filters.keys()
    )


_TIMES = {
    name: MOMENTS.map(to_datetime)
    for name in ("since", "until", "occurred_since", "occurred_until")
}
#: What the roll-ups know.
COUNT_FILTERS = st.fixed_dictionaries(
    {},
    optional={
        **{
            name: _one_or_several(ALPHABETS[name])
            for name in ("event_type", "level", "outcome", "company_id")
        },
        "since": _TIMES["since"],
        "until": _TIMES["until"],
    },
).filter(_ordered)
#: One to four filters at once: more would hardly ever match.
_SOME_FILTERS = st.lists(
    st.one_of(
        *(
            st.tuples(st.just(name), _one_or_several(values))
            for name, values in {**ALPHABETS, "subject": PEOPLE}.items()
        ),
        *(
            st.tuples(st.just(name), OBJECTS.filter(bool) | st.just({"request_body": "1"}))
            for name in MEMBERS
        ),
        *(st.tuples(st.just(name), times) for name, times in _TIMES.items()),
        st.tuples(st.just("min_level"), st.sampled_from(LEVELS)),
        st.tuples(
            st.just("exclude"),
            st.one_of(
                *(
                    st.fixed_dictionaries({name: _one_or_several(values)})
                    for name, values in {**ALPHABETS, "subject": PEOPLE}.items()
                )
            ),
        ),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda pair: pair[0],
)
FILTERS = (
    _SOME_FILTERS.map(dict)
    .filter(_ordered)
    .filter(lambda given: not {"level", "min_level"} <= given.keys())
)


def matches(event: Mapping[str, Any], recorded_at: int, filters: Mapping[str, Any]) -> bool:
    """Whether an event as it was given matches, by the letter of the filters' description."""
    return all(_one(event, recorded_at, name, wanted) for name, wanted in filters.items())


def _one(event: Mapping[str, Any], recorded_at: int, name: str, wanted: Any) -> bool:
    if name in ("since", "until", "occurred_since", "occurred_until"):
        moment = event["occurred_at"] if name.startswith("occurred") else recorded_at
        edge = to_micros(wanted)
        return moment >= edge if name.endswith("since") else moment < edge
    if name == "exclude":
        return not any(_one(event, recorded_at, field, values) for field, values in wanted.items())
    if name == "min_level":
        return LEVELS.index(event.get("level", "info")) >= LEVELS.index(wanted)
    if name in MEMBERS:
        recorded = event.get(name)
        if name == "metadata" and "body" in event:
            recorded = {**(recorded or {}), "request_body": event["body"]}
        return recorded is not None and contains(recorded, wanted)
    values = {wanted} if isinstance(wanted, str) else set(wanted)
    if name == "subject":
        return not values.isdisjoint(event.get("subjects", ()))
    defaults = {
        "level": "info",
        "outcome": "unknown",
        "actor_kind": "user" if event.get("user_id") else "anonymous",
    }
    return event.get(name, defaults.get(name)) in values


def contains(recorded: Any, wanted: Any) -> bool:
    """Whether every path of the one leads to the same in the other."""
    return _paths(wanted) <= _paths(recorded)


def _paths(value: Any, path: tuple[str, ...] = ()) -> set[tuple[tuple[str, ...], str]]:
    """Every member of an object with its path; what is no object is one text."""
    if not isinstance(value, dict):
        return {(path, _canonical(value))}
    found = {(path, "an object")}
    for key, item in value.items():
        found |= _paths(item, (*path, key))
    return found


def _canonical(value: Any) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return repr(float(value) + 0.0)
    if isinstance(value, list):
        return f"[{','.join(map(_canonical, value))}]"
    return f"{{{','.join(sorted(json.dumps(k) + _canonical(v) for k, v in value.items()))}}}"
