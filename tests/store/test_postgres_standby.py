"""A server with a standby: which one is written to, and what may be said to be recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from urllib.parse import urlsplit

import pytest

from counterfoil.errors import StoreReadOnlyError, StoreUnavailableError
from counterfoil.record.row import LOG_SPAN, EventRow
from counterfoil.store import Batch, Head, Store, open_store
from tests.postgres import Postgres, wheel
from tests.replica import Pair

from .proxy import proxy
from .writing import grow, indexes, put, request, row


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    found = Pair(wheel(18))
    yield found
    found.close()


@pytest.fixture
def database(pair: Pair) -> Iterator[str]:
    """The name of a database that holds an empty log."""
    url = pair.primary.borrow()
    yield urlsplit(url).path
    pair.primary.drop(url)


@pytest.fixture
async def store(pair: Pair, database: str) -> AsyncIterator[Store]:
    """A store on the primary, with one event."""
    store = open_store(address(pair.primary, database), timeout=1.0)
    await store.open()
    await put(store, {})
    pair.catch_up()
    yield store
    await store.close()


def address(server: Postgres, database: str) -> str:
    return server.address(database.removeprefix("/"))


def both(*servers: str) -> str:
    """The address of several servers' database of one name."""
    hosts = ",".join(urlsplit(server).netloc.rpartition("@")[2] for server in servers)
    return f"postgresql://postgres@{hosts}{urlsplit(servers[0]).path}"


async def recorded(url: str, patience: float = 5.0) -> list[int]:
    """What a store of one's own finds after it has written."""
    store = open_store(url, timeout=patience)
    await store.open()
    try:
        await put(store, {})
        return await indexes(store)
    finally:
        await store.close()


async def test_of_several_servers_the_one_that_takes_writes_is_found(
    pair: Pair, store: Store, database: str
) -> None:
    standby, primary = address(pair.standby, database), address(pair.primary, database)
    assert await recorded(both(standby, primary)) == [0, 1]
    assert await recorded(both(primary, standby)) == [0, 1, 2]
    # As an option of the address, too.
    ports = ",".join(str(urlsplit(one).port) for one in (standby, primary))
    hosts = "127.0.0.1,127.0.0.1"
    url = f"postgresql://postgres@{database}?host={hosts}&port={ports}"
    assert await recorded(url) == [0, 1, 2, 3]


async def test_one_that_does_not_answer_keeps_nobody_from_the_next(
    pair: Pair, store: Store, database: str
) -> None:
    gone = asyncio.Event()
    connected = 0

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connected
        connected += 1
        await gone.wait()
        writer.transport.abort()

    async with await asyncio.start_server(hang, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        silent = f"postgresql://postgres@127.0.0.1:{port}{database}"
        assert await recorded(both(silent, address(pair.primary, database)), 2.0) == [0, 1]
        gone.set()
    # From then on it is the last one that is tried.
    assert connected == 1


async def test_a_standby_alone_is_said_to_be_one(pair: Pair, store: Store, database: str) -> None:
    standby = address(pair.standby, database)
    nowhere = f"postgresql://postgres@127.0.0.1:1{database}"
    for url in (both(standby, nowhere), both(nowhere, standby)):
        with pytest.raises(StoreReadOnlyError, match="standby"):
            await recorded(url)
    # Whoever asks for one gets it.
    store = open_store(f"{both(nowhere, standby)}?target_session_attrs=any")
    await store.open()
    await indexes(store)
    await store.close()


async def test_nothing_is_acknowledged_that_the_standby_does_not_have(
    pair: Pair, store: Store, database: str
) -> None:
    event_id = bytes(16)
    # Another process, which knows the head as it is now.
    other = open_store(address(pair.primary, database), timeout=1.0)
    await other.open()
    await put(other, {})
    await put(store, {})
    pair.standby.stop()
    try:
        with pytest.raises(StoreUnavailableError) as caught:
            await put_once(store, event_id)
        assert not caught.value.outcome_known
        # It can be read, but stands only here.
        assert [found.id for found in await other.find([event_id])] == [event_id]
        for one in (other, store):
            with pytest.raises(StoreUnavailableError):
                await put_once(one, event_id)
    finally:
        pair.standby.start()
        pair.wait_for_the_standby()
    assert await put_once(other, event_id) == 0
    assert await indexes(store) == [0, 1, 2, 3]
    await other.close()


async def put_once(store: Store, event_id: bytes) -> int:
    """Append an event unless it is there; how many were."""
    fresh = 0

    def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
        nonlocal fresh
        fresh = len({event_id} - known.keys())
        if not fresh:
            return Batch()
        head = heads["default"]
        position = head.number * LOG_SPAN + head.size
        return Batch(heads=[grow(head, 1)], rows=[tuple(row(position, id=event_id))])

    await store.append([request("default")], [event_id], build)
    return fresh


async def test_a_standby_that_lags_behind_does_not_say_that_nothing_is_recorded(
    pair: Pair, store: Store, database: str
) -> None:
    async with proxy(address(pair.primary, database)) as way:
        moving = open_store(way.url, timeout=2.0)
        await moving.open()
        await put(moving, {})
        pair.standby.run("SELECT pg_wal_replay_pause()")
        try:

            def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
                # The answer is lost, and whoever connects again finds the other server.
                way.lose = "answer"
                way.lead_to(pair.standby.url)
                head = heads["default"]
                position = head.number * LOG_SPAN + head.size
                return Batch(heads=[grow(head, 1)], rows=[tuple(row(position))])

            with pytest.raises(StoreUnavailableError) as caught:
                await moving.append([request("default")], [], build)
            assert not caught.value.outcome_known
        finally:
            pair.standby.run("SELECT pg_wal_replay_resume()")
            await moving.close()
    assert await recorded(address(pair.primary, database)) == [0, 1, 2, 3]


async def test_whoever_wrote_to_a_standby_looks_for_the_server_again(
    pair: Pair, store: Store, database: str
) -> None:
    async with proxy(address(pair.standby, database)) as way:
        moving = open_store(way.url, timeout=2.0)
        await moving.open()
        assert await indexes(moving) == [0]
        with pytest.raises(StoreReadOnlyError) as caught:
            await put(moving, {})
        assert caught.value.outcome_known
        # As a name or a proxy does that leads to the primary from now on.
        way.lead_to(pair.primary.url)
        await put(moving, {})
        assert await indexes(moving) == [0, 1]
        await moving.close()
