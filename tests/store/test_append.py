"""Appending: all of a batch or nothing, whoever else writes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from counterfoil.errors import StoreCorruptError, StoreError
from counterfoil.record.row import LOG_SPAN, EventRow
from counterfoil.store import Batch, CountRow, Head, Store, open_store

from .writing import HOUR, NOON, grow, indexes, put, request, row, selection


async def contents(store: Store) -> list[Any]:
    """All that a store holds."""
    heads = await store.heads()
    found: list[Any] = [heads, await store.meta(), sorted(await store.inventory())]
    for head in heads:
        first, last = head.number * LOG_SPAN, (head.number + 1) * LOG_SPAN - 1
        found += await store.select(selection(first, last, limit=10_000))
        found += await store.mentions(first, last)
        found += await store.checkpoints(head.number, limit=100)
        for level in range(3):
            found += await store.tiles(head.number, level, 0, 100)
        found += await store.counts(head.number, "hour", 0, 1 << 40, {}, ("type", "company"))
        found += await store.counts(head.number, "day", 0, 1 << 40, {}, ("level", "outcome"))
    return found


class RefusalError(Exception):
    """What a build may raise."""


async def test_makes_a_log_at_its_first_append(store: Store) -> None:
    assert await store.head("default") is None
    seen: list[Head] = []

    def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
        seen.extend(heads.values())
        return Batch()

    await store.append([request("default", origin="example/first")], [], build)
    assert seen == [Head("default", 1, "example/first")]
    assert await store.head("default") == seen[0]


async def test_moves_the_head_and_keeps_its_origin(store: Store) -> None:
    await put(store, {}, {}, at=NOON)
    await put(store, {}, at=NOON + 5)
    head = await store.head("default")
    assert head == Head("default", 1, "test/default", 3, NOON + 5, (3).to_bytes(8, "big"))


async def test_lists_heads_by_name(store: Store) -> None:
    for log in ("mid", "a", "z", "a-1", "a.1", "a_1", "0"):
        await put(store, {}, log=log)
    heads = await store.heads()
    assert [head.log for head in heads] == ["0", "a", "a-1", "a.1", "a_1", "mid", "z"]
    assert len({head.number for head in heads}) == 7


async def test_a_seal_is_set_and_taken_off_with_the_head(store: Store) -> None:
    await put(store, {})

    async def seal(text: str | None) -> list[str | None]:
        seen = []

        def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
            head = heads["default"]
            seen.append(head.sealed)
            head.sealed = text
            return Batch(heads=[head])

        await store.append([request("default")], [], build)
        head = await store.head("default")
        assert head is not None
        assert head.sealed == text
        return seen

    assert await seal("gone") == [None]
    assert await seal("further") == ["gone"]
    assert await seal(None) == ["further"]


async def test_a_writer_sees_the_seal_of_another(shared_url: str) -> None:
    writer, sealer = open_store(shared_url), open_store(shared_url)
    await writer.open()
    await sealer.open()
    await put(writer, {})

    def seal(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
        heads["default"].sealed = "gone"
        return Batch(heads=[heads["default"]])

    def refuse(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
        head = heads["default"]
        if head.sealed:
            raise RefusalError
        return Batch(heads=[grow(head, 1)])

    # Nothing but the seal differs, which the writer has not seen yet.
    await sealer.append([request("default")], [], seal)
    with pytest.raises(RefusalError):
        await writer.append([request("default")], [], refuse)
    head = await writer.head("default")
    assert head is not None
    assert (head.size, head.sealed) == (1, "gone")
    await writer.close()
    await sealer.close()


async def test_appends_to_many_logs_in_turns_with_another_store(shared_url: str) -> None:
    stores = [open_store(shared_url) for _ in range(2)]
    for store in stores:
        await store.open()

    def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
        rows = [
            tuple(row(head.number * LOG_SPAN + head.size + number))
            for head in heads.values()
            for number in range(4)
        ]
        counts = [CountRow(head.number, HOUR, "c", "x", 0, 0, 4) for head in heads.values()]
        moved = [grow(head, 4) for head in heads.values()]
        return Batch(heads=moved, rows=rows, counts=counts)

    for turn in range(12):
        names = [f"log-{number:03}" for number in range(turn % 3 * 40, turn % 3 * 40 + 64)]
        await stores[turn // 4 % 2].append([request(name) for name in names], [], build)
    heads = await stores[0].heads()
    assert sum(head.size for head in heads) == 12 * 64 * 4
    for head in heads:
        assert await stores[1].counts(head.number, "hour", 0, HOUR, {}, ()) == [
            (HOUR, (), head.size)
        ]
    for store in stores:
        await store.close()


async def test_appends_to_many_logs_at_once(store: Store) -> None:
    names = [f"log-{number:02}" for number in range(64)]

    def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
        rows = [tuple(row(head.number * LOG_SPAN + head.size)) for head in heads.values()]
        return Batch(heads=[grow(head, 1) for head in heads.values()], rows=rows)

    for _ in range(3):
        await store.append([request(name) for name in names], [], build)
    heads = await store.heads()
    assert [(head.log, head.size) for head in heads] == [(name, 3) for name in names]
    found = await store.select(selection(0, LOG_SPAN * 100, limit=1000))
    assert len(found) == 3 * 64


@pytest.mark.parametrize("events", [1, 255, 256, 257, 600])
async def test_keeps_every_column_of_a_batch_of_any_size(store: Store, events: int) -> None:
    fields = {
        "occurred_at": -5,
        "expires_at": NOON + 1,
        "decays_at": NOON + 2,
        "level": 3,
        "outcome": 2,
        "company_id": "c-7",
        "resource_type": "order",
        "resource_id": "o-9",
        "user_id": "u-42 é \u2028 \U0001f512",
        "ip_address": "2001:db8::7",
        "session_id": "s",
        "request_id": "r",
        "mentions": 2,
        "entry": b'{"\x00":"\xff"}',
        "actor": b"",
        "client": b"\x00",
        "resource": b"r" * 70_000,
        "state": b"s",
        "details": b"d",
        "body": b"b",
    }
    before = await put(store, {}, {})
    rows = await put(store, *[fields] * events)
    assert await store.select(selection(limit=1000)) == before + rows
    assert await store.find([rows[-1].id]) == [rows[-1]]


async def test_gives_the_events_that_are_there_already(store: Store) -> None:
    [old] = await put(store, {})
    seen: list[Mapping[bytes, EventRow]] = []

    def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
        seen.append(known)
        return Batch()

    await store.append([request("default")], [b"\x01" * 16, old.id], build)
    assert seen == [{old.id: old}]


async def test_runs_what_needs_no_lock_first_and_once(store: Store) -> None:
    calls: list[str] = []

    def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
        calls.append("build")
        return Batch()

    await store.append([request("default")], [], build, lambda: calls.append("prepare"))
    assert calls == ["prepare", "build"]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 300])
async def test_gives_the_leaves_of_the_tile_that_is_not_full(store: Store, size: int) -> None:
    rows = await put(store, *[{}] * size)
    seen: list[bytes | None] = []

    def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
        seen.append(heads["default"].tail)
        return Batch()

    await store.append([request("default", lambda found: found == size)], [], build)
    await store.append([request("default", lambda found: found != size)], [], build)
    assert seen == [b"".join(one.leaf for one in rows[size - size % 256 :]), None]
    head = await store.head("default")
    assert head is not None
    assert head.tail is None


async def test_what_build_raises_leaves_nothing(store: Store) -> None:
    await put(store, {})
    before = await contents(store)

    def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
        for head in heads.values():
            grow(head, 9)
        raise RefusalError

    for log in ("default", "new"):
        with pytest.raises(RefusalError):
            await store.append([request(log)], [], build)
        with pytest.raises(RefusalError):
            await store.append([request(log)], [b"\x01" * 16], build)
    assert await contents(store) == before
    await put(store, {})
    assert await indexes(store) == [0, 1]


async def test_what_prepare_raises_leaves_nothing(store: Store) -> None:
    def prepare() -> None:
        raise RefusalError

    with pytest.raises(RefusalError):
        await store.append([request("new")], [], lambda heads, known: Batch(), prepare)
    assert await store.heads() == []
    await put(store, {})


@pytest.mark.parametrize("fresh", [True, False], ids=["first-append", "later-append"])
async def test_an_id_that_is_there_already_leaves_nothing(store: Store, fresh: bool) -> None:
    await put(store, {"id": b"i" * 16, "user_id": "alice@example.com"}, log="other")
    if not fresh:
        await put(store, {})
    before = await contents(store)
    with pytest.raises(StoreError) as caught:
        await put(
            store,
            {},
            {"id": b"i" * 16, "user_id": "alice@example.com"},
            mentions=[(0, "subject_0", "bob@example.com")],
            tiles=[(1, 0, 0, b"t" * 32)],
            counts=[(1, "c", "order_created", 0, 0, 2)],
        )
    assert caught.value.outcome_known
    assert "example.com" not in str(caught.value)
    assert await contents(store) == before
    await put(store, {})


async def test_an_id_twice_in_a_batch_leaves_nothing(store: Store) -> None:
    await put(store, {})
    before = await contents(store)
    with pytest.raises(StoreError):
        await put(store, {"id": b"i" * 16}, {"id": b"i" * 16})
    assert await contents(store) == before


async def test_tiles_grow_at_their_end(store: Store) -> None:
    one, two = b"\x01" * 32, b"\x02" * 32
    await put(store, {}, tiles=[(0, 0, 0, one * 256), (1, 0, 0, one)])
    await put(store, {}, tiles=[(1, 0, 1, two * 2), (1, 0, 3, one), (2, 7, 0, two)])
    assert await store.tile(1, 0, 0) == one * 256
    assert await store.tile(1, 1, 0) == one + two * 2 + one
    assert await store.tile(1, 2, 7) == two
    assert await store.tile(1, 2, 6) is None
    assert await store.tile(2, 0, 0) is None


@pytest.mark.parametrize(
    ("log", "held", "offset"),
    [
        ("default", 0, 1),
        ("default", 1, 0),
        ("default", 1, 2),
        ("default", 255, 256),
        ("new", 0, 1),
    ],
)
async def test_a_tile_that_does_not_fit_leaves_nothing(
    store: Store, log: str, held: int, offset: int
) -> None:
    await put(store, {}, tiles=[(1, 0, 0, b"h" * 32 * held)] if held else [])
    await put(store, {})
    before = await contents(store)
    with pytest.raises(StoreCorruptError):
        await put(store, {}, log=log, tiles=[(1, 0, offset, b"n" * 32)])
    assert await contents(store) == before
    await put(store, {}, log=log, tiles=[(1, 0, held, b"n" * 32)])


async def test_two_stores_append_to_one_database_in_turns(shared_url: str) -> None:
    stores = [open_store(shared_url) for _ in range(2)]
    for store in stores:
        await store.open()
    versions = [await stores[0].version()]
    for turn in range(40):
        await put(stores[turn // 3 % 2], {}, log=f"log-{turn % 2}", at=NOON + turn)
        versions.append(await stores[0].version())
    assert len(set(versions)) > 1
    for store in stores:
        assert [head.size for head in await store.heads()] == [20, 20]
        assert await indexes(store, limit=100) == list(range(20))
        await store.close()


async def test_two_stores_append_to_one_database_at_once(shared_url: str) -> None:
    stores = [open_store(shared_url) for _ in range(2)]
    for store in stores:
        await store.open()
    async with asyncio.TaskGroup() as tasks:
        for store in stores:
            for turn in range(30):
                count = (1, "", "order_created", 0, 0, 2)
                tasks.create_task(put(store, {}, {}, log=f"log-{turn % 2}", counts=[count]))
    first, second = await stores[0].heads()
    assert (first.size, second.size) == (60, 60)
    for head in (first, second):
        base = head.number * LOG_SPAN
        found = await stores[1].leaves(base, base + LOG_SPAN - 1)
        assert [position - base for position, _ in found] == list(range(60))
        assert await stores[1].counts(head.number, "hour", 0, 9, {}, ()) == [(1, (), 60)]
    for store in stores:
        await store.close()


async def test_version_tells_that_another_store_has_written(shared_url: str) -> None:
    reader, writer = open_store(shared_url), open_store(shared_url)
    await reader.open()
    await writer.open()
    before = await reader.version()
    assert await reader.version() == before
    await put(writer, {})
    assert await reader.version() != before
    await reader.close()
    await writer.close()
