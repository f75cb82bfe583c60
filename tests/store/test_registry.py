"""The registry: small facts that servers of one database share."""

from __future__ import annotations

from counterfoil.store import RegistryRow, Store, open_store

ROW = RegistryRow("key", "k-1", b"first", None)


async def test_what_is_registered_is_found(store: Store) -> None:
    assert await store.registered("key", "k-1") is None
    assert await store.register(ROW) == ROW
    assert await store.registered("key", "k-1") == ROW
    assert await store.registered("session", "k-1") is None


async def test_the_first_to_register_stays(store: Store) -> None:
    await store.register(ROW)
    assert await store.register(ROW._replace(value=b"second", expires_at=5)) == ROW
    assert await store.registered("key", "k-1") == ROW


async def test_a_kind_is_listed_by_name(store: Store) -> None:
    rows = [RegistryRow("key", name, b"v", None) for name in ("b", "a", "c")]
    for row in [*rows, RegistryRow("session", "b", b"v", 9)]:
        await store.register(row)
    assert [row.name for row in await store.registry("key")] == ["a", "b", "c"]
    assert await store.registry("session") == [RegistryRow("session", "b", b"v", 9)]
    assert await store.registry("view") == []


async def test_a_row_is_replaced_where_it_is_as_expected(store: Store) -> None:
    await store.register(ROW)
    other = ROW._replace(value=b"second", expires_at=77)
    assert not await store.reregister(other, b"what it never was")
    assert await store.registered("key", "k-1") == ROW
    assert await store.reregister(other, b"first")
    assert await store.registered("key", "k-1") == other
    assert not await store.reregister(other._replace(name="k-2"), b"second")
    assert await store.registered("key", "k-2") is None


async def test_a_row_is_removed_once(store: Store) -> None:
    await store.register(ROW)
    assert await store.unregister("key", "k-1")
    assert not await store.unregister("key", "k-1")
    assert await store.registered("key", "k-1") is None


async def test_expired_rows_are_removed(store: Store) -> None:
    for name, expires_at in (("past", 10), ("now", 20), ("later", 21), ("never", None)):
        await store.register(RegistryRow("session", name, b"v", expires_at))
    assert await store.unregister_expired(20) == 2
    assert [row.name for row in await store.registry("session")] == ["later", "never"]
    assert await store.unregister_expired(20) == 0


async def test_several_processes_share_it(shared_url: str) -> None:
    one, two = open_store(shared_url), open_store(shared_url)
    await one.open()
    await two.open()
    await one.register(ROW)
    assert await two.register(ROW._replace(value=b"second")) == ROW
    await one.close()
    assert await two.registered("key", "k-1") == ROW
    await two.close()
