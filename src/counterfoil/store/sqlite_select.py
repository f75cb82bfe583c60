"""Selections as SQLite's statements."""

from __future__ import annotations

from typing import Any

from .interface import Selection
from .sqlite_statement import COLUMN_LIST
from .where import Where, branches, where

_INSTR = "instr({column}, ?) > 0"


def _shield(column: str) -> str:
    return f"+{column}"


def select_sql(selection: Selection) -> tuple[str, list[Any]]:
    """The statement of a selection and its parameters.

    One range of one index a value of the leading column, each already in order; SQLite merges
    them and stops at the limit.
    """
    order = "DESC" if selection.newest_first else "ASC"
    found = _wheres(selection)
    parameters = [item for one in found for item in one.parameters]
    if len(found) == 1:
        sql = (
            f"SELECT {COLUMN_LIST} FROM event WHERE {found[0].text} "  # noqa: S608 - no values
            f"ORDER BY position {order} LIMIT ?"
        )
    else:
        arms = " UNION ALL ".join(
            f"SELECT position FROM event WHERE {one.text}"  # noqa: S608 - no values
            for one in found
        )
        sql = (
            f"SELECT {COLUMN_LIST} FROM event WHERE position IN "  # noqa: S608 - no values
            f"(SELECT position FROM ({arms} ORDER BY position {order} LIMIT ?)) "
            f"ORDER BY position {order}"
        )
    return sql, [*parameters, selection.limit]


def count_sql(selection: Selection) -> list[tuple[str, list[Any]]]:
    """Statements with their parameters, of which each counts a part of what is selected."""
    return [
        (f"SELECT count(*) FROM event WHERE {one.text}", one.parameters)  # noqa: S608 - no values
        for one in _wheres(selection)
    ]


def _wheres(selection: Selection) -> list[Where]:
    return [
        where(selection, leading, value, shield=_shield, instr=_INSTR)
        for leading, value in branches(selection)
    ]
