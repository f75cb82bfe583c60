"""How much SQLite does for a page: it leads with the shorter of the ranges that it could walk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw
import pytest

from counterfoil.record.row import LOG_SPAN
from counterfoil.store import Selection, sqlite_select
from counterfoil.store.sqlite import SQLiteStore
from counterfoil.store.sqlite_select import select_sql, shortest

from .writing import put, selection

EVENTS = 3000
#: Steps of SQLite's machine between two calls of the counter.
STEPS = 10
#: More than a page of ten takes, and less than it takes to pass over every event.
FEW = 2000


@pytest.fixture
async def connection(tmp_path: Path) -> apsw.Connection:
    """One busy user in a company, whom others mention often, and few of one type at the start."""
    store = SQLiteStore(tmp_path / "audit.db")
    await store.open()
    busy = {"user_id": "busy", "company_id": "c-1", "level": 1, "mentions": 2}
    await put(
        store,
        *({**busy, "type": "rare" if number < 10 else "common"} for number in range(EVENTS)),
        {"user_id": "idle", "type": "common"},
        mentions=[
            (number, name, "often") for number in range(EVENTS) for name in ("a", "subject_0")
        ]
        + [(5, "subject_1", "once")],
    )
    await store.close()
    return apsw.Connection(str(tmp_path / "audit.db"))


def page(
    connection: apsw.Connection, wanted: Selection, leading: str | None
) -> tuple[list[int], int]:
    """The indexes on a page, and about how many steps it took to read them."""
    calls = 0

    def count() -> bool:
        nonlocal calls
        calls += 1
        return False

    connection.set_progress_handler(count, STEPS)
    sql, parameters = select_sql(wanted, leading)
    found = [row[0] - LOG_SPAN for row in connection.execute(sql, parameters)]
    connection.set_progress_handler(None)
    return found, calls * STEPS


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize(
    ("asked", "matching"),
    [
        ({"equal": {"user_id": ("busy",), "type": ("rare",)}}, range(10)),
        ({"equal": {"user_id": ("busy", "x"), "type": ("rare", "y")}}, range(10)),
        ({"equal": {"company_id": ("c-1",), "level": (1, 2), "type": ("rare",)}}, range(10)),
        ({"equal": {"user_id": ("idle",), "type": ("common",)}}, [EVENTS]),
        ({"equal": {"user_id": ("busy",), "type": ("common",)}}, range(10, EVENTS)),
        ({"equal": {"user_id": ("busy",)}, "person": "once"}, [5]),
        ({"equal": {"type": ("rare",)}, "person": "often"}, range(10)),
        ({"person": "often"}, range(EVENTS)),
        ({"person": "often", "first": LOG_SPAN + EVENTS - 5}, range(EVENTS - 5, EVENTS)),
    ],
    ids=str,
)
async def test_a_page_takes_few_steps(
    connection: apsw.Connection, asked: dict[str, Any], matching: Sequence[int], newest_first: bool
) -> None:
    wanted = selection(limit=10, newest_first=newest_first, **asked)
    found, steps = page(connection, wanted, shortest(connection, wanted))
    assert found == sorted(matching, reverse=newest_first)[:10]
    assert steps < FEW


async def test_the_longer_way_takes_many(connection: apsw.Connection) -> None:
    wanted = selection(limit=10, newest_first=True, equal={"user_id": ("busy",), "type": ("rare",)})
    _, steps = page(connection, wanted, "user_id")
    assert steps > FEW


async def test_where_all_ranges_are_long_the_most_telling_leads(
    connection: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = selection(equal={"type": ("common",), "user_id": ("busy",)})
    assert shortest(connection, wanted) == "type"
    monkeypatch.setattr(sqlite_select, "_LENGTHS", (4, 64))
    assert shortest(connection, wanted) == "user_id"
