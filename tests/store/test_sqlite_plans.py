"""How SQLite answers: every question of the reader by an index, in order, without sorting."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import apsw
import pytest

from counterfoil.log.criteria import Filters
from counterfoil.log.filter import Filter
from counterfoil.store import Selection
from counterfoil.store.sqlite import SQLiteStore
from counterfoil.store.sqlite_select import count_sql, select_sql
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


@pytest.fixture
async def connection(tmp_path: Path) -> apsw.Connection:
    store = SQLiteStore(tmp_path / "audit.db")
    await store.open()
    await store.close()
    return apsw.Connection(str(tmp_path / "audit.db"))


def plan(connection: apsw.Connection, sql: str, parameters: list[Any] | None = None) -> list[str]:
    if parameters is None:
        parameters = [None] * sql.count("?")
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]


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


def is_scan(step: str) -> bool:
    # Reading on from a merge of ranges that are each searched is no scan of a table.
    return step.startswith("SCAN") and "subquery" not in step and "CONSTANT ROW" not in step


async def test_no_question_scans_a_table_or_sorts(connection: apsw.Connection) -> None:
    for given in filters():
        for selection in selections(given):
            for sql, parameters in (select_sql(selection), *count_sql(selection)):
                steps = plan(connection, sql, parameters)
                assert not any(map(is_scan, steps)), (given, steps)
                assert not any("TEMP B-TREE" in step for step in steps), (given, steps)


@pytest.mark.parametrize("column", LEADING)
async def test_each_index_is_walked_for_its_column(
    connection: apsw.Connection, column: str
) -> None:
    selection = Selection(first=0, last=1 << 50, equal={column: (1,), "type": ("login",)})
    [step] = plan(connection, *select_sql(selection))
    assert f"{column}=?" in step


async def test_a_resource_is_told_from_its_namesakes_within_the_index(
    connection: apsw.Connection,
) -> None:
    equal = {"resource_id": ("1", "2"), "resource_type": ("order",)}
    steps = plan(connection, *select_sql(Selection(first=0, last=1 << 50, equal=equal)))
    assert sum("COVERING INDEX event_resource" in step for step in steps) == 2


async def test_the_detector_sees_a_scan_and_a_sort(connection: apsw.Connection) -> None:
    steps = plan(connection, "SELECT * FROM event WHERE +type = 'a' ORDER BY recorded_at")
    assert any(map(is_scan, steps))
    assert any("TEMP B-TREE" in step for step in steps)


#: It reads whole tables, and only when the log is verified.
WHOLE_TABLES = ["inventory.sql"]


def statements() -> list[str]:
    folder = files("counterfoil.store").joinpath("sql", "sqlite")
    return sorted(
        file.name
        for file in folder.iterdir()
        if "\nSELECT" in "\n" + file.read_text("utf-8") and "VIEW" not in file.read_text("utf-8")
    )


@pytest.mark.parametrize("name", [name for name in statements() if name not in WHOLE_TABLES])
async def test_named_statements_search_too(connection: apsw.Connection, name: str) -> None:
    sql = files("counterfoil.store").joinpath("sql", "sqlite", name).read_text("utf-8")
    steps = plan(connection, sql.strip().removesuffix(";"))
    assert not any(is_scan(step) and "sqlite_schema" not in step for step in steps)
    assert not any("TEMP B-TREE FOR ORDER BY" in step for step in steps)
