"""PgBouncer in between: where it keeps sessions together all is well, and elsewhere it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from counterfoil import AuditContext, AuditEventType, AuditLog
from counterfoil.errors import ConfigurationError
from counterfoil.store import open_store
from tests.pooler import Pooler
from tests.postgres import Postgres

from .writing import indexes, put

Start = Callable[[str], Pooler]


@pytest.fixture
def start(postgres: Postgres) -> Iterator[Start]:
    """Starts a pooler in front of the session's server."""
    started: list[Pooler] = []

    def run(mode: str) -> Pooler:
        started.append(Pooler(postgres, mode))
        return started[-1]

    yield run
    for one in started:
        one.close()


async def test_sessions_that_are_kept_together_are_as_good_as_ones_own(
    start: Start, postgres: Postgres, postgres_url: str
) -> None:
    pooler = start("session")
    store = open_store(pooler.address(postgres_url), timeout=3.0)
    await store.open()
    await put(store, {})
    ended = postgres.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        url=postgres_url,
    )
    assert ended
    await put(store, {})
    assert await indexes(store) == [0, 1]
    await store.close()


async def test_the_bounds_hold_though_a_pooler_passes_no_settings_on(
    start: Start, postgres: Postgres, postgres_url: str
) -> None:
    postgres.run("CREATE TABLE public.seen (name text, value text)", url=postgres_url)
    postgres.run(
        "CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO public.seen SELECT name, setting FROM pg_settings; RETURN new; END $$",
        url=postgres_url,
    )
    postgres.run(
        "CREATE TRIGGER see AFTER INSERT ON counterfoil.event EXECUTE FUNCTION public.see()",
        url=postgres_url,
    )
    store = open_store(start("session").address(postgres_url), timeout=3.0)
    await store.open()
    await put(store, {})
    await store.close()
    seen = dict(postgres.run("SELECT name, value FROM public.seen", url=postgres_url))
    postgres.run("DROP TABLE public.seen; ", url=postgres_url)
    postgres.run("DROP FUNCTION public.see() CASCADE", url=postgres_url)
    for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
        assert seen[name] == "3000"
    assert seen["enable_seqscan"] == "off"
    assert seen["search_path"] == "pg_catalog"


async def test_sessions_that_are_not_kept_together_are_refused(
    start: Start, postgres_url: str
) -> None:
    pooler = start("transaction")
    store = open_store(pooler.address(postgres_url), timeout=3.0)
    with pytest.raises(ConfigurationError, match="pool_mode = session"):
        await store.open()


async def test_an_option_that_a_pooler_does_not_know_is_said(
    start: Start, postgres_url: str
) -> None:
    pooler = start("session")
    with pytest.raises(ConfigurationError, match="ignore_startup_parameters"):
        await open_store(f"{pooler.address(postgres_url)}?work_mem=64MB").open()


async def test_a_whole_log_works_behind_one(
    start: Start, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("log")
    url = start("session").address(postgres_url)
    async with AuditLog.open(url, key_file=folder / "key", spool=folder / "spool") as audit:
        context = AuditContext(user_id="u-1", request_id="needle")
        event_id = await audit.log_event(AuditEventType.USER_LOGIN, context=context)
        assert (await audit.prove(event_id)).event_id == event_id
        assert (await audit.verify()).ok
