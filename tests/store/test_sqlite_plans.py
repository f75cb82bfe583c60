"""How SQLite answers: every question of the reader by an index, in order, without sorting."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import apsw
import pytest

from counterfoil.store import Selection
from counterfoil.store.sqlite import SQLiteStore
from counterfoil.store.sqlite_counts import counts_sql
from counterfoil.store.sqlite_select import count_sql, select_sql
from counterfoil.store.where import LEADING, PERSON, leaders

from .questions import filters, selections


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


def is_scan(step: str) -> bool:
    # Reading on from ranges that are each searched is no scan of a table.
    searched = ("subquery", "CONSTANT ROW", "SCAN mentioned", "SCAN filled")
    return step.startswith("SCAN") and not any(name in step for name in searched)


async def test_no_question_scans_a_table_or_sorts(connection: apsw.Connection) -> None:
    for given in filters():
        for selection in selections(given):
            walked: list[str | None] = [*leaders(selection)]
            for leading in walked or [None]:
                asked = (select_sql(selection, leading), *count_sql(selection, leading))
                for sql, parameters in asked:
                    steps = plan(connection, sql, parameters)
                    assert not any(map(is_scan, steps)), (given, steps)
                    assert not any("TEMP B-TREE" in step for step in steps), (given, steps)


@pytest.mark.parametrize("column", LEADING)
async def test_each_index_is_walked_for_its_column(
    connection: apsw.Connection, column: str
) -> None:
    selection = Selection(first=0, last=1 << 50, equal={column: (1,), "type": ("login",)})
    [step] = plan(connection, *select_sql(selection, column))
    assert f"{column}=?" in step


@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_person_is_searched_for_within_the_bounds(
    connection: apsw.Connection, newest_first: bool
) -> None:
    selection = Selection(
        first=0, last=1 << 50, person="ann", equal={"type": ("a",)}, newest_first=newest_first
    )
    walked = "mention USING COVERING INDEX mention_person (person=? AND position"
    steps = plan(connection, *select_sql(selection, PERSON))
    assert any(f"{walked}>? AND position<?)" in step for step in steps)
    steps = plan(connection, *select_sql(selection, "type"))
    assert any("event_type" in step for step in steps)
    assert any("mention_person (person=? AND position=?)" in step for step in steps)


@pytest.mark.parametrize("unit", ["hour", "day"])
@pytest.mark.parametrize("by", [(), ("type", "level"), ("company",)])
async def test_counts_of_some_companies_search_each_hour_for_them(
    connection: apsw.Connection, unit: str, by: tuple[str, ...]
) -> None:
    steps = plan(connection, *counts_sql(1, unit, 0, 9, {"company": ("a", "b")}, by))
    assert any("count_by_hour" in step and "bucket=? AND company=?)" in step for step in steps)
    assert not any(map(is_scan, steps))


@pytest.mark.parametrize("equal", [{}, {"level": (1,)}])
async def test_days_come_from_the_days_in_order(
    connection: apsw.Connection, equal: dict[str, tuple[int, ...]]
) -> None:
    for by in ((), ("type",), ("type", "level")):
        [step] = plan(connection, *counts_sql(1, "day", 0, 9, equal, by))
        assert "SEARCH count_by_day" in step


async def test_a_resource_is_told_from_its_namesakes_within_the_index(
    connection: apsw.Connection,
) -> None:
    equal = {"resource_id": ("1", "2"), "resource_type": ("order",)}
    selection = Selection(first=0, last=1 << 50, equal=equal)
    steps = plan(connection, *select_sql(selection, "resource_id"))
    assert sum("COVERING INDEX event_resource" in step for step in steps) == 2


async def test_the_detector_sees_a_scan_and_a_sort(connection: apsw.Connection) -> None:
    steps = plan(connection, "SELECT * FROM event WHERE +type = 'a' ORDER BY recorded_at")
    assert any(map(is_scan, steps))
    assert any("TEMP B-TREE" in step for step in steps)


#: They read whole tables, and only when the log is verified.
WHOLE_TABLES = ["inventory.sql", "stray_ids.sql"]


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
