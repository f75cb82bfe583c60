"""Slices: a store that fills one begins the next by itself, and reads them as one."""

from __future__ import annotations

import pytest

from counterfoil.record.row import LOG_SPAN
from counterfoil.store import open_store
from tests.postgres import Postgres

from .writing import indexes, put

BATCHES, WIDTH = 12, 25


async def test_a_full_slice_is_followed_by_another(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterfoil.store.postgres._SLICE_CHECK", 2 * WIDTH)
    url = postgres.create()
    store = open_store(url)
    await store.open()
    # Two pages: some batches fit in.
    postgres.run("UPDATE counterfoil.slice SET full_at = 16384", url=url)
    rows = []
    for number in range(BATCHES):
        rows += await put(
            store,
            *[{"user_id": f"user-{number}", "details": b"d" * 100}] * WIDTH,
            mentions=[(0, "subject_0", f"person-{number}")],
        )
        # What was begun in the background is awaited there; what was counted goes on.
        await store.close()
        await store.open()
    slices = [
        number
        for (number,) in postgres.run(
            "SELECT slice FROM counterfoil.event ORDER BY position", url=url
        )
    ]
    assert slices == sorted(slices)
    assert slices[0] == 0
    assert slices[-1] >= 2
    assert len(set(slices)) == slices[-1] + 1

    everything = LOG_SPAN, 2 * LOG_SPAN - 1
    assert await indexes(store, limit=1000) == list(range(BATCHES * WIDTH))
    assert await indexes(store, newest_first=True, limit=60) == list(
        reversed(range(BATCHES * WIDTH - 60, BATCHES * WIDTH))
    )
    assert sorted(await store.find([row.id for row in rows])) == rows
    assert await indexes(store, equal={"user_id": ["user-7"]}) == list(range(7 * WIDTH, 8 * WIDTH))
    assert await indexes(store, person="person-11") == [11 * WIDTH]
    assert [row.person for row in await store.mentions(*everything)] == [
        f"person-{number}" for number in range(BATCHES)
    ]
    assert [leaf for _, leaf in await store.leaves(*everything)] == [row.leaf for row in rows]
    assert await store.misplaced_ids(*everything) == []
    assert await store.stray_ids(1) == []
    await store.close()
    postgres.drop(url)
