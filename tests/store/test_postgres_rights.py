"""An application's role adds events; it changes and deletes none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from counterfoil.errors import ConfigurationError
from counterfoil.store import CheckpointRow, RegistryRow, open_store
from counterfoil.store.postgres_schema import prepare_database
from tests.postgres import Postgres

from .writing import HOUR, indexes, put

ROLE = "Shop's application"


@pytest.fixture
def url(postgres: Postgres) -> str:
    """A database that its owner has prepared for the role."""
    url = postgres.create()
    if not postgres.run("SELECT FROM pg_roles WHERE rolname = $1", ROLE):
        postgres.run(f"CREATE ROLE \"{ROLE}\" LOGIN PASSWORD 'of-no-worth'")
    asyncio.run(prepare_database(url, [ROLE]))
    return url


@pytest.fixture
def application(postgres: Postgres, url: str) -> Iterator[str]:
    """The database's address for the role."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = "Shop%27s%20application:of-no-worth"
    yield parts._replace(netloc=f"{user}@{host}").geturl()
    postgres.drop(url)


async def test_the_role_does_all_that_a_log_does(
    postgres: Postgres, url: str, application: str
) -> None:
    store = open_store(application)
    await store.open()
    await put(
        store,
        {"user_id": "u-1"},
        mentions=[(0, "subject_0", "u-2")],
        tiles=[(1, 0, 0, b"h" * 32)],
        counts=[(HOUR, "c-1", "login", 0, 0, 1)],
    )
    await put(store, {}, tiles=[(1, 0, 1, b"h" * 32)], counts=[(HOUR, "c-1", "login", 0, 0, 1)])
    await store.put_checkpoints([CheckpointRow(1, 1, 1, b"note")])
    await store.put_meta({"a": "b"})
    await store.put_company_logs({"c-1": "random"})
    await store.register(RegistryRow("key", "one", b"value"))
    assert await store.unregister("key", "one")
    assert await indexes(store) == [0, 1]
    # A new slice is made by a function of the owner's.
    postgres.run("UPDATE counterfoil.slice SET full_at = 0", url=url)
    assert postgres.run("SELECT counterfoil.begin_slice()", url=application)[0][0]
    await put(store, {"user_id": "u-1"})
    assert await indexes(store) == [0, 1, 2]
    assert await indexes(store, equal={"user_id": ("u-1",)}) == [0, 2]
    await store.close()
    slices = postgres.run("SELECT slice FROM counterfoil.event ORDER BY position", url=url)
    assert [number for (number,) in slices] == [0, 0, 1]


@pytest.mark.parametrize(
    "sql",
    [
        *(
            f"{verb} counterfoil.{table}{rest}"
            for table in ("event", "event_0", "id", "mention", "mention_0", "checkpoint", "meta")
            for verb, rest in (("DELETE FROM", ""), ("TRUNCATE", ""), ("DROP TABLE", ""))
        ),
        "UPDATE counterfoil.event SET entry = ''",
        "UPDATE counterfoil.event SET details = NULL",
        "UPDATE counterfoil.event_0 SET user_id = NULL",
        "UPDATE counterfoil.id SET position = 0",
        "UPDATE counterfoil.mention SET person = ''",
        "UPDATE counterfoil.checkpoint SET note = ''",
        "UPDATE counterfoil.meta SET value = ''",
        "UPDATE counterfoil.log SET name = 'other'",
        "UPDATE counterfoil.slice SET full_at = 0",
        "DELETE FROM counterfoil.log",
        "DELETE FROM counterfoil.tile",
        "DELETE FROM counterfoil.count_by_hour",
        "DELETE FROM counterfoil.company_log",
        "ALTER TABLE counterfoil.event DISABLE TRIGGER ALL",
        "CREATE TABLE counterfoil.mine (number integer)",
        "DELETE FROM counterfoil.migration",
        "SELECT counterfoil.append(NULL, NULL, NULL, NULL, NULL) FROM counterfoil.event FOR UPDATE",
    ],
)
def test_the_role_changes_and_deletes_nothing(
    postgres: Postgres, application: str, sql: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        postgres.run(sql, url=application)


async def test_a_role_that_is_not_there_is_refused(postgres: Postgres) -> None:
    url = postgres.borrow()
    with pytest.raises(ConfigurationError, match="CREATE ROLE"):
        await prepare_database(url, ['nobody"; DROP SCHEMA counterfoil CASCADE; --'])
    postgres.give_back(url)
