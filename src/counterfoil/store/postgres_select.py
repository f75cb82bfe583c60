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
from .postgres_connection import Session
from .where import PARTIAL, PERSON, branches, leaders

COLUMN_LIST = ", ".join(f"event.{column}" for column in COLUMNS)
#: How many entries of each range are looked at to choose which one leads.
_SAMPLE = 128
_TYPES = {"level": "smallint", "outcome": "smallint"}
#: What takes a column's index away from the planner; these have none, or are no texts.
_SHIELDS = {
    "id": "event.id",
    "level": "(event.level + 0)",
    "outcome": "(event.outcome + 0)",
    "resource_type": "event.resource_type",
}
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


async def sparsest(session: Session, selection: Selection) -> str | None:
    """What should lead: the one of ``leaders`` whose entries lie farthest apart.

    So a busy user's few events of a rare type are found by the type. The server's statistics are
    of the whole and of some time ago, so the ranges are looked at where reading begins.
    """
    found = leaders(selection)
    if len(found) < 2 or "id" in found:
        return "id" if "id" in found else next(iter(found), None)
    statement = densities(selection, found)
    row = await session.fetchrow(statement.text, *statement.arguments)
    assert row is not None, "sums of nothing are rows too"
    return found[list(row).index(min(row))]


def densities(selection: Selection, found: Sequence[str]) -> Statement:
    """Entries by position of each leader's ranges, where the selection's order begins.

    A range with fewer entries than are looked at is as sparse as the selection is wide.
    """
    statement = Statement()
    sample = statement.put(_SAMPLE)
    first, last = statement.put(selection.first), statement.put(selection.last)
    order = _order(selection)
    edge = "min" if selection.newest_first else "max"
    sums = []
    for leading in found:
        looked = _range(_table(leading), leading, [first, last], order)
        sums.append(
            "(SELECT coalesce(sum(sample.entries / "  # noqa: S608 - no values
            f"CASE WHEN sample.entries < {sample} "
            f"THEN greatest({last} - {first}, 0) + 1 "
            "ELSE abs(sample.edge - (SELECT place FROM beginning)) + 1 END::float8), 0) "
            f"FROM {_wanted(statement, selection, leading)} CROSS JOIN LATERAL ("
            f"SELECT count(*) AS entries, {edge}(looked.position) AS edge "
            f"FROM ({looked} LIMIT {sample}) AS looked) AS sample)"
        )
    statement.text = (
        "WITH beginning AS (SELECT position AS place FROM counterfoil.event "  # noqa: S608 - no values
        f"WHERE position BETWEEN {first} AND {last} ORDER BY position {order} LIMIT 1) "
        f"SELECT {', '.join(sums)}"
    )
    return statement


def select(selection: Selection, leading: str | None) -> Statement:
    """The statement of a selection: ordered ranges of one index, joined, up to the limit.

    Args:
        leading: one of ``leaders``, or None to walk the events themselves.
    """
    statement = Statement()
    order = _order(selection)
    limit = statement.put(selection.limit)
    bounds = [statement.put(selection.first), statement.put(selection.last)]
    filters = _filters(statement, selection, leading)
    key = f"event.position {order}"
    if leading is None:
        conditions = ["event.position BETWEEN {} AND {}".format(*bounds), *filters]
        source = f"counterfoil.event{_where(conditions)}"
    elif leading == PERSON:
        places = _range("mention", PERSON, bounds, order, value=statement.put(selection.person))
        # Each once, though an event may mention a person under several names.
        places = places.replace("*", "DISTINCT ON (mention.person, mention.position) *", 1)
        source = f"({places}) AS place {_EVENT_AT_PLACE}{_where(filters)}"
        key = f"place.person {order}, place.position {order}"
    elif leading == "id":
        known = statement.put(branches(selection, leading))
        source = (
            f"(SELECT * FROM counterfoil.id WHERE id = ANY ({known}) "  # noqa: S608 - no values
            f"AND position BETWEEN {bounds[0]} AND {bounds[1]}) AS place "
            f"{_EVENT_AT_PLACE}{_where(['event.id = place.id', *filters])}"
        )
    else:
        events = _range("event", leading, bounds, order, filters)
        source = (
            f"{_wanted(statement, selection, leading)} "
            f"CROSS JOIN LATERAL ({events} LIMIT {limit}) AS event"
        )
    statement.text = f"SELECT {COLUMN_LIST} FROM {source} ORDER BY {key} LIMIT {limit}"  # noqa: S608 - no values
    return statement


def count(selection: Selection) -> Statement:
    """The statement that counts what is selected, however the planner likes to."""
    statement = Statement()
    bounds = statement.put(selection.first), statement.put(selection.last)
    conditions = ["event.position BETWEEN {} AND {}".format(*bounds)]
    conditions += _filters(statement, selection, None, shielded=False)
    statement.text = f"SELECT count(*) FROM counterfoil.event{_where(conditions)}"  # noqa: S608 - no values
    return statement


def _wanted(statement: Statement, selection: Selection, leading: str) -> str:
    """The values of what leads, as rows."""
    values = statement.put(branches(selection, leading))
    return f"unnest({values}::{_TYPES.get(leading, 'text')}[]) AS wanted (value)"


def _range(
    table: str,
    leading: str,
    bounds: Sequence[str],
    order: str,
    filters: Sequence[str] = (),
    value: str = "wanted.value",
) -> str:
    """The rows of one range of the leading column's index, in order."""
    key = f"({table}.{leading}, {table}.position)"
    conditions = [f"{key} >= ({value}, {bounds[0]})", f"{key} <= ({value}, {bounds[1]})"]
    # A partial index's own condition, which a comparison of rows does not imply.
    if leading in PARTIAL:
        conditions.append(f"{table}.{leading} > 0")
    elif leading not in (PERSON, "type"):
        conditions.append(f"{table}.{leading} IS NOT NULL")
    return (
        f"SELECT * FROM counterfoil.{table}{_where([*conditions, *filters])} "  # noqa: S608 - no values
        f"ORDER BY {table}.{leading} {order}, {table}.position {order}"
    )


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
            # An offset, so that it stays a question about each event and is not joined first.
            f"AND mention.person = {statement.put(selection.person)} OFFSET 0)"
        )
    return conditions


def _table(leading: str) -> str:
    return "mention" if leading == PERSON else "event"


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _order(selection: Selection) -> str:
    return "DESC" if selection.newest_first else "ASC"
