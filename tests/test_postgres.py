"""The servers that the tests use are what they stand for."""

from __future__ import annotations

import asyncpg
import pytest

from .postgres import OwnPostgres, Postgres


@pytest.fixture(params=["postgres", "older_postgres"])
def server(request: pytest.FixtureRequest) -> Postgres:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Postgres)
    return found


@pytest.mark.parametrize("name", ["fsync", "synchronous_commit", "full_page_writes"])
def test_a_server_syncs_every_commit(server: Postgres, name: str) -> None:
    assert server.run(f"SHOW {name}")[0][0] == "on"


def test_two_major_versions_are_covered(postgres: Postgres, older_postgres: Postgres) -> None:
    newer, older = (
        int(one.run("SHOW server_version_num")[0][0]) // 10_000
        for one in (postgres, older_postgres)
    )
    assert newer != older


def test_every_database_is_fresh(server: Postgres) -> None:
    first, second = server.create(), server.create()
    server.run("CREATE TABLE here (number integer)", url=first)
    with pytest.raises(asyncpg.UndefinedTableError):
        server.run("SELECT * FROM here", url=second)
    for url in (first, second):
        server.drop(url)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        server.run("SELECT 1", url=first)


def test_a_server_can_be_stopped_killed_and_started(own_postgres: OwnPostgres) -> None:
    own_postgres.run("CREATE TABLE kept (number integer)")
    for end in (own_postgres.stop, own_postgres.kill):
        own_postgres.run("INSERT INTO kept VALUES (1)")
        end()
        with pytest.raises(OSError):  # noqa: PT011 - whichever the machine gives
            own_postgres.run("SELECT 1")
        own_postgres.start()
    assert own_postgres.run("SELECT count(*) FROM kept")[0][0] == 2
