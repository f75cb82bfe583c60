"""Selections as PostgreSQL's statements.

Which index leads is settled here and not by the planner, whose statistics know nothing of a log's
newest events: the leading column stands in a row comparison together with the position, so that
its index alone has the order that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from counterfoil.record.row import COLUMNS

from .interface import Selection
from .postgres_session import Session
from .where import PARTIAL, PERSON, branches, leaders

COLUMN_LIST = ", ".join(f"event.{column}" for column in COLUMNS)
#: How far ranges are measured; see ``sqlite_select``.
_LENGTHS = (64, 1024, 8192)
_TYPES = {"level": "smallint", "outcome": "smallint", "id": "bytea"}
#: What takes a column's index away from the planner.
_SHIELDS = {"level": "(event.level + 0)", "outcome": "(event.outcome + 0)", "id": "event.id"}
#: Limited, so that the events are looked up one by one, and in order, until there are enough.
_EVENT_AT_PLACE = (
    "CROSS JOIN LATERAL (SELECT * FROM counterfoil.event "
    "WHERE event.position = place.position AND event.slice = place.slice LIMIT 1) AS event"
)


class Statement:
    """A statement in the making: its text refers to the arguments by number."""

    def __init__(self) -> None:
        self.text = ""
        self.arguments: list[Any] = []

    def put(self, value: Any) -> str:
        """Add an argument, and return its placeholder."""
        self.arguments.append(value)
        return f"${len(self.arguments)}"


async def shortest(session: Session, selection: Selection) -> str | None:
    """What should lead: the one of ``leaders`` with the fewest entries within the bounds."""
    found = leaders(selection)
    if len(found) < 2:
        return found[0] if found else None
    for bound in _LENGTHS:
        statement = lengths(selection, found, bound)
        row = await session.fetchrow(statement.text, *statement.arguments)
        assert row is not None, "sums of nothing are rows too"
        if min(row) < bound:
            return found[list(row).index(min(row))]
    return found[0]


def lengths(selection: Selection, found: Sequence[str], bound: int) -> Statement:
    """How many entries each leader's ranges have within the selection's bounds, up to a bound."""
    statement = Statement()
    limit = statement.put(bound)
    counts = (
        f"(SELECT count(*) FROM (SELECT FROM {_ranges(statement, selection, leading, [], limit)} "  # noqa: S608 - no values
        f"LIMIT {limit}) AS counted)"
        for leading in found
    )
    statement.text = f"SELECT {', '.join(counts)}"
    return statement


def select(selection: Selection, leading: str | None) -> Statement:
    """The statement of a selection: ordered ranges of one index, joined, up to the limit.

    Args:
        leading: one of ``leaders``, or None to walk the events themselves.
    """
    statement = Statement()
    order = _order(selection)
    limit = statement.put(selection.limit)
    filters = _filters(statement, selection, leading)
    key = f"event.position {order}"
    if leading is None:
        conditions = [f"event.{_bounds(statement, selection)}", *filters]
        source = f"counterfoil.event{_where(conditions)}"
    elif leading == PERSON:
        source = f"{_mentioned(statement, selection)}{_where(filters)}"
        key = f"place.person {order}, place.position {order}"
    elif leading == "id":
        source = (
            f"(SELECT id.position, id.slice FROM "  # noqa: S608 - no values
            f"{_ranges(statement, selection, leading, [], None)}"
            f") AS place {_EVENT_AT_PLACE}{_where(filters)}"
        )
    else:
        source = _ranges(statement, selection, leading, filters, limit)
    statement.text = f"SELECT {COLUMN_LIST} FROM {source} ORDER BY {key} LIMIT {limit}"  # noqa: S608 - no values
    return statement


def count(selection: Selection) -> Statement:
    """The statement that counts what is selected, however the planner likes to."""
    statement = Statement()
    conditions = [f"event.{_bounds(statement, selection)}"]
    conditions += _filters(statement, selection, None, shielded=False)
    statement.text = f"SELECT count(*) FROM counterfoil.event{_where(conditions)}"  # noqa: S608 - no values
    return statement


def _ranges(
    statement: Statement,
    selection: Selection,
    leading: str,
    filters: Sequence[str],
    limit: str | None,
) -> str:
    """What to read from: the ranges of the leading column's index, one a value."""
    values = statement.put(branches(selection, leading))
    first, last = statement.put(selection.first), statement.put(selection.last)
    order = _order(selection)
    if leading == "id":
        return (
            f"counterfoil.id WHERE id.id = ANY ({values}::bytea[]) "
            f"AND id.position BETWEEN {first} AND {last}"
        )
    table = "mention" if leading == PERSON else "event"
    key = f"{table}.{leading}"
    conditions = [
        f"({key}, {table}.position) >= (wanted.value, {first})",
        f"({key}, {table}.position) <= (wanted.value, {last})",
        *_partial(key, leading),
        *filters,
    ]
    bound = "" if limit is None else f" LIMIT {limit}"
    return (
        f"unnest({values}::{_TYPES.get(leading, 'text')}[]) AS wanted (value) "  # noqa: S608 - no values
        f"CROSS JOIN LATERAL (SELECT * FROM counterfoil.{table}{_where(conditions)} "
        f"ORDER BY {key} {order}, {table}.position {order}{bound}) AS {table}"
    )


def _mentioned(statement: Statement, selection: Selection) -> str:
    """The events that mention a person, each once, though it may do so under several names."""
    person = statement.put(selection.person)
    first, last = statement.put(selection.first), statement.put(selection.last)
    order = _order(selection)
    return (
        "(SELECT DISTINCT ON (person, position) person, position, slice "  # noqa: S608 - no values
        "FROM counterfoil.mention "
        f"WHERE (person, position) >= ({person}, {first}) "
        f"AND (person, position) <= ({person}, {last}) "
        f"ORDER BY person {order}, position {order}) AS place {_EVENT_AT_PLACE}"
    )


def _partial(key: str, leading: str) -> list[str]:
    """The condition of a partial index, which a row comparison does not imply."""
    if leading in PARTIAL:
        return [f"{key} > 0"]
    return [] if leading in (PERSON, "type") else [f"{key} IS NOT NULL"]


def _filters(
    statement: Statement, selection: Selection, leading: str | None, *, shielded: bool = True
) -> list[str]:
    conditions = []
    for column, values in selection.equal.items():
        if column != leading:
            name = f"event.{column}"
            if shielded:
                name = _SHIELDS.get(column, f"({name} || '')")
            conditions.append(f"{name} = ANY ({statement.put(list(values))})")
    for column, needle in selection.contains:
        conditions.append(f"position({statement.put(needle)}::bytea IN event.{column}) > 0")
    if selection.person is not None and leading != PERSON:
        conditions.append(
            "EXISTS (SELECT FROM counterfoil.mention WHERE mention.position = event.position "
            f"AND mention.person = {statement.put(selection.person)})"
        )
    return conditions


def _bounds(statement: Statement, selection: Selection) -> str:
    return f"position BETWEEN {statement.put(selection.first)} AND {statement.put(selection.last)}"


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _order(selection: Selection) -> str:
    return "DESC" if selection.newest_first else "ASC"
