"""A selection as SQL: which index leads, and the conditions that follow it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from .interface import Selection

#: Columns that an index leads with, the most telling first. Without statistics a planner
#: may well take the least telling one, so the choice is made here.
LEADING = (
    "id",
    "request_id",
    "session_id",
    "resource_id",
    "user_id",
    "ip_address",
    "company_id",
    "outcome",
    "level",
    "type",
)
#: An index on these leaves out the common values (``info``, ``success``), which are 0.
PARTIAL = ("level", "outcome")
#: With more values than this, walking the events in order beats merging one range a value.
MOST_BRANCHES = 24


class Where(NamedTuple):
    """Conditions and their parameters, in the order of the placeholders."""

    conditions: list[str]
    parameters: list[Any]

    @property
    def text(self) -> str:
        """The conditions joined by AND."""
        return " AND ".join(self.conditions)


def leader(selection: Selection) -> str | None:
    """The column whose index should be walked, or None to walk the events themselves."""
    for column in LEADING:
        values = selection.equal.get(column)
        if not values or len(values) > MOST_BRANCHES:
            continue
        if column in PARTIAL and 0 in values:
            continue
        return column
    return None


def branches(selection: Selection) -> list[tuple[str | None, Any]]:
    """One (leading column, value) a range to walk; (None, None) for the events themselves."""
    column = leader(selection)
    if column is None:
        return [(None, None)]
    return [(column, value) for value in dict.fromkeys(selection.equal[column])]


def where(
    selection: Selection,
    leading: str | None,
    value: Any,
    *,
    shield: Callable[[str], str],
    instr: str,
) -> Where:
    """The conditions of one branch.

    Args:
        shield: wraps a column so that the planner does not use its index.
        instr: the condition that a blob column holds some bytes, with ``{column}``.
    """
    conditions = ["position BETWEEN ? AND ?"]
    parameters: list[Any] = [selection.first, selection.last]
    if leading is not None:
        conditions.append(f"{leading} = ?")
        parameters.append(value)
        if leading in PARTIAL:
            conditions.append(f"{leading} > 0")
    for column, values in selection.equal.items():
        if column == leading:
            continue
        conditions.append(f"{shield(column)} {_among(values)}")
        parameters.extend(values)
    for column, needle in selection.contains:
        conditions.append(instr.format(column=column))
        parameters.append(needle)
    if selection.person is not None:
        conditions.append(
            "position IN "
            "(SELECT position FROM mention WHERE person = ? AND position BETWEEN ? AND ?)"
        )
        parameters += [selection.person, selection.first, selection.last]
    return Where(conditions, parameters)


def _among(values: Collection[Any]) -> str:
    # PostgreSQL knows no empty list; nothing is ever equal to NULL.
    return f"IN ({', '.join('?' * len(values)) or 'NULL'})"
