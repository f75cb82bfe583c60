"""Whatever is appended and asked, each store answers as the in-memory one does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.record.row import LOG_SPAN
from counterfoil.store import Selection, Store, open_store
from counterfoil.store.memory import MemoryStore

from .conftest import SHARED, Lend
from .writing import HOUR, NOON, put

LOGS = ("a", "b")
PEOPLE = ("ann", "bob")

#: Small alphabets, so that values meet.
COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(["x", "y", "z"]),
    "level": st.integers(0, 3),
    "outcome": st.integers(0, 2),
    **{
        name: st.sampled_from(["", "a", "A", "é"])
        for name in ("company_id", "resource_type", "resource_id", "user_id", "ip_address")
    },
}
BLOBS = {name: st.binary(max_size=3) for name in ("actor", "details")}

events = st.fixed_dictionaries({}, optional=COLUMNS | BLOBS)
appends = st.fixed_dictionaries(
    {
        "log": st.sampled_from(LOGS),
        "events": st.lists(st.none() | events, max_size=6),
        "step": st.integers(0, 2),
        "mentions": st.dictionaries(
            st.tuples(st.integers(0, 3), st.sampled_from(["subject_0", "subject_1"])),
            st.sampled_from(PEOPLE),
            max_size=4,
        ),
        "counts": st.lists(
            st.tuples(
                st.integers(HOUR, HOUR + 30),
                st.sampled_from(["", "c"]),
                st.sampled_from(["x", "y"]),
                st.integers(0, 1),
                st.integers(0, 1),
                st.integers(1, 5),
            ),
            max_size=4,
        ),
    }
)
positions = st.tuples(st.integers(1, 2), st.integers(0, 15)).map(
    lambda at: at[0] * LOG_SPAN + at[1]
)
selections = st.builds(
    Selection,
    first=positions,
    last=positions,
    equal=st.fixed_dictionaries(
        {}, optional={name: st.sets(values, max_size=3) for name, values in COLUMNS.items()}
    ),
    contains=st.lists(st.tuples(st.sampled_from(list(BLOBS)), st.binary(max_size=1)), max_size=1),
    person=st.none() | st.sampled_from(PEOPLE),
    newest_first=st.booleans(),
    limit=st.integers(1, 8),
)
buckets = st.fixed_dictionaries(
    {
        "unit": st.sampled_from(["hour", "day"]),
        "first": st.sampled_from([0, HOUR // 24, HOUR, HOUR + 1]),
        "equal": st.fixed_dictionaries(
            {},
            optional={
                "company": st.sets(st.sampled_from(["", "c"]), min_size=1),
                "level": st.sets(st.integers(0, 1), min_size=1),
            },
        ),
        "by": st.lists(st.sampled_from(["company", "type", "level", "outcome"]), unique=True),
    }
)


async def fill(store: Store, batches: list[dict[str, Any]]) -> None:
    time = NOON
    for batch in batches:
        time += batch["step"]
        await put(
            store,
            *batch["events"],
            log=batch["log"],
            at=time,
            mentions=[
                (place, name, who)
                for (place, name), who in batch["mentions"].items()
                if place < len(batch["events"])
            ],
            counts=batch["counts"],
        )


async def answers(store: Store, asked: list[Selection], kinds: list[dict[str, Any]]) -> list[Any]:
    found: list[Any] = [await store.heads(), sorted(await store.inventory())]
    for selection in asked:
        found.append(await store.select(selection))
        found.append(await store.count(selection))
        found.append(await store.mentions(selection.first, selection.last))
        found.append(await store.leaves(selection.first, selection.last))
    for number in (1, 2):
        for size in (0, 3, 40):
            found += [await store.boundary(number, size, NOON + step) for step in range(-1, 9)]
        for kind in kinds:
            found.append(await store.counts(number, last=HOUR * 2, **kind))
    return found


@pytest.mark.parametrize("engine", SHARED)
@settings(max_examples=60, deadline=None)
@given(
    batches=st.lists(appends, max_size=8),
    asked=st.lists(selections, max_size=8),
    kinds=st.lists(buckets, max_size=3),
)
def test_answers_as_the_memory_does(
    lend: Lend,
    engine: str,
    batches: list[dict[str, Any]],
    asked: list[Selection],
    kinds: list[dict[str, Any]],
) -> None:
    async def compare() -> None:
        with lend(engine) as url:
            stores = [MemoryStore(), open_store(url)]
            found = []
            for store in stores:
                await store.open()
                await fill(store, batches)
                found.append(await answers(store, asked, kinds))
                await store.close()
            assert found[0] == found[1]

    asyncio.run(compare())
