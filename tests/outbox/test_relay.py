"""The relay: exactly once, in the order of each transaction, and past what no log takes."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from counterfoil import AuditContext, AuditEventType, AuditLog, Event
from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.errors import (
    ClosedError,
    ConfigurationError,
    InputError,
    RollbackError,
    SchemaError,
    StoreLoginError,
    StoreMissingError,
    StoreReadOnlyError,
    StoreUnavailableError,
)
from counterfoil.log.write import relay as relays
from counterfoil.record.spooled import decode, encode
from tests.postgres import OwnPostgres

from .application import (
    ALL_KINDS,
    EAGER,
    Application,
    PostgresApplication,
    SQLiteApplication,
    own_events,
    recorded,
)

PRICE = AuditEventType.PRICE_CHANGED
ALSO_OLDER = pytest.mark.parametrize("shop", ALL_KINDS, indirect=True)


async def put(audit: AuditLog, shop: Application, events: int = 1, **given: Any) -> list[str]:
    """Commit events in one transaction; their ids in order."""
    async with shop.transaction() as connection:
        return [
            await audit.log_event(PRICE, f"u-{number}", connection=connection, **given)
            for number in range(events)
        ]


async def following(audit: AuditLog, count: int, log: str = "default") -> list[Event]:
    """The first events of a log, as soon as there are so many."""
    found: list[Event] = []
    page = await audit.query(log=log, order="oldest", limit=count)
    found += page.events
    if len(found) < count:
        async for event in audit.follow(log=log, after=page.end_cursor):
            found.append(event)
            if len(found) >= count:
                break
    return found


@ALSO_OLDER
async def test_a_relay_in_the_background_moves_what_is_committed(
    audit: AuditLog, shop: Application
) -> None:
    async with audit.relay(shop.connect) as relay:
        ids = await put(audit, shop, 3)
        assert [event.id for event in await following(audit, 3)] == ids
        more = await put(audit, shop, 2)
        assert [event.id for event in await following(audit, 5)] == ids + more
    assert relay.moved == 5
    assert await shop.waiting() == []
    with pytest.raises(ClosedError):
        relay.start()


async def test_a_log_that_is_opened_with_an_outbox_moves_it(
    log_url: str, audit: AuditLog, shop: Application
) -> None:
    ids = await put(audit, shop, 3)
    async with AuditLog.open(log_url, outbox=shop.connect) as other:
        assert [event.id for event in await following(other, 3)] == ids
        assert (await other.stats()).outboxes[0].trouble == ""
    assert await shop.waiting() == []


@ALSO_OLDER
async def test_a_transaction_of_many_keeps_its_order(audit: AuditLog, shop: Application) -> None:
    ids = await put(audit, shop, 600)
    assert await audit.relay(shop.connect).drain() == 600
    assert await recorded(audit) == ids


async def test_events_of_many_logs_and_companies_go_to_theirs(
    audit: AuditLog, shop: Application
) -> None:
    ids: dict[str, list[str]] = {}
    async with shop.transaction() as connection:
        for number in range(300):
            log = f"log-{number % 100}"
            event_id = await audit.log_event(
                PRICE,
                context=AuditContext(company_id=f"c-{number % 3}"),
                log=log,
                connection=connection,
            )
            ids.setdefault(log, []).append(event_id)
    assert await audit.relay(shop.connect).drain() == 300
    for log in ("log-0", "log-63", "log-64", "log-99"):
        assert await recorded(audit, log) == ids[log]


async def test_companies_with_logs_of_their_own_keep_them(
    tmp_path: Path, audit: AuditLog, shop: Application
) -> None:
    async with AuditLog.open(f"sqlite:///{tmp_path / 'tenants.db'}", log_per_company=True) as own:
        await put(own, shop, 2, context=AuditContext(company_id="c-1"))
        await put(own, shop, 1, context=AuditContext(company_id="c-2"))
        await put(own, shop, 1)
        assert await own.relay(shop.connect).drain() == 4
        sizes = sorted(log.size for log in (await own.stats()).logs)
        assert sizes == [1, 1, 2]
        assert (await own.verify()).ok


@ALSO_OLDER
async def test_two_relays_at_once_record_each_event_once(
    log_url: str, audit: AuditLog, shop: Application
) -> None:
    transactions = [await put(audit, shop, 7) for _ in range(60)]
    async with AuditLog.open(log_url, limits=EAGER) as other:
        relays = [audit.relay(shop.connect), other.relay(shop.connect)]
        while await shop.waiting():
            await asyncio.gather(*(relay.drain() for relay in relays))
    order = await recorded(audit)
    assert sorted(order) == sorted(chain.from_iterable(transactions))
    for ids in transactions:
        places = [order.index(one) for one in ids]
        assert places == sorted(places)
    assert (await audit.verify()).ok


async def test_what_is_in_the_log_already_is_taken_away(audit: AuditLog, shop: Application) -> None:
    """As after a relay that was killed when the log had the events, and the outbox too."""
    (event_id,) = await put(audit, shop)
    (draft,) = await shop.waiting()
    relay = audit.relay(shop.connect)
    await relay.drain()
    await shop.forge(draft)
    await put(audit, shop)
    await relay.drain()
    assert await shop.waiting() == []
    assert (await recorded(audit)).count(event_id) == 1
    assert await audit.count() == 2


@ALSO_OLDER
async def test_an_id_that_came_twice_with_other_content_is_kept_and_reported(
    audit: AuditLog, shop: Application
) -> None:
    event_id = SYSTEM_CLOCK.event_id()
    await audit.log_event(PRICE, "u-1", event_id=event_id)
    async with shop.transaction() as connection:
        same = await audit.log_event(PRICE, "u-1", event_id=event_id, connection=connection)
        await audit.log_event(PRICE, "u-2", event_id=event_id, connection=connection)
        last = await audit.log_event(PRICE, "u-3", connection=connection)
    assert same == event_id
    relay = audit.relay(shop.connect)
    await relay.drain()
    assert await recorded(audit) == [event_id, last]
    assert await shop.refused() == ["conflict"]
    assert len(await own_events(audit, "audit.conflict")) == 1
    assert await own_events(audit, "audit.gap") == [
        {"kind": "outbox_refused", "count": 1, "reason": "conflict"}
    ]
    stats = await relay.stats()
    assert (stats.waiting, stats.refused, stats.moved) == (0, 1, 2)


async def test_what_cannot_be_read_is_kept_and_holds_nothing_up(
    audit: AuditLog, shop: Application, caplog: pytest.LogCaptureFixture
) -> None:
    first = await put(audit, shop)
    (draft,) = await shop.waiting()
    good = decode(draft)
    forged = [
        b"",
        b"\xff\xfe",
        b"[]",
        b'{"v": 2}',
        encode(replace(good, event_type="audit.purge")),
        encode(replace(good, audit={"kind": "purge"})),
        encode(replace(good, event_type='x","level":"info')),
        encode(replace(good, log='x","type":"audit.purge')),
        encode(replace(good, company_id="c" * 129)),
        encode(replace(good, resource_type='a"b')),
        encode(replace(good, user_id={"no": "text"}, event_id=SYSTEM_CLOCK.event_id())),
    ]
    for one in forged:
        await shop.forge(one)
    last = await put(audit, shop)
    relay = audit.relay(shop.connect)
    await relay.drain()
    assert await recorded(audit) == first + last
    assert await shop.waiting() == forged
    assert await shop.refused() == ["unreadable"] * 10 + ["refused"]
    assert len(await own_events(audit, "audit.gap")) == len(forged)
    assert (await relay.stats()).refused == len(forged)
    assert "kept there as number" in caplog.text
    # Looked at no more, until somebody says so.
    await relay.drain()
    assert len(await own_events(audit, "audit.gap")) == len(forged)


async def test_an_old_draft_is_not_too_old(audit: AuditLog, shop: Application) -> None:
    await put(audit, shop)
    (draft,) = await shop.waiting()
    old = replace(decode(draft), event_id="01800000-0000-7000-8000-000000000000")
    await shop.forge(encode(old))
    await audit.relay(shop.connect).drain()
    assert old.event_id in await recorded(audit)


@ALSO_OLDER
async def test_a_table_that_is_missing_is_waited_for(
    audit: AuditLog, shop: Application, caplog: pytest.LogCaptureFixture
) -> None:
    await shop.rows("DROP TABLE counterfoil_outbox")
    relay = audit.relay(shop.connect)
    with pytest.raises(SchemaError, match="counterfoil outbox create"):
        await relay.drain()
    stats = await relay.stats()
    assert stats.waiting is None
    assert "no table" in stats.trouble
    async with relay:
        async with shop.transaction() as connection:
            await audit.create_outbox(connection)
        ids = await put(audit, shop)
        assert [event.id for event in await following(audit, 1)] == ids


async def test_a_database_that_is_away_is_said_and_waited_for(
    audit: AuditLog, tmp_path: Path
) -> None:
    def away() -> Any:
        raise OSError("s3cret")

    relay = audit.relay(away)
    with pytest.raises(StoreUnavailableError, match="OSError") as failure:
        await relay.drain()
    assert "s3cret" not in str(failure.value)
    async with relay:
        stats = await relay.stats()
    assert stats.waiting is None
    assert "cannot be opened" in stats.trouble


async def test_what_is_wrong_with_its_database_is_said_without_the_password(
    audit: AuditLog, own_postgres: OwnPostgres
) -> None:
    shop = PostgresApplication(own_postgres.create())
    await shop.prepare(audit)
    url = str(shop.place)
    await shop.rows("CREATE ROLE guarded LOGIN PASSWORD 'correct'")
    rules = own_postgres.data / "pg_hba.conf"
    rules.write_text(f"host all guarded all scram-sha-256\n{rules.read_text()}")
    own_postgres.run("SELECT pg_reload_conf()")
    with pytest.raises(StoreLoginError, match="The outbox: the database refuses") as refusal:
        await audit.relay(url.replace("postgres@", "guarded:wr0ng-s3cret@")).drain()
    assert "s3cret" not in str(refusal.value)
    with pytest.raises(StoreMissingError, match="correct the name in the address"):
        await audit.relay(own_postgres.address("nowhere")).drain()
    await put(audit, shop)
    own_postgres.run(
        f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_read_only = on"
    )
    with pytest.raises(StoreReadOnlyError, match="standby"):
        await audit.relay(url).drain()


async def test_a_log_that_refuses_holds_up_its_own_events_only(
    tmp_path: Path, shop: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that was restored: its default log is behind what it published."""
    # More is held up than a turn looks at before it begins anew.
    monkeypatch.setattr(relays, "_CLAIMS", 1)
    path = tmp_path / "restored.db"
    url = f"sqlite:///{path}"
    async with AuditLog.open(url) as log:
        await log.log_event(PRICE, log="other")
    copy = path.read_bytes()
    async with AuditLog.open(url) as log:
        await log.log_event(PRICE)
    for left in (path.with_name("restored.db-wal"), path.with_name("restored.db-shm")):
        left.unlink(missing_ok=True)
    path.write_bytes(copy)

    async with AuditLog.open(url, limits=EAGER) as log:
        async with shop.transaction() as connection:
            for number in range(300):
                await log.log_event(PRICE, f"u-{number}", connection=connection)
            other = await log.log_event(PRICE, log="other", connection=connection)
        await shop.forge(b"not a draft")
        relay = log.relay(shop.connect)
        with pytest.raises(RollbackError):
            await relay.drain()
        assert (await recorded(log, "other"))[-1] == other
        assert len(await shop.waiting()) == 301
        await log.continue_restored()
        assert await relay.drain() == 300
        assert await shop.refused() == ["unreadable"]
        assert len(await recorded(log)) == 300


@ALSO_OLDER
async def test_stats_say_what_waits_and_since_when(audit: AuditLog, shop: Application) -> None:
    relay = audit.relay(shop.connect)
    empty = await relay.stats()
    assert (empty.waiting, empty.oldest, empty.refused) == (0, None, 0)
    await put(audit, shop, 3)
    full = (await audit.stats()).outboxes[0]
    assert (full.waiting, full.refused, full.moved, full.trouble) == (3, 0, 0, "")
    assert full.oldest is not None
    assert 0 <= full.oldest < 3600
    assert "shop" in full.outbox or "postgresql" in full.outbox


@pytest.mark.parametrize("outbox", ["sqlite:///shop.db", "shop.db", "", 7])
async def test_a_source_that_no_relay_can_read_is_refused_at_once(
    audit: AuditLog, outbox: Any
) -> None:
    with pytest.raises(ConfigurationError, match="cannot be opened by that"):
        audit.relay(outbox)
    with pytest.raises(ConfigurationError, match="cannot be opened by that"):
        AuditLog.open("memory:", outbox=outbox)


async def test_a_function_that_gives_no_connection_is_refused(audit: AuditLog) -> None:
    with pytest.raises(InputError, match="no kind"):
        await audit.relay(lambda: object.__new__(Path)).drain()


@pytest.mark.parametrize("shop", ["sqlite3"], indirect=True)
async def test_a_log_that_is_away_is_waited_for(
    audit: AuditLog, tmp_path: Path, shop: Application, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    path = tmp_path / "audit.db"
    ids = await put(audit, shop, 3)
    blocker = SQLiteApplication(path, kind="apsw")
    impatient = replace(EAGER, write_timeout=0.2)
    async with AuditLog.open(f"sqlite:///{path}", limits=impatient, spool=False) as log:
        async with blocker.transaction():
            with pytest.raises(StoreUnavailableError):
                await log.relay(shop.connect).drain()
            assert len(await shop.waiting()) == 3
        await log.relay(shop.connect).drain()
        assert await recorded(log) == ids


async def test_a_relay_outlives_its_databases_server(
    audit: AuditLog, own_postgres: OwnPostgres
) -> None:
    shop = PostgresApplication(own_postgres.create())
    await shop.prepare(audit)
    async with audit.relay(shop.connect) as relay:
        first = await put(audit, shop)
        assert [event.id for event in await following(audit, 1)] == first
        own_postgres.kill()
        assert (await relay.stats()).waiting is None
        own_postgres.start()
        more = await put(audit, shop, 2)
        assert [event.id for event in await following(audit, 3)] == first + more
    assert await shop.waiting() == []


@pytest.mark.parametrize("shop", ["sqlite3", "asyncpg"], indirect=True)
async def test_closing_waits_for_no_outbox_that_hangs(
    audit: AuditLog, shop: Application, log_url: str
) -> None:
    """The application holds what the relay wants to remove; the next one finds it recorded."""
    ids = await put(audit, shop, 3)
    async with shop.transaction() as connection:
        if not isinstance(shop, SQLiteApplication):
            await connection.execute("LOCK TABLE counterfoil_outbox IN SHARE MODE")
        limits = replace(EAGER, write_timeout=2.0)
        async with AuditLog.open(log_url, outbox=shop.connect, limits=limits) as other:
            await following(other, 3)
    assert len(await shop.waiting()) == 3
    await audit.relay(shop.connect).drain()
    assert await recorded(audit) == ids
    assert await shop.waiting() == []
