"""Direct appends: all or nothing, in order, and no more than one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.errors import StoreUnavailableError
from counterfoil.log.write.direct_append import DirectAppend
from counterfoil.record import Draft
from counterfoil.record.entry import UntimedEntry

from .flaky_store import FlakyStore, Trouble


def entries(*logs: str) -> list[UntimedEntry]:
    drafts = [Draft("user_login", SYSTEM_CLOCK.event_id(), 0, log) for log in logs]
    for draft in drafts:
        draft.named = frozenset({"event_id"})
    return [UntimedEntry(draft) for draft in drafts]


class Direct:
    """A direct append on a store, and what it did."""

    def __init__(self, store: FlakyStore) -> None:
        self.committed: list[dict[str, int]] = []
        self.cleared: list[str] = []
        self.append = DirectAppend(
            store, SYSTEM_CLOCK, lambda log: f"here/{log}", self._clear, self.committed.append, 0.5
        ).append

    async def _clear(self, log: str) -> None:
        self.cleared.append(log)


@pytest.fixture
async def direct(store: FlakyStore) -> AsyncIterator[Direct]:
    await store.open()
    yield Direct(store)
    await store.close()


async def test_all_or_nothing_in_order(store: FlakyStore, direct: Direct) -> None:
    group = entries("b", "a", "b", "b")
    store.chokes_on = group[2].event_id
    with pytest.raises(TypeError):
        await direct.append(group)
    assert [head.size for head in await store.heads()] == []
    assert direct.committed == []
    store.chokes_on = None
    assert await direct.append(group) == []
    assert direct.committed == [{"a": 1, "b": 3}]
    assert direct.cleared == ["a", "b", "a", "b"]
    rows = sorted(await store.find([entry.id for entry in group]))
    assert [row.id for row in rows if b'"log":"b"' in row.entry] == [
        group[place].id for place in (0, 2, 3)
    ]


async def test_what_is_there_already_is_told(store: FlakyStore, direct: Direct) -> None:
    first, second, third = entries("a", "a", "a")
    await direct.append([first, second])
    assert await direct.append([third, second, third, first]) == [1, 2, 3]
    assert direct.committed == [{"a": 2}, {"a": 3}]


async def test_a_store_that_hangs_is_given_nothing_more(store: FlakyStore, direct: Direct) -> None:
    group = entries("a", "a")
    store.go(Trouble.HANGS)
    for _ in range(2):
        with pytest.raises(StoreUnavailableError) as caught:
            await direct.append(group)
        assert not caught.value.outcome_known
    assert store.tries == 1
    await store.come_back()
    assert await direct.append(group) == [0, 1]
    assert direct.committed == [{"a": 2}]


async def test_a_caller_that_is_cancelled_leaves_it_to_the_store(
    store: FlakyStore, direct: Direct
) -> None:
    group = entries("a")
    store.go(Trouble.HANGS)
    call = asyncio.create_task(direct.append(group))
    await store.tried(1)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await store.come_back()
    await store.holds(group[0].event_id)
