"""Sums of the roll-ups as PostgreSQL's statements."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .interface import LARGEST, SMALLEST
from .postgres_select import Statement
from .where import MOST_BRANCHES

_TABLES = {"hour": "count_by_hour", "day": "count_by_day"}
_HOURS_A_DAY = 24

#: The hours that have events, each found by one search: where an hour's companies are many, to
#: search for a few of them in each is faster than to read all.
_FILLED = (
    "WITH RECURSIVE filled (hour) AS (SELECT min(bucket) FROM counterfoil.count_by_hour "
    "WHERE log = {log} AND bucket BETWEEN {first} AND {last} "
    "UNION ALL SELECT (SELECT min(bucket) FROM counterfoil.count_by_hour "
    "WHERE log = {log} AND bucket > filled.hour AND bucket <= {last}) "
    "FROM filled WHERE filled.hour IS NOT NULL) "
)


def counts(
    number: int,
    unit: str,
    first: int,
    last: int,
    equal: Mapping[str, Collection[Any]],
    by: Sequence[str],
) -> Statement:
    """The statement of :meth:`counterfoil.store.interface.Store.counts`.

    It returns the bucket, the columns of ``by``, and the sum. Only the hours know the company,
    so days of a company are summed from them.
    """
    statement = Statement()
    table, bucket = _TABLES[unit], "bucket"
    if unit == "day" and ("company" in equal or "company" in by):
        table, bucket = _TABLES["hour"], f"bucket / {_HOURS_A_DAY}"
        first = max(SMALLEST, first * _HOURS_A_DAY)
        last = min(LARGEST, last * _HOURS_A_DAY + _HOURS_A_DAY - 1)
    log = statement.put(number)
    bounds = {"log": log, "first": statement.put(first), "last": statement.put(last)}
    conditions = "".join(
        f" AND {column} = ANY ({statement.put(list(values))})" for column, values in equal.items()
    )
    if len(equal.get("company", ())) in range(1, MOST_BRANCHES + 1):
        beginning = _FILLED.format(**bounds)
        source = (
            f"filled CROSS JOIN LATERAL (SELECT * FROM counterfoil.{table} "  # noqa: S608 - no values
            f"WHERE log = {log} AND bucket = filled.hour{conditions} OFFSET 0) AS counted"
        )
    else:
        beginning = ""
        between = "log = {log} AND bucket BETWEEN {first} AND {last}".format(**bounds)
        source = f"counterfoil.{table} WHERE {between}{conditions}"
    columns = ", ".join([bucket, *by])
    places = ", ".join(str(place + 1) for place in range(len(by) + 1))
    statement.text = (
        f"{beginning}SELECT {columns}, sum(events)::bigint FROM {source} "  # noqa: S608 - no values
        f"GROUP BY {places} ORDER BY {places}"
    )
    return statement
