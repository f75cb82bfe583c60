"""Flip one bit anywhere: it is found, and named."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.log.verification.report import Fault, Finding, Place

from .conftest import CopyOf
from .database import Database, base_of

DISCLOSED = ("actor", "client", "resource", "state", "details", "body")
TABLES = {
    "event": (
        "id", "leaf", "recorded_at", "occurred_at", "expires_at", "decays_at", "type", "level",
        "outcome", "company_id", "resource_type", "resource_id", "user_id", "ip_address",
        "session_id", "request_id", "mentions", "entry", *DISCLOSED,
    ),
    "mention": ("position", "name", "person", "stored"),
    "tile": ("log", "level", "number", "hashes"),
    "count_by_hour": ("log", "bucket", "company", "type", "level", "outcome", "events"),
    "count_by_day": ("log", "bucket", "type", "level", "outcome", "events"),
    "log": ("number", "name", "origin", "size", "recorded_at", "frontier"),
    "checkpoint": ("log", "size", "signed_at", "note"),
    "meta": ("name", "value"),
}  # fmt: skip
KEYS = {
    "event": ("position",),
    "mention": ("position", "name"),
    "tile": ("log", "level", "number"),
    "count_by_hour": ("log", "bucket", "company", "type", "level", "outcome"),
    "count_by_day": ("log", "bucket", "type", "level", "outcome"),
    "log": ("number",),
    "checkpoint": ("log", "size"),
    "meta": ("name",),
}
CELLS = [(table, column) for table, columns in TABLES.items() for column in columns]
PLACES = {
    "mention": {Place.MENTION, Place.DISCLOSURE, Place.COLUMN},
    "tile": {Place.TILE},
    "count_by_hour": {Place.COUNT},
    "count_by_day": {Place.COUNT},
    "checkpoint": {Place.CHECKPOINT},
    "meta": {Place.META},
}
some_settings = settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def flip(database: Database, value: Any, bit: int, column: str) -> tuple[str, Any]:
    """A value with one bit flipped: the SQL around the parameter, and the parameter."""
    if value is None:
        return ("?", b"\0" * 20) if column in DISCLOSED else ("?", 1)
    if isinstance(value, int):
        return "?", value ^ (1 << bit % database.bits)
    data = bytearray(value.encode() if isinstance(value, str) else value)
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    return database.text(bytes(data)) if isinstance(value, str) else ("?", bytes(data))


def tamper(database: Database, table: str, column: str, row: int, bit: int) -> dict[str, Any]:
    """Flip a bit, and return the row as it was."""
    key = KEYS[table]
    names = list(dict.fromkeys([*key, *TABLES[table]]))
    rows = database.run(f"SELECT {', '.join(names)} FROM {table} ORDER BY {', '.join(key)}")
    chosen = dict(zip(names, rows[row % len(rows)], strict=True))
    sql, value = flip(database, chosen[column], bit, column)
    if chosen[column] is None and column not in (*DISCLOSED, "expires_at", "decays_at", "mentions"):
        value = "x"
    where = " AND ".join(f"{name} = ?" for name in key)
    database.run(
        f"UPDATE {table} SET {column} = {sql} WHERE {where}",
        (value, *(chosen[name] for name in key)),
    )
    return chosen


def names_event(finding: Finding, column: str) -> bool:
    """Whether a finding names the part of an event that was tampered with."""
    if finding.place is Place.EVENT and finding.fault is Fault.UNREADABLE:
        return True
    if column in ("entry", "leaf"):
        return finding.place is {"entry": Place.ENTRY, "leaf": Place.LEAF}[column]
    place = Place.DISCLOSURE if column in DISCLOSED else Place.COLUMN
    return finding.place is place and finding.field == column


def find_flipped_bit(copy_of: CopyOf, table: str, column: str, row: int, bit: int) -> bool:
    """Flip a bit and see that it is found; False where the database itself refuses the change."""
    with copy_of() as database:
        base = base_of(database)
        try:
            chosen = tamper(database, table, column, row, bit)
        except database.refusals:
            return False
        report = asyncio.run(database.verify(processes=0))
        found = "\n".join(map(str, report.findings))
        assert not report.ok
        if table == "event":
            index = chosen["position"] % (1 << 40)
            log = "default" if chosen["position"] >> 40 == base >> 40 else "tenant-7"
            assert {(one.index, one.log) for one in report.findings} == {(index, log)}, found
            assert any(names_event(one, column) for one in report.findings), found
        elif table == "mention":
            index = chosen["position"] % (1 << 40)
            assert any(
                one.index == index and one.place in PLACES[table] for one in report.findings
            ), found
        elif table == "log":
            assert any(
                one.place is Place.HEAD or one.fault is Fault.EXTRA for one in report.findings
            ), found
        else:
            assert {one.place for one in report.findings} <= PLACES[table], found
    return True


@pytest.mark.parametrize(("table", "column"), CELLS)
@given(row=st.integers(0, 10_000), bit=st.integers(0, 20_000))
@some_settings
def test_a_flipped_bit_is_found_and_named(
    fresh_copy: CopyOf, table: str, column: str, row: int, bit: int
) -> None:
    find_flipped_bit(fresh_copy, table, column, row, bit)


def test_nothing_is_found_where_nothing_was_changed(original: Database) -> None:
    report = asyncio.run(original.verify())
    assert report.ok
    assert report.findings == ()
    assert report.events == 350
    assert [(log.size, log.covered, log.tail) for log in report.logs] == [
        (330, 300, 30),
        (20, 20, 0),
    ]
