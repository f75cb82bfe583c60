"""Answers that are lost on their way: what became of the batch is found out, or said not to be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from secrets import token_bytes
from typing import Literal

import pytest

from counterfoil.errors import StoreError, StoreUnavailableError
from counterfoil.record.row import EventRow
from counterfoil.store import Batch, Head, Store, open_store
from tests.postgres import Postgres

from .proxy import Proxy, proxy
from .writing import grow, indexes, put, request, row


@pytest.fixture
async def way(postgres_url: str) -> AsyncIterator[Proxy]:
    async with proxy(postgres_url) as found:
        yield found


@pytest.fixture
async def store(way: Proxy) -> AsyncIterator[Store]:
    """A store that reaches its server by the way, and has written one event."""
    store = open_store(way.url, timeout=2.0)
    await store.open()
    await put(store, {})
    yield store
    await store.close()


async def append(store: Store, before: Callable[[], None] = lambda: None) -> None:
    """Append an event after something has happened, once, while it was built."""
    calls = 0

    def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
        nonlocal calls
        calls += 1
        if calls == 1:
            before()
        head = heads["default"]
        position = (head.number << 40) + head.size
        return Batch(heads=[grow(head, 1)], rows=[tuple(row(position, leaf=token_bytes(32)))])

    await store.append([request("default")], [], build)


@pytest.fixture(params=[False, True], ids=["built-first", "locked-first"])
async def sizes(
    request: pytest.FixtureRequest, store: Store, postgres_url: str
) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """Tells how many events there are; the store has last written by itself, or another has."""
    other = open_store(postgres_url)
    await other.open()
    if request.param:
        await put(other, {})

    async def count() -> int:
        found = await indexes(other)
        assert found == list(range(len(found)))
        return len(found)

    yield count
    await other.close()


Sizes = Callable[[], Awaitable[int]]


@pytest.mark.parametrize("what", ["request", "answer"])
async def test_a_batch_is_recorded_once_whichever_way_was_lost(
    way: Proxy, store: Store, sizes: Sizes, what: Literal["request", "answer"]
) -> None:
    before = await sizes()
    await append(store, lambda: setattr(way, "lose", what))
    assert await sizes() == before + 1
    await append(store)
    assert await sizes() == before + 2


async def test_a_server_that_does_not_answer_is_left_alone(
    way: Proxy, store: Store, sizes: Sizes
) -> None:
    before = await sizes()
    # The batch may be found, or the transaction have been given up: the answer is definite.
    try:
        await append(store, lambda: setattr(way, "lose", "hold"))
    except StoreUnavailableError as error:
        failure: StoreUnavailableError | None = error
    else:
        failure = None
    assert failure is None or failure.outcome_known
    assert await sizes() == before + (failure is None)
    await append(store)
    assert await sizes() == before + 1 + (failure is None)


async def test_what_cannot_be_found_out_is_said_not_to_be_known(
    way: Proxy, store: Store, postgres_url: str
) -> None:
    def cut() -> None:
        way.lose, way.closing = "answer", True

    with pytest.raises(StoreUnavailableError) as caught:
        await append(store, cut)
    assert not caught.value.outcome_known
    assert "event_id" in str(caught.value)


async def test_before_anything_was_sent_nothing_is_there(way: Proxy, store: Store) -> None:
    way.closing = True
    for session_lost in range(3):
        way.lose = "request"
        with pytest.raises(StoreError) as caught:
            await put(store, {})
        assert caught.value.outcome_known == (session_lost > 0)


async def test_reading_goes_on_over_another_connection(way: Proxy, store: Store) -> None:
    await indexes(store)
    way.lose = "request"
    assert await indexes(store) == [0]
    way.lose = "answer"
    assert await indexes(store) == [0]


async def test_sessions_that_were_ended_are_replaced(
    store: Store, postgres: Postgres, postgres_url: str
) -> None:
    for number in range(1, 4):
        postgres.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            url=postgres_url,
        )
        await put(store, {})
        assert await indexes(store) == list(range(number + 1))
