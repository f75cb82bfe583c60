"""Selecting: what a selection finds, in which order, and where it stops."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.record.row import LOG_SPAN
from counterfoil.store import Store
from counterfoil.store.where import LEADING, MOST_BRANCHES

from .writing import NOON, indexes, put, selection

#: Two values a column that events may be selected by.
VALUES: dict[str, tuple[Any, Any]] = {
    "id": (b"\x01" * 16, b"\x02" * 16),
    "type": ("order_created", "order.cancelled"),
    "level": (1, 3),
    "outcome": (1, 2),
    "company_id": ("one", "two"),
    "resource_type": ("one", "two"),
    "resource_id": ("one", "two"),
    "user_id": ("one", "two"),
    "ip_address": ("one", "two"),
    "session_id": ("one", "two"),
    "request_id": ("one", "two"),
}


async def fill(store: Store, column: str) -> None:
    """Four events: with the one value, the other, the one, and without either."""
    one, two = VALUES[column]
    last = {"type": "login"} if column == "type" else {}
    again = {} if column == "id" else {column: one}
    await put(store, {column: one}, {column: two}, again, last)


@pytest.mark.parametrize("column", VALUES)
async def test_finds_by_each_column(store: Store, column: str) -> None:
    await fill(store, column)
    await put(store, {} if column == "id" else {column: VALUES[column][0]}, log="another")
    one, two = VALUES[column]
    ones = [0] if column == "id" else [0, 2]
    assert await indexes(store, equal={column: (one,)}) == ones
    assert await indexes(store, equal={column: [two]}) == [1]
    assert await indexes(store, equal={column: {two, one}}) == sorted([*ones, 1])
    assert await indexes(store, equal={column: (one, two)}, newest_first=True) == sorted(
        [*ones, 1], reverse=True
    )
    assert await indexes(store, equal={column: (one, one)}, limit=2) == ones
    assert await indexes(store, equal={column: ()}) == []
    assert await store.count(selection(equal={column: (one, two, one)})) == len(ones) + 1


@pytest.mark.parametrize("column", ["level", "outcome"])
async def test_finds_common_values_that_the_index_leaves_out(store: Store, column: str) -> None:
    await put(store, {column: 0}, {column: 1}, {column: 2}, {column: 0})
    assert await indexes(store, equal={column: (0,)}) == [0, 3]
    assert await indexes(store, equal={column: (1, 0)}) == [0, 1, 3]
    assert await indexes(store, equal={column: (2, 1)}) == [1, 2]


async def test_many_values_find_as_few_do(store: Store) -> None:
    many = [f"u-{number}" for number in range(MOST_BRANCHES * 3)]
    await put(store, *({"user_id": user} for user in many))
    for few in (MOST_BRANCHES, MOST_BRANCHES + 1):
        assert await indexes(store, equal={"user_id": many[:few]}, limit=99) == list(range(few))
        assert await store.count(selection(equal={"user_id": many[:few]})) == few


@pytest.mark.parametrize("leading", LEADING)
async def test_all_columns_must_match(store: Store, leading: str) -> None:
    one, two = VALUES[leading]
    other = "request_id" if leading != "request_id" else "user_id"
    rest = {"type": "login"} if leading == "type" else {}
    await put(store, {leading: one, other: "x"}, {leading: two, other: "y"}, {other: "x", **rest})
    equal = {leading: (one, two), other: ("x",)}
    assert await indexes(store, equal=equal) == [0]
    assert await indexes(store, equal=dict(reversed(equal.items()))) == [0]
    assert await store.count(selection(equal=equal)) == 1
    assert await indexes(store, equal={leading: (one,), other: ("y",)}) == []


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("equal", [{}, {"user_id": ("a",)}, {"user_id": ("a", "b")}])
async def test_bounds_are_inclusive_and_the_limit_holds(
    store: Store, equal: dict[str, tuple[str, ...]], newest_first: bool
) -> None:
    await put(store, *({"user_id": "ab"[number % 2]} for number in range(20)))
    wanted = [
        number for number in range(5, 16) if not equal or "ab"[number % 2] in equal["user_id"]
    ]
    if newest_first:
        wanted.reverse()
    for limit in (1, 3, 50):
        found = await indexes(
            store,
            first=LOG_SPAN + 5,
            last=LOG_SPAN + 15,
            equal=equal,
            newest_first=newest_first,
            limit=limit,
        )
        assert found == wanted[:limit]
    bounds = selection(LOG_SPAN + 5, LOG_SPAN + 15, equal=equal, limit=1)
    assert await store.count(bounds) == len(wanted)
    assert await indexes(store, first=LOG_SPAN + 9, last=LOG_SPAN + 8, equal=equal) == []


async def test_pages_by_position_are_whole(store: Store) -> None:
    await put(store, *({"type": f"t{number % 3}"} for number in range(40)))
    found: list[int] = []
    last = 2 * LOG_SPAN - 1
    while page := await store.select(
        selection(last=last, equal={"type": ("t0", "t2")}, newest_first=True, limit=7)
    ):
        found += [one.index for one in page]
        last = page[-1].position - 1
    assert found == [number for number in reversed(range(40)) if number % 3 != 1]


async def test_bytes_within_disclosures(store: Store) -> None:
    await put(
        store,
        {"details": b"salt\x00needle", "actor": b"x"},
        {"details": b"needle", "actor": b"y"},
        {"details": b"Needle"},
        {},
    )
    assert await indexes(store, contains=[("details", b"needle")]) == [0, 1]
    assert await indexes(store, contains=[("details", b"\x00n"), ("actor", b"x")]) == [0]
    assert await indexes(store, contains=[("details", b"needle"), ("actor", b"z")]) == []
    assert await indexes(store, contains=[("details", b"%")]) == []
    assert await store.count(selection(contains=[("details", b"needle")])) == 2


async def test_further_people(store: Store) -> None:
    await put(
        store,
        {"mentions": 2, "user_id": "a"},
        {"mentions": 1},
        {"mentions": 1, "user_id": "a"},
        mentions=[
            (0, "subject_0", "ann@example.com"),
            (0, "on_behalf_of", "ann@example.com"),
            (1, "subject_0", "bob@example.com"),
            (2, "impersonator", "ann@example.com"),
        ],
    )
    person = "ann@example.com"
    assert await indexes(store, person=person) == [0, 2]
    assert await indexes(store, person=person, newest_first=True, limit=1) == [2]
    assert await indexes(store, person=person, first=LOG_SPAN + 1) == [2]
    assert await indexes(store, person="bob@example.com", equal={"user_id": ("a",)}) == []
    assert await indexes(store, person=person, equal={"user_id": ("a", "b")}) == [0, 2]
    assert await indexes(store, person="carl@example.com") == []
    assert await store.count(selection(person=person)) == 2
    rows = await store.mentions(LOG_SPAN, LOG_SPAN + 1)
    assert [(one.position - LOG_SPAN, one.name, one.person) for one in rows] == [
        (0, "on_behalf_of", "ann@example.com"),
        (0, "subject_0", "ann@example.com"),
        (1, "subject_0", "bob@example.com"),
    ]
    assert rows[0].stored == b"saltann@example.com"


async def test_finds_by_id_in_every_log(store: Store) -> None:
    [one] = await put(store, {})
    [two] = await put(store, {}, log="other")
    assert await store.find([]) == []
    assert await store.find([b"\x00" * 16]) == []
    found = await store.find([two.id, b"\x00" * 16, one.id])
    assert sorted(found) == [one, two]


async def test_leaves_in_order_around_gaps(store: Store) -> None:
    rows = await put(store, {}, None, {}, {}, None)
    await put(store, {}, log="other")
    expected = [(one.position, one.leaf) for one in rows]
    assert await store.leaves(LOG_SPAN, 2 * LOG_SPAN - 1) == expected
    assert await store.leaves(LOG_SPAN + 1, LOG_SPAN + 2) == expected[1:2]
    assert await store.leaves(LOG_SPAN + 4, LOG_SPAN + 9) == []


async def test_every_id_leads_to_its_event(store: Store) -> None:
    await put(store, {}, None, {})
    await put(store, {}, log="other")
    assert await store.misplaced_ids(LOG_SPAN, 3 * LOG_SPAN - 1) == []
    assert await store.stray_ids(10) == []


#: Times of recording by index, in steps, with None for an event that was deleted.
TIMES = [
    [],
    [0],
    [None],
    [0, 0, 0],
    [0, 1, 2, 3],
    [0, None, None, 1],
    [None, None, 1, 1, None],
    [0, None, 1, None, None, 1, 2, None],
    [0, 0, None, 0, 5, 5, None, None, None, None, 5, 9],
]


@pytest.mark.parametrize("times", TIMES, ids=str)
async def test_the_boundary_of_a_time_around_gaps(store: Store, times: list[int | None]) -> None:
    await put(store, {}, log="before", at=NOON + 99)
    for time in times:
        await put(store, None if time is None else {}, log="middle", at=NOON + (time or 0))
    await put(store, {}, log="middle-after", at=NOON)
    for wanted in range(-1, 11):
        for size in (len(times), len(times) // 2):
            earlier = [
                index
                for index, time in enumerate(times[:size])
                if time is not None and time < wanted
            ]
            expected = earlier[-1] + 1 if earlier else 0
            assert await store.boundary(2, size, NOON + wanted) == expected
