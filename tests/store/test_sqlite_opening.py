"""Opening an SQLite file: how connections are set, and which files are refused untouched."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import apsw
import pytest

from counterfoil.errors import SchemaError, StoreCorruptError, StoreError, StoreUnavailableError
from counterfoil.store.migration import load, pending
from counterfoil.store.sqlite import SQLiteStore
from counterfoil.store.sqlite_connection import PAGE_SIZE

from .faults import faults
from .writing import indexes, put

ROOT = Path(__file__).parents[2]
FILES = ["audit.db", "audit.db-wal", "audit.db-shm"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture
def connections() -> Iterator[list[apsw.Connection]]:
    """Every connection that is opened from now on."""
    found: list[apsw.Connection] = []
    apsw.connection_hooks.append(found.append)
    yield found
    apsw.connection_hooks.remove(found.append)


async def made(path: Path) -> None:
    """A log with one event."""
    store = SQLiteStore(path)
    await store.open()
    await put(store, {})
    await store.close()


async def refused(path: Path, kind: type[StoreError]) -> StoreError:
    """Opening must fail with this error, must say which file, and may be tried again."""
    store = SQLiteStore(path)
    for _ in range(2):
        with pytest.raises(kind) as caught:
            await store.open()
    assert str(path) in str(caught.value) or kind is SchemaError
    assert caught.value.remedy
    return caught.value


def rights(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


@pytest.fixture
def shared(path: Path) -> Path:
    """An empty file that a group may write to."""
    path.touch()
    path.chmod(0o660)
    return path


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
async def test_new_files_are_for_their_owner_alone(path: Path) -> None:
    store = SQLiteStore(path)
    await store.open()
    await put(store, {})
    assert rights(path.parent) == dict.fromkeys(FILES, 0o600)
    await store.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
async def test_a_file_that_is_there_keeps_its_rights(shared: Path) -> None:
    store = SQLiteStore(shared)
    await store.open()
    await put(store, {})
    assert rights(shared.parent) == dict.fromkeys(FILES, 0o660)
    await store.close()


async def test_every_connection_is_synced_at_every_commit(
    path: Path, connections: list[apsw.Connection]
) -> None:
    store = SQLiteStore(path)
    await store.open()
    await put(store, {})
    assert len(connections) == 3
    for connection in connections:
        assert connection.pragma("journal_mode") == "wal"
        assert connection.pragma("synchronous") == 2
        assert connection.pragma("page_size") == PAGE_SIZE
        assert connection.pragma("mmap_size") == 0
    await store.close()


async def test_a_file_with_other_pages_is_used_as_it_is(path: Path) -> None:
    other = apsw.Connection(str(path))
    other.pragma("page_size", 4096)
    other.pragma("journal_mode", "wal")
    other.close()
    await made(path)
    assert apsw.Connection(str(path)).pragma("page_size") == 4096


async def test_the_folder_must_exist(tmp_path: Path) -> None:
    error = await refused(tmp_path / "none" / "audit.db", StoreUnavailableError)
    assert isinstance(error.__cause__, apsw.CantOpenError)


async def test_a_folder_is_no_file(tmp_path: Path) -> None:
    await refused(tmp_path, StoreUnavailableError)


@pytest.fixture(params=[b"no database" * 1000, b"SQLite format 3\0" + b"\xff" * 9000])
def damaged(request: pytest.FixtureRequest, path: Path) -> Iterator[Path]:
    """A file that must be left as it is."""
    path.write_bytes(request.param)
    yield path
    assert path.read_bytes() == request.param


async def test_a_damaged_file_is_refused_untouched(damaged: Path) -> None:
    await refused(damaged, StoreCorruptError)


@pytest.fixture
def foreign(path: Path) -> Iterator[Path]:
    """A database of something else, which must be left as it is."""
    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE customer (name TEXT)")
    other.close()
    before = path.read_bytes()
    yield path
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


async def test_a_database_of_something_else_is_refused_untouched(foreign: Path) -> None:
    await refused(foreign, SchemaError)


async def test_a_newer_schema_is_refused(path: Path) -> None:
    await made(path)
    connection = apsw.Connection(str(path))
    connection.execute("INSERT INTO migration VALUES (99, 'later', '0')")
    connection.close()
    error = await refused(path, SchemaError)
    assert "version 99" in error.message


async def test_a_changed_migration_is_refused(path: Path) -> None:
    await made(path)
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE migration SET checksum = 'another' WHERE number = 1")
    connection.close()
    error = await refused(path, SchemaError)
    assert "Migration 1" in error.message


def test_migrations_are_numbered_from_one_with_their_checksums() -> None:
    migrations = load("sqlite")
    assert [item.number for item in migrations] == list(range(1, len(migrations) + 1))
    for item in migrations:
        assert item.checksum == sha256(item.sql.encode()).hexdigest()


def test_migrations_run_once_each() -> None:
    migrations = load("sqlite")
    applied = {item.number: item.checksum for item in migrations}
    assert pending(migrations, {}) == migrations
    assert pending(migrations, applied) == []


async def test_a_read_only_file_can_not_be_opened(path: Path) -> None:
    await made(path)
    with faults() as disk:
        disk.read_only = True
        store = SQLiteStore(path, vfs=disk.name)
        with pytest.raises(StoreUnavailableError) as caught:
            await store.open()
        assert str(path) in str(caught.value)
        disk.read_only = False
        await store.open()
        assert await indexes(store) == [0]
        await store.close()


async def test_the_folder_may_be_left_after_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = SQLiteStore(Path("audit.db"))
    monkeypatch.chdir(tmp_path.parent)
    await store.open()
    await put(store, {})
    assert (await store.usage())["database"] > 0
    await store.close()
    assert (tmp_path / "audit.db").exists()


def test_processes_that_open_a_new_file_at_once_agree(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.store.opening"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    try:
        for process in processes:
            assert _line(process) == "ready"
        for number in range(12):
            path = tmp_path / f"{number}.db"
            for process in processes:
                assert process.stdin is not None
                process.stdin.write(f"{path}\n")
                process.stdin.flush()
            assert [_line(process) for process in processes] == ["opened"] * 4
            connection = apsw.Connection(str(path))
            assert connection.execute("SELECT count(*) FROM migration").get == len(load("sqlite"))
            assert connection.execute("SELECT count(*), max(position) & 1023 FROM event").get == (
                4,
                3,
            )
            connection.close()
    finally:
        for process in processes:
            process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()
