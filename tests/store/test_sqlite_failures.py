"""When SQLite fails: our errors, nothing half-written, and afterwards it goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import apsw
import pytest

from counterfoil.errors import StoreCorruptError, StoreError, StoreFullError, StoreUnavailableError
from counterfoil.store import CheckpointRow
from counterfoil.store.sqlite import SQLiteStore
from counterfoil.store.sqlite_connection import PAGE_SIZE

from .faults import Faults, faults
from .writing import indexes, put


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture
def disk() -> Iterator[Faults]:
    with faults() as found:
        yield found


@pytest.fixture
async def store(path: Path, disk: Faults) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(path, timeout=0.05, vfs=disk.name)
    await store.open()
    yield store
    await store.close()


def sound(path: Path) -> bool:
    connection = apsw.Connection(str(path))
    found = connection.pragma("integrity_check")
    connection.close()
    return bool(found == "ok")


async def consistent(store: SQLiteStore) -> int:
    """The number of events, which must be dense and agree with head, counts and tiles."""
    head = await store.head("default")
    size = 0 if head is None else head.size
    assert await indexes(store, limit=1000) == list(range(size))
    counted = await store.counts(1, "day", 0, 1 << 40, {}, ())
    assert sum(events for _, _, events in counted) == size
    assert len(await store.tile(1, 0, 0) or b"") == size * 32
    return size


async def append(store: SQLiteStore, size: int, events: int) -> None:
    """A batch that touches every table, on a log that has this size."""
    await put(
        store,
        *[{"mentions": 1, "details": b"d" * 9000}] * events,
        mentions=[(place, "subject_0", "ann@example.com") for place in range(events)],
        tiles=[(0, 0, size, b"t" * 32 * events)],
        counts=[(1, "", "order_created", 0, 0, events)],
    )


async def attempt(store: SQLiteStore, size: int) -> StoreError | None:
    """Append one event; return how it failed."""
    try:
        await append(store, size, 1)
    except StoreError as error:
        return error
    return None


@pytest.mark.parametrize("error", [apsw.FullError, apsw.IOError])
@pytest.mark.parametrize("what", ["write", "sync"])
@pytest.mark.parametrize("known", [False, True], ids=["first-append", "later-append"])
async def test_a_disk_that_fails_at_any_point(
    store: SQLiteStore, disk: Faults, path: Path, error: type[apsw.Error], what: str, known: bool
) -> None:
    size = failures = 0
    if known:
        await append(store, size, 2)
        size = 2
    for good in count():
        disk.after = good
        setattr(disk, what, error)
        failure = await attempt(store, size)
        disk.end()
        if failure is None:
            break
        failures += 1
        assert str(path) in str(failure)
        assert "example.com" not in str(failure)
        assert isinstance(failure.__cause__, error)
        assert isinstance(failure, StoreFullError) == (error is apsw.FullError)
        assert failure.outcome_known or error is apsw.IOError
        # Whatever is there is whole, and the next one finds its place.
        assert await consistent(store) == size
        if known:
            await append(store, size, 1)
            size += 1
    assert failures >= (5 if what == "write" else 1)
    assert await consistent(store) == size + 1
    assert sound(path)


async def test_facts_and_checkpoints_fail_whole_too(store: SQLiteStore, disk: Faults) -> None:
    disk.write = apsw.FullError
    with pytest.raises(StoreFullError):
        await store.put_meta({"a": "1"})
    with pytest.raises(StoreFullError):
        await store.put_checkpoints([CheckpointRow(1, 1, 1, b"note")])
    disk.end()
    assert await store.meta() == {}
    assert await store.checkpoints(1) == []
    await store.put_meta({"a": "2"})
    assert await store.meta() == {"a": "2"}


async def test_a_disk_that_fails_while_opening(path: Path, disk: Faults) -> None:
    for good in count():
        disk.after, disk.write = good, apsw.FullError
        store = SQLiteStore(path, vfs=disk.name)
        try:
            await store.open()
        except StoreFullError:
            disk.end()
        else:
            disk.end()
            await append(store, 0, 1)
            assert await consistent(store) == 1
            await store.close()
            break
    assert good >= 3
    assert sound(path)


@pytest.mark.parametrize("known", [False, True], ids=["first-append", "later-append"])
async def test_another_s_lock_is_waited_for_in_vain_once(
    store: SQLiteStore, path: Path, known: bool
) -> None:
    if known:
        await put(store, {})
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError) as caught:
        await put(store, {})
    assert isinstance(caught.value.__cause__, apsw.BusyError)
    assert caught.value.outcome_known
    with pytest.raises(StoreUnavailableError):
        await store.put_meta({"a": "1"})
    # Reading needs no lock.
    assert await indexes(store) == ([0] if known else [])
    other.execute("ROLLBACK")
    other.close()
    await put(store, {})
    assert await indexes(store) == ([0, 1] if known else [0])


async def test_a_new_file_held_by_another_is_waited_for_in_vain_once(path: Path) -> None:
    other = apsw.Connection(str(path))
    other.execute("BEGIN EXCLUSIVE")
    store = SQLiteStore(path, timeout=0.05)
    with pytest.raises(StoreUnavailableError):
        await store.open()
    other.execute("ROLLBACK")
    other.close()
    await store.open()
    await store.close()


def damage(path: Path) -> None:
    """Overwrite all but the first page."""
    content = path.read_bytes()
    path.write_bytes(content[:PAGE_SIZE] + b"\xff" * (len(content) - PAGE_SIZE))


async def test_damage_within_the_file_is_named(path: Path) -> None:
    store = SQLiteStore(path)
    await store.open()
    await put(store, *[{"details": b"d" * 5000}] * 50)
    await store.close()
    damage(path)
    with pytest.raises(StoreCorruptError, match=path.name):
        await store.open()


async def test_a_text_that_is_none_is_named_without_its_bytes(
    store: SQLiteStore, path: Path
) -> None:
    await put(store, {"user_id": "ann"})
    other = apsw.Connection(str(path))
    other.execute("UPDATE event SET user_id = CAST(x'616e6eff' AS TEXT)")
    other.close()
    with pytest.raises(StoreCorruptError) as caught:
        await indexes(store)
    assert "ann" not in str(caught.value).replace(str(path), "")
    assert caught.value.__cause__ is None


async def test_files_that_are_gone_have_no_size(store: SQLiteStore, path: Path) -> None:
    await put(store, {})
    assert (await store.usage())["database"] > 0
    for name in ("audit.db", "audit.db-wal"):
        path.with_name(name).unlink()
    assert await store.usage() == {"database": 0, "log": 0}
