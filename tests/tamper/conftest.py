"""One database of each engine for all that tampers, and a fresh copy of it for each time."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.postgres import Postgres

from .database import Database, PostgresDatabase, SQLiteDatabase, fill

CopyOf = Callable[[], AbstractContextManager[Database]]


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> SQLiteDatabase:
    database = SQLiteDatabase(tmp_path_factory.mktemp("log"))
    asyncio.run(fill(database))
    database.run("PRAGMA wal_checkpoint(TRUNCATE)")
    return database


@pytest.fixture(scope="session")
def fresh_copy(original: SQLiteDatabase) -> CopyOf:
    @contextmanager
    def copy() -> Iterator[Database]:
        with tempfile.TemporaryDirectory() as folder:
            yield original.copy_to(Path(folder))

    return copy


@pytest.fixture(scope="session")
def postgres_original(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres
) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(tmp_path_factory.mktemp("log"), postgres, postgres.create())
    asyncio.run(fill(database))
    # A tamperer's insert need not say into which slice: there is one.
    for table in ("event", "id", "mention"):
        database.run(f"ALTER TABLE {table} ALTER COLUMN slice SET DEFAULT 0")
    yield database
    database.drop()


@pytest.fixture(scope="session")
def postgres_copy(postgres_original: PostgresDatabase) -> CopyOf:
    @contextmanager
    def copy() -> Iterator[Database]:
        with tempfile.TemporaryDirectory() as folder:
            database = postgres_original.copy_to(Path(folder))
            yield database
            database.drop()

    return copy
