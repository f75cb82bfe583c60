"""Counts, tiles, checkpoints and the database's own facts."""

from __future__ import annotations

from random import Random

import pytest

from counterfoil.errors import StoreError
from counterfoil.store import CheckpointRow, Store, open_store
from counterfoil.store.interface import LARGEST, SMALLEST, Coverage, Holding
from counterfoil.store.where import MOST_BRANCHES

from .writing import HOUR, put

#: (hour, company, type, level, outcome, events), over two days.
COUNTS = [
    (HOUR, "", "login", 0, 0, 5),
    (HOUR, "c-1", "login", 0, 1, 2),
    (HOUR + 1, "c-1", "logout", 0, 0, 3),
    (HOUR + 23, "c-1", "login", 2, 0, 7),
    (HOUR + 24, "c-2", "login", 0, 0, 11),
]
DAY = HOUR // 24


async def test_counts_add_up(store: Store) -> None:
    await put(store, {}, counts=COUNTS)
    await put(store, {}, counts=[*COUNTS[:1], COUNTS[0]])
    assert await store.counts(1, "hour", HOUR, HOUR, {}, ()) == [(HOUR, (), 17)]
    assert await store.counts(1, "hour", HOUR, HOUR, {}, ("company",)) == [
        (HOUR, ("",), 15),
        (HOUR, ("c-1",), 2),
    ]


async def test_counts_by_hour_and_by_day(store: Store) -> None:
    assert HOUR % 24 == 0
    await put(store, {}, counts=COUNTS)
    await put(store, {}, log="other", counts=COUNTS[:1])
    hours = [(HOUR, 7), (HOUR + 1, 3), (HOUR + 23, 7), (HOUR + 24, 11)]
    assert await store.counts(1, "hour", 0, HOUR * 2, {}, ()) == [(at, (), n) for at, n in hours]
    assert await store.counts(1, "day", DAY, DAY + 1, {}, ()) == [(DAY, (), 17), (DAY + 1, (), 11)]
    assert await store.counts(1, "day", DAY + 1, DAY + 1, {}, ()) == [(DAY + 1, (), 11)]
    assert await store.counts(1, "hour", HOUR + 2, HOUR + 22, {}, ()) == []
    assert await store.counts(2, "day", 0, HOUR, {}, ()) == [(DAY, (), 5)]
    assert await store.counts(3, "day", 0, HOUR, {}, ()) == []


async def test_counts_by_kind(store: Store) -> None:
    await put(store, {}, counts=COUNTS)
    by_type = await store.counts(1, "day", DAY, DAY, {}, ("type", "level"))
    assert by_type == [(DAY, ("login", 0), 7), (DAY, ("login", 2), 7), (DAY, ("logout", 0), 3)]
    assert await store.counts(1, "day", DAY, DAY, {}, ("type", "level", "outcome")) == [
        (DAY, ("login", 0, 0), 5),
        (DAY, ("login", 0, 1), 2),
        (DAY, ("login", 2, 0), 7),
        (DAY, ("logout", 0, 0), 3),
    ]
    some = {"company": ("c-1", "c-2"), "type": ["login"]}
    assert await store.counts(1, "day", DAY, DAY + 1, some, ("outcome",)) == [
        (DAY, (0,), 7),
        (DAY, (1,), 2),
        (DAY + 1, (0,), 11),
    ]
    assert await store.counts(1, "hour", HOUR, HOUR, {"level": (1, 2)}, ()) == []
    assert await store.counts(1, "hour", HOUR, HOUR, {"company": ("",)}, ()) == [(HOUR, (), 5)]


async def test_days_of_a_company_are_summed_from_its_hours(store: Store) -> None:
    await put(store, {}, counts=[*COUNTS, (HOUR - 1, "c-1", "login", 0, 0, 13)])
    one = {"company": ("c-1",)}
    assert await store.counts(1, "day", DAY, DAY, one, ()) == [(DAY, (), 12)]
    assert await store.counts(1, "day", DAY - 1, DAY + 1, one, ("type",)) == [
        (DAY - 1, ("login",), 13),
        (DAY, ("login",), 9),
        (DAY, ("logout",), 3),
    ]
    assert await store.counts(1, "day", DAY, DAY, {"level": (0,)}, ("company",)) == [
        (DAY, ("",), 5),
        (DAY, ("c-1",), 5),
    ]
    assert await store.counts(1, "day", DAY + 1, DAY + 9, one, ()) == []
    assert await store.counts(1, "day", DAY, DAY, {"company": ()}, ()) == []


@pytest.mark.parametrize("unit", ["hour", "day"])
async def test_counts_of_all_time(store: Store, unit: str) -> None:
    await put(store, {}, counts=COUNTS)
    companies = ["c-1", *(f"other-{number}" for number in range(MOST_BRANCHES))]
    for some in (companies[:1], companies[:MOST_BRANCHES], companies):
        found = await store.counts(1, unit, SMALLEST, LARGEST, {"company": some}, ("company",))
        assert {values for _, values, _ in found} == {("c-1",)}
        assert sum(events for _, _, events in found) == 12


async def test_tiles_of_a_level_in_order(store: Store) -> None:
    await put(store, {}, tiles=[(0, number, 0, bytes([number]) * 32) for number in (2, 0, 1, 10)])
    await put(store, {}, log="other", tiles=[(0, 1, 0, b"o" * 32)])
    assert await store.tiles(1, 0, 1, 9) == [(1, b"\x01" * 32), (2, b"\x02" * 32)]
    assert [index for index, _ in await store.tiles(1, 0, 0, 100)] == [0, 1, 2, 10]
    assert await store.tiles(1, 1, 0, 100) == []


async def test_checkpoints_newest_first(store: Store) -> None:
    rows = [CheckpointRow(1, size, 1000 + size, b"note %d" % size) for size in (3, 1, 20, 7)]
    for checkpoint in [*rows, CheckpointRow(2, 50, 1, b"another log's")]:
        await store.put_checkpoints([checkpoint])
    newest = sorted(rows, key=lambda one: -one.size)
    assert await store.checkpoints(1) == newest[:1]
    assert await store.checkpoints(1, limit=9) == newest
    assert await store.checkpoints(1, limit=9, first=3, last=7) == newest[1:3]
    assert await store.checkpoints(1, last=6) == [rows[0]]
    assert await store.checkpoints(3, limit=9) == []


async def test_a_checkpoint_stays_as_it_is(store: Store) -> None:
    await store.put_checkpoints([CheckpointRow(1, 5, 1000, b"first")])
    await store.put_checkpoints([CheckpointRow(1, 5, 2000, b"second")])
    assert await store.checkpoints(1, limit=9) == [CheckpointRow(1, 5, 1000, b"first")]


async def test_checkpoints_of_several_logs_are_recorded_together(store: Store) -> None:
    rows = [CheckpointRow(log, log, 5, b"note") for log in (1, 2, 3)]
    await store.put_checkpoints(rows)
    assert [await store.checkpoints(log) for log in (1, 2, 3)] == [[row] for row in rows]
    await store.put_checkpoints([])


async def test_coverage_goes_through_the_logs_by_name(store: Store) -> None:
    assert await store.coverage("", 9) == []
    for log in ("b", "a", "c"):
        await put(store, {}, {}, log=log)
    heads = {head.log: head for head in await store.heads()}
    number = heads["b"].number
    await store.put_checkpoints([CheckpointRow(number, size, size * 7, b"n") for size in (2, 1)])
    expected = [(heads["a"], 0, 0), (heads["b"], 2, 14), (heads["c"], 0, 0)]
    assert await store.coverage("", 9) == [Coverage(*one) for one in expected]
    assert await store.coverage("", 2) == [Coverage(*one) for one in expected[:2]]
    assert await store.coverage("a", 1) == [Coverage(*expected[1])]
    assert await store.coverage("bb", 9) == [Coverage(*expected[2])]
    assert await store.coverage("c", 9) == []


async def test_a_company_keeps_the_log_that_it_was_given_first(store: Store) -> None:
    assert await store.company_logs(["c-1"]) == {}
    assert await store.put_company_logs({"c-1": "one", "c-2": "two"}) == {
        "c-1": "one",
        "c-2": "two",
    }
    assert await store.put_company_logs({"c-1": "other", "c-3": "three"}) == {
        "c-1": "one",
        "c-3": "three",
    }
    assert await store.company_logs(["c-3", "c-9", "c-1"]) == {"c-1": "one", "c-3": "three"}
    assert await store.company_logs([]) == {}


async def test_no_two_companies_have_one_log(store: Store) -> None:
    await store.put_company_logs({"c-1": "one"})
    with pytest.raises(StoreError):
        await store.put_company_logs({"c-0": "zero", "c-2": "one"})
    assert await store.company_log_page("", 9) == [("c-1", "one")]


async def test_companies_are_listed_in_order(store: Store) -> None:
    # The order of UTF-8, whatever the engine's locale.
    companies = ["A", "Z", "a", "b-1", "b1", "é", "\U0001f512"]
    await store.put_company_logs({company: f"log-{n}" for n, company in enumerate(companies)})
    found = await store.company_log_page("", 99)
    assert found == [(company, f"log-{n}") for n, company in enumerate(companies)]
    assert await store.company_log_page("", 2) == found[:2]
    assert await store.company_log_page("a", 2) == found[3:5]


async def test_the_first_of_two_stores_names_a_companys_log(shared_url: str) -> None:
    one, two = open_store(shared_url), open_store(shared_url)
    await one.open()
    await two.open()
    await one.put_company_logs({"c-1": "one"})
    assert await two.put_company_logs({"c-1": "two"}) == {"c-1": "one"}
    await one.close()
    await two.close()


async def test_what_is_set_is_never_changed(store: Store) -> None:
    assert await store.meta() == {}
    assert await store.put_meta({"a": "1", "b": "2"}) == {"a": "1", "b": "2"}
    assert await store.put_meta({"b": "3", "c": "4"}) == {"a": "1", "b": "2", "c": "4"}
    assert await store.put_meta({}) == await store.meta() == {"a": "1", "b": "2", "c": "4"}


async def test_the_first_of_two_stores_sets_a_fact(shared_url: str) -> None:
    one, two = open_store(shared_url), open_store(shared_url)
    await one.open()
    await two.open()
    await one.put_meta({"database": "one"})
    assert await two.put_meta({"database": "two"}) == {"database": "one"}
    await one.close()
    await two.close()


async def test_inventory_counts_the_rows_of_each_log(store: Store) -> None:
    assert await store.inventory() == []
    await put(store, {}, counts=COUNTS, tiles=[(0, 0, 0, b"t" * 64), (1, 0, 0, b"t" * 32)])
    await put(store, {}, counts=COUNTS[:1], tiles=[(0, 1, 0, b"t" * 32)])
    await put(store, {}, log="other", counts=COUNTS[:2])
    await store.put_checkpoints([CheckpointRow(9, 5, 1000, b"of no log")])
    assert sorted(await store.inventory()) == [
        Holding("checkpoint", 9, 0, 1),
        Holding("count_by_day", 1, 0, 5),
        Holding("count_by_day", 2, 0, 2),
        Holding("count_by_hour", 1, 0, 5),
        Holding("count_by_hour", 2, 0, 2),
        Holding("tile", 1, 0, 2),
        Holding("tile", 1, 1, 1),
    ]


async def test_a_day_counts_a_kind_once(store: Store) -> None:
    kinds = [(HOUR, ""), (HOUR, "c-1"), (HOUR + 3, "")]
    await put(store, {}, counts=[(hour, company, "login", 0, 0, 1) for hour, company in kinds])
    assert sorted(await store.inventory()) == [
        Holding("count_by_day", 1, 0, 1),
        Holding("count_by_hour", 1, 0, 3),
    ]


async def test_usage_grows_with_what_is_kept(store: Store) -> None:
    before = await store.usage()
    assert before.keys() == {"database", "log"}
    await put(store, {"entry": Random(1).randbytes(100_000)})
    after = await store.usage()
    assert sum(after.values()) >= sum(before.values()) + 100_000


@pytest.mark.parametrize("url", ["memory:", "sqlite:///some/audit.db"])
def test_the_name_is_the_address(url: str) -> None:
    assert open_store(url).name == url
