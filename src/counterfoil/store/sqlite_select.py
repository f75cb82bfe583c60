"""Selections as SQLite's statements."""

from __future__ import annotations

from typing import Any

import apsw

from .interface import Selection
from .sqlite_statement import COLUMN_LIST, value_of
from .where import PARTIAL, PERSON, Where, branches, leaders, where

#: How far ranges are measured: to choose by short ones costs little, and where all are longer
#: than the last, whichever leads soon finds a page. A range of so many takes some 0.2 ms.
_LENGTHS = (64, 1024, 8192)

_INSTR = "instr({column}, ?) > 0"


def _shield(column: str) -> str:
    return f"+{column}"


def shortest(connection: apsw.Connection, selection: Selection) -> str | None:
    """What should lead: the one of ``leaders`` with the fewest entries in the selection's bounds.

    So a busy user's few events of a rare type are found by the type. SQLite keeps no statistics
    that are always fresh, so the ranges are measured, up to a bound; where all are longer, the
    most telling leads.
    """
    found = leaders(selection)
    if len(found) < 2:
        return found[0] if found else None
    for bound in _LENGTHS:
        lengths = [_length(connection, selection, leading, bound) for leading in found]
        if min(lengths) < bound:
            return found[lengths.index(min(lengths))]
    return found[0]


def select_sql(selection: Selection, leading: str | None) -> tuple[str, list[Any]]:
    """The statement of a selection and its parameters.

    One range of one index a value of what leads, each already in order; SQLite merges them and
    stops at the limit.

    Args:
        leading: one of ``leaders``, or None to walk the events themselves.
    """
    order = "DESC" if selection.newest_first else "ASC"
    found = _wheres(selection, leading)
    parameters = [item for one in found for item in one.parameters]
    if len(found) == 1:
        [one] = found
        sql = (
            f"SELECT {COLUMN_LIST} FROM {one.source} WHERE {one.text} "  # noqa: S608 - no values
            f"ORDER BY {one.key} {order} LIMIT ?"
        )
    else:
        arms = " UNION ALL ".join(
            f"SELECT position FROM {one.source} WHERE {one.text}"  # noqa: S608 - no values
            for one in found
        )
        sql = (
            f"SELECT {COLUMN_LIST} FROM event WHERE position IN "  # noqa: S608 - no values
            f"(SELECT position FROM ({arms} ORDER BY position {order} LIMIT ?)) "
            f"ORDER BY position {order}"
        )
    return sql, [*parameters, selection.limit]


def count_sql(selection: Selection, leading: str | None) -> list[tuple[str, list[Any]]]:
    """Statements with their parameters, of which each counts a part of what is selected."""
    return [
        (f"SELECT count(*) FROM {one.source} WHERE {one.text}", one.parameters)  # noqa: S608 - no values
        for one in _wheres(selection, leading)
    ]


def _wheres(selection: Selection, leading: str | None) -> list[Where]:
    return [
        where(selection, leading, value, shield=_shield, instr=_INSTR)
        for value in branches(selection, leading)
    ]


def _length(connection: apsw.Connection, selection: Selection, leading: str, bound: int) -> int:
    """How many entries of its index lie within the selection's bounds, at most ``bound``."""
    values = branches(selection, leading)
    sql = (
        f"SELECT count(*) FROM (SELECT 1 FROM {'mention' if leading == PERSON else 'event'} "  # noqa: S608 - no values
        f"WHERE {leading} IN ({', '.join('?' * len(values))}) "
        f"{f'AND {leading} > 0 ' if leading in PARTIAL else ''}"
        "AND position BETWEEN ? AND ? LIMIT ?)"
    )
    return int(value_of(connection, sql, [*values, selection.first, selection.last, bound]))
