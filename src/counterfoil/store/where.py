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
#: Leads where the events are those that mention a person: not a column, but the mentions' index.
PERSON = "person"
#: An index on these leaves out the common values (``info``, ``success``), which are 0.
PARTIAL = ("level", "outcome")
#: The events that mention a person, each once, though it may do so under several names. SQLite
#: keeps the order of a GROUP BY, and not that of a DISTINCT.
_MENTIONED = (
    "(SELECT position AS place FROM mention WHERE person = ? AND position BETWEEN ? AND ? "
    "GROUP BY position ORDER BY position {order}) AS mentioned "
    "CROSS JOIN event ON position = place"
)
#: With more values than this, walking the events in order beats merging one range a value.
MOST_BRANCHES = 24


class Where(NamedTuple):
    """What to read from, the conditions, and the parameters in the order of the placeholders.

    Attributes:
        source: the events, joined to an ordered range of mentions where these lead.
        key: the column of the source that is its order.
    """

    source: str
    key: str
    conditions: list[str]
    parameters: list[Any]

    @property
    def text(self) -> str:
        """The conditions joined by AND."""
        return " AND ".join(self.conditions)


def leaders(selection: Selection) -> list[str]:
    """The columns whose index can be walked, and PERSON, the most telling first.

    Where there are none, the events themselves are walked.
    """
    return [PERSON] * (selection.person is not None) + [
        column for column in LEADING if _can_lead(column, selection.equal.get(column, ()))
    ]


def _can_lead(column: str, values: Collection[Any]) -> bool:
    return 0 < len(values) <= MOST_BRANCHES and not (column in PARTIAL and 0 in values)


def branches(selection: Selection, leading: str | None) -> list[Any]:
    """The values of what leads: each is one range to walk. One None for the events themselves."""
    if leading is None:
        return [None]
    if leading == PERSON:
        return [selection.person]
    return list(dict.fromkeys(selection.equal[leading]))


def where(
    selection: Selection,
    leading: str | None,
    value: Any,
    *,
    shield: Callable[[str], str],
    instr: str,
) -> Where:
    """One branch.

    Args:
        leading: one of :func:`leaders`, or None.
        value: one of :func:`branches`.
        shield: wraps a column so that the planner does not use its index.
        instr: the condition that a blob column holds some bytes, with ``{column}``.
    """
    source, key = "event", "position"
    conditions = ["position BETWEEN ? AND ?"]
    parameters: list[Any] = [selection.first, selection.last]
    if leading == PERSON:
        source, key = _MENTIONED.format(order="DESC" if selection.newest_first else "ASC"), "place"
        parameters = [value, *parameters, *parameters]
    elif leading is not None:
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
    if selection.person is not None and leading != PERSON:
        conditions.append(
            "EXISTS (SELECT 1 FROM mention "
            "WHERE mention.person = ? AND mention.position = event.position)"
        )
        parameters.append(selection.person)
    return Where(source, key, conditions, parameters)


def _among(values: Collection[Any]) -> str:
    # PostgreSQL knows no empty list; nothing is ever equal to NULL.
    return f"IN ({', '.join('?' * len(values)) or 'NULL'})"
