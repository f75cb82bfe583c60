"""What goes wrong with a server: each an error of its own that says what to do."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from counterfoil.errors import (
    ConfigurationError,
    MissingExtraError,
    SchemaError,
    StoreBusyError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreLoginError,
    StoreMissingError,
    StoreReadOnlyError,
    StoreRightsError,
    StoreUnavailableError,
    StoreUnsafeError,
)
from counterfoil.store import Store, open_store
from tests.postgres import OwnPostgres, wheel

from .writing import indexes, put

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgres]:
    """A server where the role ``guarded`` needs a password."""
    found = OwnPostgres(wheel(18))
    found.run(f"CREATE ROLE guarded LOGIN PASSWORD '{PASSWORD}'")
    rules = found.data / "pg_hba.conf"
    rules.write_text(f"host all guarded 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
    found.run("SELECT pg_reload_conf()")
    yield found
    found.close()


@pytest.fixture
def url(server: OwnPostgres) -> Iterator[str]:
    found = server.create()
    yield found
    server.drop(found)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = open_store(url, timeout=1.0)
    await store.open()
    yield store
    await store.close()


async def opened(url: str) -> None:
    """Open a store that is expected to refuse; where it does not, close it."""
    store = open_store(url, timeout=2.0)
    await store.open()
    await store.close()


def as_user(url: str, user: str) -> str:
    return url.replace("postgres@", f"{user}@")


async def test_a_wrong_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(StoreLoginError) as caught:
        await opened(as_user(url, "guarded:wrong-and-secret"))
    assert "pg_hba.conf" in str(caught.value)
    error: BaseException | None = caught.value
    while error is not None:
        assert "wrong-and-secret" not in f"{error!r}{error}"
        error = error.__cause__ or error.__context__


async def test_a_password_is_in_no_name_and_no_message(url: str) -> None:
    address = as_user(url, f"guarded:{PASSWORD}")
    assert PASSWORD not in open_store(address).name
    with pytest.raises(StoreRightsError) as caught:
        await opened(address)
    assert PASSWORD not in str(caught.value)
    assert "counterfoil postgres migrate" in str(caught.value)


async def test_a_database_that_is_not_there(server: OwnPostgres) -> None:
    with pytest.raises(StoreMissingError, match="Create it"):
        await opened(server.address("nowhere"))


async def test_no_server_at_all() -> None:
    with pytest.raises(StoreUnavailableError, match="Check that the server runs"):
        await opened("postgresql://postgres@127.0.0.1:1/audit")


async def test_a_role_without_rights_to_the_schema(server: OwnPostgres, store: Store) -> None:
    server.run("CREATE ROLE nobody_here LOGIN")
    with pytest.raises(StoreRightsError):
        await opened(as_user(open_url(server, store), "nobody_here"))


def open_url(server: OwnPostgres, store: Store) -> str:
    return server.address(store.name.rpartition("/")[2])


async def test_too_many_connections(server: OwnPostgres, store: Store) -> None:
    url = open_url(server, store)
    server.run("DROP ROLE IF EXISTS crowded")
    server.run("CREATE ROLE crowded LOGIN SUPERUSER CONNECTION LIMIT 0")
    server.run("ALTER ROLE crowded NOSUPERUSER")
    with pytest.raises(StoreBusyError, match="max_connections"):
        await opened(as_user(url, "crowded"))


async def test_a_server_that_takes_no_writes_is_read_from(
    server: OwnPostgres, url: str, store: Store
) -> None:
    await put(store, {})
    await store.close()
    database = url.rpartition("/")[2]
    server.run(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    await store.open()
    assert await indexes(store) == [0]
    with pytest.raises(StoreReadOnlyError, match="primary") as caught:
        await put(store, {})
    assert caught.value.outcome_known


@pytest.mark.parametrize(
    ("code", "error"),
    [("disk_full", StoreFullError), ("data_corrupted", StoreCorruptError)],
)
async def test_a_disk_that_is_full_or_broken(
    server: OwnPostgres, url: str, store: Store, code: str, error: type[StoreError]
) -> None:
    await put(store, {})
    server.run(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$",
        url=url,
    )
    server.run(
        "CREATE TRIGGER fail BEFORE INSERT ON counterfoil.event EXECUTE FUNCTION fail()", url=url
    )
    with pytest.raises(error) as caught:
        await put(store, {})
    assert caught.value.outcome_known
    server.run("DROP TRIGGER fail ON counterfoil.event", url=url)
    await put(store, {})
    assert await indexes(store) == [0, 1]


async def test_a_head_that_is_held_for_too_long(url: str, store: Store) -> None:
    await put(store, {})
    holder = await asyncpg.connect(url)
    async with holder.transaction():
        await holder.execute("SELECT FROM counterfoil.log FOR UPDATE")
        with pytest.raises(StoreUnavailableError, match="long transaction") as caught:
            await put(store, {})
        assert caught.value.outcome_known
        # Another log's head is another row, and nobody waits for it.
        await put(store, {}, log="another")
    await holder.close()
    await put(store, {})
    assert await indexes(store) == [0, 1]


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
async def test_a_server_that_does_not_sync_is_refused(
    server: OwnPostgres, url: str, setting: str
) -> None:
    server.run(f"ALTER SYSTEM SET {setting} = off")
    try:
        reload(server, setting, "off")
        with pytest.raises(StoreUnsafeError, match=f"{setting} is off.*configuration"):
            await opened(url)
    finally:
        server.run("ALTER SYSTEM RESET ALL")
        reload(server, setting, "on")
    await opened(url)


async def test_nor_is_one_that_was_told_otherwise_for_the_log(
    server: OwnPostgres, url: str
) -> None:
    server.run("CREATE ROLE hasty SUPERUSER LOGIN")
    database = url.rpartition("/")[2]
    reset = ["ALTER ROLE hasty RESET ALL", f"ALTER DATABASE {database} RESET ALL"]
    for order, source in {
        f"ALTER DATABASE {database} SET": "ALTER DATABASE",
        "ALTER ROLE hasty SET": "ALTER ROLE",
        f"ALTER ROLE hasty IN DATABASE {database} SET": "IN DATABASE",
    }.items():
        server.run(f"{order} synchronous_commit = off")
        with pytest.raises(StoreUnsafeError, match=f"synchronous_commit is off.*{source}"):
            await opened(as_user(url, "hasty"))
        for statement in reset:
            server.run(statement)
        server.run(f"ALTER ROLE hasty IN DATABASE {database} RESET ALL")
    with pytest.raises(StoreUnsafeError, match=r"synchronous_commit is off.*address"):
        await opened(f"{as_user(url, 'hasty')}?synchronous_commit=off")
    # Whatever else it may be is synced, if not to a standby.
    await opened(f"{as_user(url, 'hasty')}?synchronous_commit=local")
    server.drop(url)
    server.run("DROP ROLE hasty")


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
async def test_a_server_that_no_longer_syncs_is_refused(
    server: OwnPostgres, url: str, store: Store, setting: str
) -> None:
    await put(store, {})
    server.run(f"ALTER SYSTEM SET {setting} = off")
    try:
        reload(server, setting, "off")
        with pytest.raises(StoreUnsafeError, match="fsync, full_page_writes and") as caught:
            await put(store, {})
        assert caught.value.outcome_known
        with pytest.raises(StoreUnsafeError):
            await store.put_meta({"a": "b"})
    finally:
        server.run("ALTER SYSTEM RESET ALL")
        reload(server, setting, "on")
    await put(store, {})
    assert await indexes(store) == [0, 1]
    assert await store.meta() == {}


def reload(server: OwnPostgres, setting: str, value: str) -> None:
    server.run("SELECT pg_reload_conf()")
    while server.run(f"SHOW {setting}")[0][0] != value:
        time.sleep(0.01)


async def test_commits_are_synced_though_the_server_no_longer_does(
    server: OwnPostgres, url: str, store: Store
) -> None:
    server.run("CREATE TABLE public.seen (value text)", url=url)
    server.run(
        "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO public.seen VALUES (current_setting('synchronous_commit')); "
        "RETURN new; END $$",
        url=url,
    )
    for table in ("event", "meta"):
        server.run(
            f"CREATE TRIGGER see AFTER INSERT ON counterfoil.{table} "
            "FOR EACH ROW EXECUTE FUNCTION see()",
            url=url,
        )
    await put(store, {})
    server.run("ALTER SYSTEM SET synchronous_commit = off")
    try:
        reload(server, "synchronous_commit", "off")
        await put(store, {})
        await store.put_meta({"a": "b"})
    finally:
        server.run("ALTER SYSTEM RESET ALL")
        reload(server, "synchronous_commit", "on")
    assert [value for (value,) in server.run("SELECT value FROM public.seen", url=url)] == [
        "on"
    ] * 3


async def test_a_database_of_another_encoding(server: OwnPostgres) -> None:
    server.run("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0")
    with pytest.raises(ConfigurationError, match="UTF8"):
        await opened(server.address("ascii"))


async def test_a_schema_that_is_something_elses(server: OwnPostgres, url: str) -> None:
    server.run("CREATE SCHEMA counterfoil", url=url)
    server.run("CREATE TABLE counterfoil.theirs (number integer)", url=url)
    with pytest.raises(SchemaError, match="something else"):
        await opened(url)
    assert server.run("SELECT to_regclass('counterfoil.event')", url=url)[0][0] is None


async def test_a_schema_that_is_newer(server: OwnPostgres, url: str, store: Store) -> None:
    server.run("INSERT INTO counterfoil.migration VALUES (9999, 'future', '')", url=url)
    with pytest.raises(SchemaError, match="Upgrade Counterfoil"):
        await opened(url)


async def test_tables_that_are_gone(server: OwnPostgres, url: str, store: Store) -> None:
    await put(store, {})
    server.run("DROP SCHEMA counterfoil CASCADE", url=url)
    with pytest.raises(SchemaError, match="counterfoil postgres migrate"):
        await store.heads()


async def test_a_value_that_no_text_can_hold_is_not_repeated(store: Store) -> None:
    for user in ("secret\x00", "secret\ud800"):
        with pytest.raises(StoreError) as caught:
            await put(store, {"user_id": user})
        assert caught.value.outcome_known
        assert caught.value.__cause__ is None or "secret" not in str(caught.value.__cause__)
    await put(store, {})


async def test_processes_that_open_a_new_database_at_once_agree(url: str) -> None:
    stores = [open_store(url) for _ in range(6)]
    await asyncio.gather(*(store.open() for store in stores))
    for store in stores:
        await put(store, {})
    assert await indexes(stores[0]) == list(range(6))
    for store in stores:
        await store.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://",
        "postgresql://host",
        "postgresql://host/",
        "postgresql://user:secret@host/a/b",
        "postgresql://user:secret@[host/a",
        "postgresql://user:secret@host/a#b",
    ],
)
def test_an_address_without_a_database_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="names no database") as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_a_password_that_is_not_quoted_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_store("postgresql://user:se/cret@host:5432/audit")
    assert "cret" not in str(caught.value)


def test_the_name_is_the_address_without_secrets() -> None:
    store = open_store("postgres://user:secret@db.example.com:5433/audit?sslmode=verify-full")
    assert store.name == "postgresql://db.example.com:5433/audit"
    assert str(store.companions) == "audit"


def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("counterfoil.store.postgres")]:
        if name != "counterfoil.store.postgres_address":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'counterfoil\[postgres\]'"):
        open_store("postgresql://host/audit")
