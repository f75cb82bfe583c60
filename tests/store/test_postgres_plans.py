"""How PostgreSQL answers: every question by an index, in order, and stopping early."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, TypeAlias

import asyncpg
import pytest

from counterfoil.store import Selection
from counterfoil.store.postgres_connection import PLANNING
from counterfoil.store.postgres_counts import counts
from counterfoil.store.postgres_select import Statement, densities, select
from counterfoil.store.where import LEADING, PERSON, leaders
from tests.postgres import Postgres

from .questions import filters, selections

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Node = dict[str, Any]

#: Events of which every value is common, so that statistics speak for reading all of them.
FILL = """
INSERT INTO counterfoil.event (
    position, recorded_at, occurred_at, slice, level, outcome, id, leaf, type, company_id,
    resource_type, resource_id, user_id, ip_address, session_id, request_id, entry
)
SELECT (1::bigint << 40) + n, n, n, n % 2, n % 2, n % 2, sha256(n::text::bytea), '', value, value,
    value, value, value, value, value, value, repeat('e', 600)::bytea
FROM generate_series(0, 9999) AS n, LATERAL (SELECT 'v-' || n % 3) AS one (value);
INSERT INTO counterfoil.id (position, slice, id) SELECT position, slice, id FROM counterfoil.event;
INSERT INTO counterfoil.mention (position, slice, name, person, stored)
SELECT position, slice, 'subject_0', user_id, '' FROM counterfoil.event;
INSERT INTO counterfoil.count_by_hour SELECT 1, n, 'c-' || n % 50, 'login', 0, 0, 1
FROM generate_series(0, 9999) AS n;
INSERT INTO counterfoil.count_by_day SELECT 1, n, 'login', 0, 0, 1
FROM generate_series(0, 9999) AS n;
"""


@pytest.fixture(scope="module")
def url(postgres: Postgres) -> Iterator[str]:
    """A database of two slices."""
    found = postgres.borrow()
    postgres.run("UPDATE counterfoil.slice SET full_at = 0", url=found)
    postgres.run("SELECT counterfoil.begin_slice()", url=found)
    for statement in FILL.strip().split(";\n"):
        postgres.run(statement, url=found)
    postgres.run("ANALYZE", url=found)
    yield found
    postgres.drop(found)


@pytest.fixture(params=["force_custom_plan", "force_generic_plan"])
async def connection(request: pytest.FixtureRequest, url: str) -> AsyncIterator[Connection]:
    """With plans for the values given, and for any values."""
    settings = {**PLANNING, "plan_cache_mode": str(request.param)}
    connection = await asyncpg.connect(url, server_settings=settings)
    yield connection
    await connection.close()


async def plan(connection: Connection, statement: Statement) -> Node:
    found = await connection.fetchval(
        f"EXPLAIN (FORMAT JSON) {statement.text}", *statement.arguments
    )
    root: Node = json.loads(found)[0]["Plan"]
    return root


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)


def scans(node: Node) -> list[str]:
    """The tables that are read whole."""
    return [one["Relation Name"] for one in nodes(node) if one["Node Type"] == "Seq Scan"]


def unbounded_sorts(node: Node, bounded: bool = False) -> list[Node]:
    """Sorts of as many rows as there may be, and not of those up to a limit below."""
    kind = node["Node Type"]
    children = node.get("Plans", ())
    if kind in ("Sort", "Incremental Sort") and not all(map(is_bounded, children)):
        return [node]
    return [found for child in children for found in unbounded_sorts(child)]


def is_bounded(node: Node) -> bool:
    kind = node["Node Type"]
    if kind in ("Limit", "Function Scan"):
        return True
    if "id" in node.get("Index Cond", "") and node.get("Relation Name") == "id":
        return True
    children = node.get("Plans", ())
    return bool(children) and all(map(is_bounded, children))


def indexes(node: Node) -> set[str]:
    """The indexes that are read, without their table and slice."""
    return {
        one["Index Name"].removeprefix(f"{one['Relation Name']}_")
        for one in nodes(node)
        if "Index Name" in one
    }


async def test_no_question_reads_a_whole_table_or_sorts(connection: Connection) -> None:
    for given in filters():
        for selection in selections(given):
            walked: list[str | None] = [*leaders(selection)]
            for leading in walked or [None]:
                found = await plan(connection, select(selection, leading))
                assert scans(found) == [], given
                assert unbounded_sorts(found) == [], given
            if len(walked) > 1 and "id" not in walked:
                found = await plan(connection, densities(selection, leaders(selection)))
                assert scans(found) == [], given
                assert unbounded_sorts(found) == [], given


@pytest.mark.parametrize("column", [name for name in LEADING if name != "id"])
async def test_each_index_is_walked_for_its_column(connection: Connection, column: str) -> None:
    value = 1 if column in ("level", "outcome") else "v-1"
    other = "user_id" if column != "user_id" else "type"
    selection = Selection(first=0, last=1 << 50, equal={column: (value,), other: ("v-1",)})
    name = {"resource_id": "resource_id_position_resource_type_idx"}
    found = await plan(connection, select(selection, column))
    assert indexes(found) == {name.get(column, f"{column}_position_idx")}


@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_person_is_searched_for_within_the_bounds(
    connection: Connection, newest_first: bool
) -> None:
    equal = {"type": ("v-1",)}
    selection = Selection(
        first=0, last=1 << 50, person="v-1", equal=equal, newest_first=newest_first
    )
    found = await plan(connection, select(selection, PERSON))
    assert indexes(found) == {"person_position_idx", "pkey"}
    found = await plan(connection, select(selection, "type"))
    assert indexes(found) == {"type_position_idx", "person_position_idx"}


@pytest.mark.parametrize("unit", ["hour", "day"])
@pytest.mark.parametrize("by", [(), ("type", "level"), ("company",)])
async def test_counts_of_some_companies_search_each_hour_for_them(
    connection: Connection, unit: str, by: tuple[str, ...]
) -> None:
    some = {"company": ("c-1", "c-2")}
    found = await plan(connection, counts(1, unit, 0, 1 << 40, some, by))
    assert scans(found) == []
    searched = [one["Index Cond"] for one in nodes(found) if "Index Cond" in one]
    assert any("company" in condition for condition in searched)


async def test_the_detectors_see_a_scan_and_a_sort(connection: Connection) -> None:
    statement = Statement()
    statement.text = "SELECT * FROM counterfoil.event ORDER BY occurred_at LIMIT 1"
    found = await plan(connection, statement)
    assert sorted(scans(found)) == ["event_0", "event_1"]
    assert unbounded_sorts(found) != []


#: These read whole tables, which are small or are read when the log is verified or looked at.
WHOLE_TABLES = {"inventory", "usage", "version", "heads", "meta", "migrations"}
#: These are the database's own functions, or sort no more than a tile or a batch has.
OTHERS = {"append", "begin_slice", "boundary", "lock_heads", "sync_commits", "tail"}
#: An argument of each type.
VALUES: dict[str, Any] = {
    "int2": 1,
    "int4": 1,
    "int8": 1,
    "text": "one",
    "text[]": ["one", "two"],
    "timestamptz": datetime(2026, 1, 1, tzinfo=UTC),
}
READING = [
    file.name.removesuffix(".sql")
    for file in files("counterfoil.store").joinpath("sql", "postgres").iterdir()
    if file.read_text("utf-8").startswith("SELECT") and "counterfoil." in file.read_text("utf-8")
]


@pytest.mark.parametrize("name", sorted(set(READING) - WHOLE_TABLES - OTHERS))
async def test_named_statements_search_too(connection: Connection, name: str) -> None:
    sql = files("counterfoil.store").joinpath("sql", "postgres", f"{name}.sql").read_text("utf-8")
    statement = Statement()
    statement.text = sql.strip().removesuffix(";")
    prepared = await connection.prepare(statement.text)
    statement.arguments = [VALUES[one.name] for one in prepared.get_parameters()]
    found = await plan(connection, statement)
    assert scans(found) == []
    assert unbounded_sorts(found) == []
