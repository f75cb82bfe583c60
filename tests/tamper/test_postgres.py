"""A superuser of the PostgreSQL database tampers with everything: it is found, and named."""

from __future__ import annotations

import asyncio

import pytest

from counterfoil.log.verification.report import Fault, Place

from .conftest import CopyOf
from .database import COVERED, PostgresDatabase
from .test_bits import CELLS, find_flipped_bit
from .test_rows import (
    INSERTED,
    find_cut_tail,
    find_inserted_event,
    find_inserted_row,
    find_removed_event,
    find_removed_row,
    find_rewritten_past,
    find_swapped_events,
)

#: A log's number is the database's own to give: it cannot be updated.
GIVEN = ("log", "number")
TABLES = ("mention", "tile", "count_by_hour", "count_by_day", "log", "checkpoint", "meta")


@pytest.mark.parametrize(("table", "column"), [cell for cell in CELLS if cell != GIVEN])
def test_a_flipped_bit_is_found_and_named(postgres_copy: CopyOf, table: str, column: str) -> None:
    # Where a row with that key is there already, another one is taken.
    assert any(find_flipped_bit(postgres_copy, table, column, row, 8) for row in range(7, 15))


@pytest.mark.parametrize("index", [0, COVERED])
def test_a_removed_event_is_missing(postgres_copy: CopyOf, index: int) -> None:
    find_removed_event(postgres_copy, index)


@pytest.mark.parametrize("table", TABLES)
def test_any_removed_row_is_found(postgres_copy: CopyOf, table: str) -> None:
    find_removed_row(postgres_copy, table, 5)


@pytest.mark.parametrize("indexes", [{3, 200}, {20, 310}, {301, 302}], ids=str)
def test_two_swapped_events_are_both_named(postgres_copy: CopyOf, indexes: set[int]) -> None:
    find_swapped_events(postgres_copy, indexes)


def test_an_inserted_event_is_extra(postgres_copy: CopyOf) -> None:
    find_inserted_event(postgres_copy, 17, 4)


@pytest.mark.parametrize(("sql", "place"), INSERTED)
def test_any_inserted_row_is_found(postgres_copy: CopyOf, sql: str, place: str) -> None:
    find_inserted_row(postgres_copy, sql, place)


@pytest.mark.parametrize("cut", [1, 256, COVERED - 1])
def test_a_cut_tail_is_found_though_all_is_recomputed(postgres_copy: CopyOf, cut: int) -> None:
    find_cut_tail(postgres_copy, cut)


@pytest.mark.parametrize("index", [150, COVERED - 1, COVERED])
def test_a_rewritten_past_is_found_below_the_checkpoint(postgres_copy: CopyOf, index: int) -> None:
    find_rewritten_past(postgres_copy, index)


def test_nothing_is_found_where_nothing_was_changed(postgres_original: PostgresDatabase) -> None:
    report = asyncio.run(postgres_original.verify())
    assert report.ok
    assert report.findings == ()
    assert report.events == 350


#: Tables, and where it is said that they are gone.
GONE = {
    "id": {Place.ID},
    "mention": {Place.MENTION, Place.DISCLOSURE},
    "tile": {Place.TILE},
    "count_by_hour": {Place.COUNT},
    "count_by_day": {Place.COUNT},
    "checkpoint": {Place.CHECKPOINT},
    "company_log": {Place.META},
    "event": {Place.EVENT},
    "log": {Place.HEAD},
    "meta": {Place.META},
}


@pytest.mark.parametrize("table", GONE)
def test_a_dropped_table_is_unreadable_and_hides_nothing_else(
    postgres_copy: CopyOf, table: str
) -> None:
    with postgres_copy() as database:
        if table != "tile":
            database.run("UPDATE tile SET hashes = hashes || hashes WHERE level = 0")
        database.run(f"DROP TABLE {table} CASCADE")
        report = asyncio.run(database.verify(processes=0))
        unreadable = {one.place for one in report.findings if one.fault == Fault.UNREADABLE}
        assert unreadable & GONE[table], report.findings
        if table not in ("log", "event", "tile"):
            assert (Fault.ALTERED, Place.TILE) in {(o.fault, o.place) for o in report.findings}
