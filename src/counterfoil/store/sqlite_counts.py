"""Sums of the roll-ups as SQLite's statements."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .interface import LARGEST, SMALLEST
from .where import MOST_BRANCHES

_TABLES = {"hour": "count_by_hour", "day": "count_by_day"}
_HOURS_A_DAY = 24
#: What tells the rows of one day apart, in their key's order.
_KINDS = ["type", "level", "outcome"]

#: The hours that have events, each found by one search: where an hour's companies are many, to
#: search for a few of them in each is faster than to read all.
_FILLED = (
    "WITH RECURSIVE filled(hour) AS ("
    "SELECT min(bucket) FROM count_by_hour WHERE log = ? AND bucket BETWEEN ? AND ? "
    "UNION ALL SELECT (SELECT min(bucket) FROM count_by_hour "
    "WHERE log = ? AND bucket > hour AND bucket <= ?) FROM filled WHERE hour IS NOT NULL) "
)


def counts_sql(
    number: int,
    unit: str,
    first: int,
    last: int,
    equal: Mapping[str, Collection[Any]],
    by: Sequence[str],
) -> tuple[str, list[Any]]:
    """The statement and its parameters; see :meth:`counterfoil.store.interface.Store.counts`.

    It returns the bucket, the columns of ``by``, and the sum. Only the hours know the company,
    so days of a company are summed from them.
    """
    table, bucket = _TABLES[unit], "bucket"
    summed = unit == "day" and ("company" in equal or "company" in by)
    if summed:
        table, bucket = _TABLES["hour"], f"bucket / {_HOURS_A_DAY}"
        first = max(SMALLEST, first * _HOURS_A_DAY)
        last = min(LARGEST, last * _HOURS_A_DAY + _HOURS_A_DAY - 1)
    if len(equal.get("company", ())) in range(1, MOST_BRANCHES + 1):
        table = f"filled CROSS JOIN {table} ON bucket = hour"
        beginning, condition = _FILLED, "log = ?"
        parameters: list[Any] = [number, first, last, number, last, number]
    else:
        beginning, condition = "", "log = ? AND bucket BETWEEN ? AND ?"
        parameters = [number, first, last]
    for column, values in equal.items():
        condition += f" AND {column} IN ({', '.join('?' * len(values))})"
        parameters.extend(values)
    source = f"{table} WHERE {condition}"
    if summed and list(by) == ["company"]:
        # In the key's order and so without sorting; far fewer rows are then sorted into days.
        source = (
            f"(SELECT bucket, company, sum(events) AS events FROM {source} "  # noqa: S608 - no values
            "GROUP BY bucket, company)"
        )
    columns = ", ".join([bucket, *by])
    places = ", ".join(str(place + 1) for place in range(len(by) + 1))
    if unit == "day" and not summed and list(by) == _KINDS:
        # Each row is a group of its own.
        sql = f"{beginning}SELECT {columns}, events FROM {source} ORDER BY {places}"  # noqa: S608 - no values
        return sql, parameters
    sql = (
        f"{beginning}SELECT {columns}, sum(events) FROM {source} "  # noqa: S608 - no values
        f"GROUP BY {places} ORDER BY {places}"
    )
    return sql, parameters
