"""Every question that the reader can ask of a store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from counterfoil.log.read.criteria import Filters
from counterfoil.log.read.filter import Filter
from counterfoil.store import Selection
from counterfoil.store.where import LEADING

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)

#: Values for every filter that there is.
VALUES: dict[str, list[Any]] = {
    "log": ["default"],
    "since": [MOMENT],
    "until": [MOMENT],
    "occurred_since": [MOMENT],
    "occurred_until": [MOMENT],
    "event_type": ["login", ["login", "logout"], [f"type_{number}" for number in range(100)]],
    "level": ["info", "error", ["error", "critical"], ["info", "error"]],
    "min_level": ["warning"],
    "outcome": ["success", "failure", ["failure", "unknown"]],
    "details": [{"a": {"b": 1}}],
    "metadata": [{"a": "b"}],
    "before_state": [{"a": 1}],
    "after_state": [{"a": None}],
    "changes": [{"/a": {"op": "add"}}],
    "exclude": [{"user_id": "one"}, {"text": ["one", "two"]}],
}


def filters() -> list[dict[str, Any]]:
    """Every filter by itself, and each with an index together with each other of these."""
    given: list[dict[str, Any]] = [
        {name: value}
        for name in Filters.__annotations__
        for value in VALUES.get(name, ["one", ["one", "two"]])
    ]
    texts = [
        name
        for name in Filters.__annotations__
        if name in (*LEADING, "resource_type") and name not in VALUES
    ]
    given += [
        {one: ["a", "b"], other: "c"}
        for one in texts
        for other in (*texts, "subject")
        if one != other
    ]
    return [{}, *given]


def selections(given: dict[str, Any]) -> list[Selection]:
    wanted = Filter.of(**given)
    return [
        Selection(
            first=0,
            last=1 << 50,
            equal=wanted.equal,
            contains=wanted.contains,
            person=person,
            newest_first=newest_first,
        )
        for person in wanted.people or (None,)
        for newest_first in (True, False)
    ]
