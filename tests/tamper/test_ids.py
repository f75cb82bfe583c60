"""Tamper with the way from an id to its event: it is found, and named."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from counterfoil.log.verification.report import Fault, Place

from .conftest import CopyOf
from .database import OTHER_LOG, Database, SQLiteDatabase, base_of

#: The event that is tampered with, and another one.
ONE, OTHER = 123, 301
#: How pages of an index begin (SQLite's file format, 1.6).
INDEX_PAGES = (2, 10)


def findings_of(database: Database, **how: Any) -> list[tuple[Fault, Place, str, int | None]]:
    report = asyncio.run(database.verify(processes=0, **how))
    return [(one.fault, one.place, one.log, one.index) for one in report.findings]


@pytest.mark.parametrize("index", [ONE, OTHER])
def test_an_id_that_was_removed_is_missing(postgres_copy: CopyOf, index: int) -> None:
    with postgres_copy() as database:
        database.run("DELETE FROM id WHERE position = ?", (base_of(database) + index,))
        missing = [(Fault.MISSING, Place.ID, "default", index)]
        assert findings_of(database) == missing
        assert findings_of(database, log="default") == missing


def test_an_id_that_leads_elsewhere_is_altered(postgres_copy: CopyOf) -> None:
    with postgres_copy() as database:
        base = base_of(database)
        database.run("UPDATE id SET position = ? WHERE position = ?", (base + OTHER, base + ONE))
        report = asyncio.run(database.verify(processes=0))
        altered, extra = report.findings
        assert (altered.fault, altered.place, altered.index) == (Fault.ALTERED, Place.ID, ONE)
        assert altered.found == f"index {OTHER} of log number {base >> 40}"
        # The id leads to an event of another id.
        assert (extra.fault, extra.place, extra.index) == (Fault.EXTRA, Place.ID, OTHER)
        assert altered.event_id == extra.event_id


def test_an_id_that_leads_into_another_slice_is_altered(postgres_copy: CopyOf) -> None:
    with postgres_copy() as database:
        database.run("UPDATE id SET slice = 7 WHERE position = ?", (base_of(database) + ONE,))
        assert (Fault.ALTERED, Place.ID, "default", ONE) in findings_of(database)


@pytest.mark.parametrize("log", [1, 9])
def test_an_id_that_was_added_is_extra(postgres_copy: CopyOf, log: int) -> None:
    with postgres_copy() as database:
        position = (log << 40) + 5000
        database.run("INSERT INTO id (position, id) VALUES (?, ?)", (position, b"i" * 16))
        name = {base_of(database) >> 40: "default"}.get(log, "")
        extra = [(Fault.EXTRA, Place.ID, name, 5000)]
        assert findings_of(database) == extra
        # Whoever asks for one log is told what leads into it.
        assert findings_of(database, log="default") == (extra if name else [])
        assert findings_of(database, log=OTHER_LOG) == []


def test_ids_that_lead_astray_elsewhere_hide_none_that_lead_into_a_log(
    postgres_copy: CopyOf,
) -> None:
    with postgres_copy() as database:
        for number in range(200):
            where = base_of(database) if number == 199 else 9 << 40
            database.run(
                "INSERT INTO id (position, id) VALUES (?, ?)",
                (where + 5000, number.to_bytes(16, "big")),
            )
        found = findings_of(database, log="default")
        assert found == [(Fault.EXTRA, Place.ID, "default", 5000)]


def test_where_other_logs_have_very_many_ids_it_is_said_that_nobody_looked(
    postgres_copy: CopyOf,
) -> None:
    with postgres_copy() as database:
        database.run("INSERT INTO id (position, id) VALUES (?, ?)", ((1 << 40) + 5000, b"i" * 16))
        assert findings_of(database, log="default")
        database.run("UPDATE log SET size = 1000000 WHERE name = ?", (OTHER_LOG,))
        report = asyncio.run(database.verify(processes=0, log="default"))
        assert report.ok
        assert report.logs[0].not_looked_at == ("ids that lead to no event",)


@pytest.mark.parametrize("how", [{}, {"log": "default"}, {"since": 256}], ids=str)
def test_a_table_of_ids_that_is_gone_is_said_to_be(
    postgres_copy: CopyOf, how: dict[str, Any]
) -> None:
    with postgres_copy() as database:
        database.run("UPDATE event SET level = 3 WHERE position = ?", (base_of(database) + OTHER,))
        database.run("DROP TABLE id")
        report = asyncio.run(database.verify(processes=0, **how))
        ways = [one for one in report.findings if one.place is Place.ID]
        assert {one.fault for one in ways} == {Fault.UNREADABLE}
        assert "default" in {one.log for one in ways}
        assert all("no table" in str(one) for one in ways)
        # And what else is wrong is said as well.
        assert (Place.COLUMN, OTHER) in {(one.place, one.index) for one in report.findings}


def test_an_altered_index_of_ids_is_found(fresh_copy: CopyOf) -> None:
    """In SQLite the way is an index, which can only be altered below SQL."""
    with fresh_copy() as database:
        assert isinstance(database, SQLiteDatabase)
        ((event_id,),) = database.run(
            "SELECT id FROM event WHERE position = ?", (base_of(database) + ONE,)
        )
        data = bytearray(database.path.read_bytes())
        ((size,),) = database.run("PRAGMA page_size")
        # Within index pages only; what a page that was split still holds plays no role.
        for at in range(len(data)):
            if data.startswith(event_id, at) and data[at // size * size] in INDEX_PAGES:
                data[at + 15] ^= 1
        database.path.write_bytes(data)
        assert set(findings_of(database)) >= {
            (Fault.MISSING, Place.ID, "default", ONE),
            (Fault.EXTRA, Place.ID, "default", ONE),
        }


def test_a_dropped_index_of_ids_is_found(fresh_copy: CopyOf) -> None:
    with fresh_copy() as database:
        database.run("DROP INDEX event_id")
        assert {(fault, place) for fault, place, _, _ in findings_of(database)} == {
            (Fault.UNREADABLE, Place.ID)
        }
