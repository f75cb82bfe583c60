"""Remove, insert and swap rows, cut the tail, rewrite the past: it is found, and named."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.log.verification.report import Fault, Place, Report

from .conftest import CopyOf
from .database import COVERED, EVENTS, Database, SQLiteDatabase, base_of, recompute
from .test_bits import KEYS

few = settings(max_examples=6, deadline=None)
COLUMNS = "id, leaf, recorded_at, occurred_at, expires_at, decays_at, type, level, outcome, company_id, resource_type, resource_id, user_id, ip_address, session_id, request_id, mentions, entry, actor, client, resource, state, details, body"  # noqa: E501


def verify(database: Database) -> Report:
    return asyncio.run(database.verify(processes=0))


def faults(report: Report) -> set[tuple[Fault, Place]]:
    return {(finding.fault, finding.place) for finding in report.findings}


def find_removed_event(fresh_copy: CopyOf, index: int) -> None:
    with fresh_copy() as database:
        base = base_of(database)
        database.remove(base + index, base + index)
        report = verify(database)
        assert [(one.fault, one.place, one.index) for one in report.findings] == [
            (Fault.MISSING, Place.EVENT, index)
        ]
        below = [size for size in (100, 200, COVERED) if size <= index]
        assert report.findings[0].since == (below[-1] if below else None)


@given(index=st.integers(0, EVENTS - 1))
@few
def test_a_removed_event_is_missing(fresh_copy: CopyOf, index: int) -> None:
    find_removed_event(fresh_copy, index)


def find_removed_row(fresh_copy: CopyOf, table: str, row: int) -> None:
    places = {
        "mention": {(Fault.MISSING, Place.DISCLOSURE)},
        "tile": {(Fault.MISSING, Place.TILE)},
        "count_by_hour": {(Fault.ALTERED, Place.COUNT)},
        "count_by_day": {(Fault.ALTERED, Place.COUNT)},
        "checkpoint": {(Fault.MISSING, Place.CHECKPOINT), (Fault.ALTERED, Place.CHECKPOINT)},
        "meta": {(Fault.MISSING, Place.META)},
    }
    with fresh_copy() as database:
        key = ", ".join(KEYS[table])
        rows = database.run(f"SELECT {key} FROM {table} ORDER BY {key}")
        chosen = rows[row % len(rows)]
        where = " AND ".join(f"{name} = ?" for name in KEYS[table])
        database.run(f"DELETE FROM {table} WHERE {where}", chosen)
        report = verify(database)
        assert not report.ok
        if table == "log":
            assert (Fault.EXTRA, Place.EVENT) in faults(report)
        else:
            assert faults(report) <= places[table], "\n".join(map(str, report.findings))
        if table == "mention":
            assert {one.index for one in report.findings} == {chosen[0] % (1 << 40)}


@pytest.mark.parametrize(
    "table", ["mention", "tile", "count_by_hour", "count_by_day", "log", "checkpoint", "meta"]
)
@given(row=st.integers(0, 1000))
@few
def test_any_removed_row_is_found(fresh_copy: CopyOf, table: str, row: int) -> None:
    find_removed_row(fresh_copy, table, row)


def find_swapped_events(fresh_copy: CopyOf, indexes: set[int]) -> None:
    first, second = sorted(indexes)
    with fresh_copy() as database:
        base = base_of(database)
        rows = {
            index: database.run(f"SELECT {COLUMNS} FROM event WHERE position = ?", (base + index,))
            for index in indexes
        }
        marks = ", ".join("?" * 25)
        insert = f"INSERT INTO event (position, {COLUMNS}) VALUES ({marks})"
        database.run_all(
            [
                ("DELETE FROM event WHERE position IN (?, ?)", (base + first, base + second)),
                (insert, (base + first, *rows[second][0])),
                (insert, (base + second, *rows[first][0])),
            ]
        )
        report = verify(database)
        assert not report.ok
        found = {one.index for one in report.findings if one.index is not None}
        if first < 256:
            assert indexes & found, "\n".join(map(str, report.findings))
        elif not found:
            # Where no tile is full yet, the tree alone tells that they stand elsewhere.
            assert Place.HEAD in {one.place for one in report.findings}


@given(indexes=st.sets(st.integers(0, EVENTS - 1), min_size=2, max_size=2))
@few
def test_two_swapped_events_are_both_named(fresh_copy: CopyOf, indexes: set[int]) -> None:
    find_swapped_events(fresh_copy, indexes)


def find_inserted_event(fresh_copy: CopyOf, source: int, distance: int) -> None:
    with fresh_copy() as database:
        base = base_of(database)
        rest = COLUMNS.removeprefix("id, ")
        database.run(
            f"INSERT INTO event (position, {COLUMNS}) "
            f"SELECT ?, randomblob(16), {rest} FROM event WHERE position = ?",
            (base + EVENTS + distance, base + source),
        )
        report = verify(database)
        assert (Fault.EXTRA, Place.EVENT, EVENTS + distance) in {
            (one.fault, one.place, one.index) for one in report.findings
        }


@given(source=st.integers(0, EVENTS - 1), distance=st.integers(0, 1000))
@few
def test_an_inserted_event_is_extra(fresh_copy: CopyOf, source: int, distance: int) -> None:
    find_inserted_event(fresh_copy, source, distance)


#: Statements that add a row, and what they add to.
INSERTED = [
    ("{event} SELECT 9 << 40, randomblob(16), {rest} FROM event LIMIT 1", "event"),
    ("{event} SELECT -7, randomblob(16), {rest} FROM event LIMIT 1", "event"),
    (
        (
            "{mention} SELECT position + 1, 'subject_7', person, stored FROM mention "
            "WHERE name = 'subject_1' LIMIT 1"
        ),
        "mention",
    ),
    ("{mention} SELECT 9 << 40, name, person, stored FROM mention LIMIT 1", "mention"),
    ("{mention} SELECT (1 << 40) + 5000, name, person, stored FROM mention LIMIT 1", "mention"),
    ("INSERT INTO tile SELECT log, level, number + 5, hashes FROM tile LIMIT 1", "tile"),
    ("INSERT INTO tile SELECT log, level, -1, hashes FROM tile LIMIT 1", "tile"),
    ("INSERT INTO tile SELECT log, 7, 0, hashes FROM tile LIMIT 1", "tile"),
    ("INSERT INTO tile SELECT 9, 0, 0, hashes FROM tile LIMIT 1", "tile"),
    (
        (
            "INSERT INTO count_by_day SELECT log, bucket, type, 3, outcome, 1 "
            "FROM count_by_day LIMIT 1"
        ),
        "count",
    ),
    (
        (
            "INSERT INTO count_by_hour SELECT log, bucket - 500, company, type, level, outcome, 1 "
            "FROM count_by_hour LIMIT 1"
        ),
        "count",
    ),
    (
        (
            "INSERT INTO count_by_hour SELECT 9, bucket, company, type, level, outcome, 1 "
            "FROM count_by_hour LIMIT 1"
        ),
        "count",
    ),
    (
        "INSERT INTO checkpoint SELECT log, size + 1, signed_at, note FROM checkpoint LIMIT 1",
        "recorded checkpoint",
    ),
    (
        "INSERT INTO checkpoint SELECT 9, size, signed_at, note FROM checkpoint LIMIT 1",
        "recorded checkpoint",
    ),
    (
        (
            "INSERT INTO log SELECT 9, 'another', origin, 3, recorded_at, frontier, NULL "
            "FROM log LIMIT 1"
        ),
        "head",
    ),
]


def find_inserted_row(fresh_copy: CopyOf, sql: str, place: str) -> None:
    with fresh_copy() as database:
        database.run(
            sql.format(
                event=f"INSERT INTO event (position, {COLUMNS})",
                rest=COLUMNS.removeprefix("id, "),
                mention="INSERT INTO mention (position, name, person, stored)",
            )
        )
        report = verify(database)
        assert not report.ok
        assert Place(place) in {one.place for one in report.findings}


@pytest.mark.parametrize(("sql", "place"), INSERTED)
def test_any_inserted_row_is_found(fresh_copy: CopyOf, sql: str, place: str) -> None:
    find_inserted_row(fresh_copy, sql, place)


def find_cut_tail(fresh_copy: CopyOf, cut: int) -> None:
    with fresh_copy() as database:
        base = base_of(database)
        database.remove(base + cut, base + (1 << 40) - 1)
        recompute(database)
        report = verify(database)
        assert faults(report) == {(Fault.CUT, Place.EVENT)}
        assert {(one.index, one.last_index) for one in report.findings} >= {(cut, COVERED - 1)}
        # As thorough a tamperer takes the checkpoints away: the published one is elsewhere.
        database.run("DELETE FROM checkpoint WHERE log = ? AND size > ?", (base >> 40, cut))
        assert faults(verify(database)) == {(Fault.CUT, Place.EVENT)}


@given(cut=st.integers(1, COVERED - 1))
@few
def test_a_cut_tail_is_found_though_all_is_recomputed(fresh_copy: CopyOf, cut: int) -> None:
    find_cut_tail(fresh_copy, cut)


def find_rewritten_past(fresh_copy: CopyOf, index: int) -> None:
    """The event, its leaf hash, the tiles, the head and the roll-ups all fit each other."""
    with fresh_copy() as database:
        base = base_of(database)
        ((entry,),) = database.run("SELECT entry FROM event WHERE position = ?", (base + index,))
        forged = entry.replace(b'"outcome":"failure"', b'"outcome":"unknown"').replace(
            b'"outcome":"success"', b'"outcome":"unknown"'
        )
        assert forged != entry
        database.run(
            "UPDATE event SET entry = ?, leaf = ?, outcome = 2 WHERE position = ?",
            (forged, sha256(b"\x00" + forged).digest(), base + index),
        )
        recompute(database)
        report = verify(database)
        if index >= COVERED:
            # Nobody has signed the tail yet: nothing can tell, and the report says how long it is.
            assert report.ok
            assert report.logs[0].tail == EVENTS - COVERED
            return
        wrong = [size for size in (100, 200, COVERED) if size > index]
        assert faults(report) == {
            (Fault.ALTERED, Place.CHECKPOINT),
            (Fault.ALTERED, Place.PUBLISHED),
        }
        sizes = {one.field.split()[1] for one in report.findings if one.field}
        assert sizes == set(map(str, wrong))


@given(index=st.integers(0, EVENTS - 1))
@few
def test_a_rewritten_past_is_found_below_the_checkpoint(fresh_copy: CopyOf, index: int) -> None:
    find_rewritten_past(fresh_copy, index)


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ("event", Place.EVENT),
        ("mention", Place.MENTION),
        ("tile", Place.TILE),
        ("count_by_hour", Place.COUNT),
        ("count_by_day", Place.COUNT),
        ("checkpoint", Place.CHECKPOINT),
    ],
)
def test_damage_below_sql_is_reported(fresh_copy: CopyOf, table: str, place: Place) -> None:
    with fresh_copy() as database:
        assert isinstance(database, SQLiteDatabase)
        page = 8192
        data = bytearray(database.path.read_bytes())
        ((root,),) = database.run("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,))
        data[(root - 1) * page : root * page] = b"\x55" * page
        database.path.write_bytes(data)
        report = verify(database)
        assert not report.ok
        assert place in {one.place for one in report.findings}


def test_an_altered_published_checkpoint_is_named(fresh_copy: CopyOf) -> None:
    with fresh_copy() as database:
        folder = database.key_file.published_folder
        file = next(path for path in folder.glob("*default.json"))
        text = file.read_text()
        file.write_text(text.replace("300", "301"))
        report = verify(database)
        assert faults(report) == {(Fault.UNSIGNED, Place.PUBLISHED)}
        file.write_text("nothing")
        assert faults(verify(database)) == {(Fault.UNREADABLE, Place.PUBLISHED)}
