"""An event that is recorded through the application's connection is a part of its transaction."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest

from counterfoil import AuditEventType, AuditLog, SyncAuditLog
from counterfoil.errors import ClosedError, InputError, OutboxError, WriteError

from .application import Application, PostgresApplication, SQLiteApplication, recorded

PRICE = AuditEventType.PRICE_CHANGED
ROLE = AuditEventType.ROLE_ASSIGNED


async def test_what_is_committed_comes_into_the_log(audit: AuditLog, shop: Application) -> None:
    async with shop.transaction() as connection:
        await shop.sell(connection, "pen")
        event_id = await audit.log_event(PRICE, "u-1", details={"to": 12}, connection=connection)
    assert await recorded(audit) == []
    relay = audit.relay(shop.connect)
    assert await relay.drain() == 1
    assert await shop.waiting() == []
    event = await audit.get(event_id)
    assert (event.type, event.user_id, event.details) == ("price_changed", "u-1", {"to": 12})
    assert event.recorded_at >= event.occurred_at
    assert await relay.drain() == 0


async def test_what_is_rolled_back_never_was(audit: AuditLog, shop: Application) -> None:
    async with shop.rolled_back() as connection:
        await shop.sell(connection, "pen")
        await audit.log_event(PRICE, connection=connection)
    assert (await shop.products(), await shop.waiting()) == ([], [])
    assert await audit.relay(shop.connect).drain() == 0
    assert await recorded(audit) == []


async def test_it_is_there_before_the_transaction_ends_and_for_it_alone(
    audit: AuditLog, shop: Application
) -> None:
    async with shop.transaction() as connection:
        await audit.log_event(PRICE, connection=connection)
        inside = await shop.run(connection, "SELECT count(*) FROM counterfoil_outbox")
        assert inside[0][0] == 1
        assert await audit.relay(shop.connect).drain() == 0


async def test_a_type_that_must_not_wait_is_recorded_so_too(
    audit: AuditLog, shop: Application
) -> None:
    async with shop.transaction() as connection:
        event_id = await audit.log_event(ROLE, "u-1", connection=connection)
    await audit.relay(shop.connect).drain()
    assert await recorded(audit) == [event_id]


async def test_times_are_those_of_the_call_and_of_the_recording(
    audit: AuditLog, shop: Application
) -> None:
    before = datetime.now(UTC)
    async with shop.transaction() as connection:
        event_id = await audit.log_event(PRICE, connection=connection)
    after = datetime.now(UTC)
    await audit.relay(shop.connect).drain()
    event = await audit.get(event_id)
    assert before <= event.occurred_at <= after <= event.recorded_at


async def test_nothing_secret_stands_in_the_outbox(audit: AuditLog, shop: Application) -> None:
    async with shop.transaction() as connection:
        await audit.log_event(
            PRICE,
            details={"password": "hunter2hunter2", "note": "card 4111 1111 1111 1111"},
            connection=connection,
        )
    (draft,) = await shop.waiting()
    assert b"hunter2" not in draft
    assert b"4111 1111" not in draft
    assert b"[redacted:" in draft


async def test_a_connection_of_no_known_kind_is_refused_before_anything_is_done(
    audit: AuditLog,
) -> None:
    for connection in (object(), "postgresql://example.com/shop", 1, audit):
        with pytest.raises(InputError, match="no kind"):
            await audit.log_event(PRICE, connection=connection)
        with pytest.raises(InputError, match="no kind"):
            await audit.create_outbox(connection)
    assert await recorded(audit) == []


async def test_a_table_that_is_missing_is_named_with_what_to_do(
    audit: AuditLog, shop: Application
) -> None:
    await shop.rows("DROP TABLE counterfoil_outbox")
    with pytest.raises(OutboxError, match="counterfoil outbox create") as failure:
        await shop.within(
            lambda connection: shop.sell(connection, "pen"),
            lambda connection: audit.log_event(PRICE, connection=connection),
        )
    assert isinstance(failure.value, WriteError)
    assert failure.value.event_id
    assert failure.value.outcome_known
    assert await shop.products() == []
    assert await recorded(audit) == []


async def test_making_the_table_again_leaves_it_as_it_is(
    audit: AuditLog, shop: Application
) -> None:
    async with shop.transaction() as connection:
        await audit.log_event(PRICE, connection=connection)
        await audit.create_outbox(connection)
    assert len(await shop.waiting()) == 1


async def test_a_table_made_in_a_transaction_that_is_rolled_back_is_gone(
    audit: AuditLog, shop: Application
) -> None:
    await shop.rows("DROP TABLE counterfoil_outbox")
    async with shop.rolled_back() as connection:
        await audit.create_outbox(connection)
    with pytest.raises(OutboxError, match="no table"):
        await shop.within(lambda connection: audit.log_event(PRICE, connection=connection))


async def test_without_a_transaction_it_commits_by_itself(
    audit: AuditLog, shop: Application
) -> None:
    connection = shop.connect()
    if not isinstance(shop, SQLiteApplication):
        connection = await connection
    event_id = await audit.log_event(PRICE, connection=connection)
    closing = connection.close()
    if closing is not None:
        await closing
    await audit.relay(shop.connect).drain()
    assert await recorded(audit) == [event_id]


async def test_a_connection_that_fails_says_so_with_the_id(
    audit: AuditLog, shop: Application
) -> None:
    connection = shop.connect()
    if not isinstance(shop, SQLiteApplication):
        connection = await connection
    closing = connection.close()
    if closing is not None:
        await closing
    with pytest.raises(OutboxError, match="connection failed") as failure:
        await audit.log_event(PRICE, connection=connection)
    assert failure.value.event_id
    assert failure.value.__cause__ is not None


async def test_a_closed_log_takes_nothing(log_url: str, shop: Application) -> None:
    audit = await AuditLog.open(log_url)
    await audit.close()
    with pytest.raises(ClosedError):
        await shop.within(lambda connection: audit.log_event(PRICE, connection=connection))
    assert await shop.waiting() == []


# SQLite


async def test_a_blocking_connection_is_written_before_anything_is_awaited(
    audit: AuditLog, tmp_path: Path
) -> None:
    shop = SQLiteApplication(tmp_path / "shop.db", kind="sqlite3")
    await shop.prepare(audit)
    connection = shop.connect()
    call = audit.log_event(PRICE, connection=connection)
    # One step of the coroutine: it never gives way to the loop.
    with pytest.raises(StopIteration):
        call.send(None)
    assert connection.execute("SELECT count(*) FROM counterfoil_outbox").fetchone() == (1,)
    connection.close()


async def test_the_modules_own_way_with_transactions_is_kept(
    audit: AuditLog, tmp_path: Path
) -> None:
    shop = SQLiteApplication(tmp_path / "shop.db", kind="sqlite3")
    await shop.prepare(audit)
    connection = sqlite3.connect(tmp_path / "shop.db")
    await audit.log_event(PRICE, connection=connection)
    assert connection.in_transaction
    connection.rollback()
    with connection:
        connection.execute("INSERT INTO product VALUES ('pen')")
        await audit.log_event(PRICE, connection=connection)
    connection.close()
    assert (len(await shop.waiting()), await shop.products()) == (1, ["pen"])


async def test_a_savepoint_takes_its_events_along(audit: AuditLog, shop: Application) -> None:
    async with shop.transaction() as connection:
        kept = await audit.log_event(PRICE, connection=connection)
        await shop.run(connection, "SAVEPOINT one")
        await audit.log_event(PRICE, connection=connection)
        await shop.run(connection, "ROLLBACK TO one")
        last = await audit.log_event(PRICE, connection=connection)
    await audit.relay(shop.connect).drain()
    assert await recorded(audit) == [kept, last]


async def test_a_connection_of_another_thread_is_refused(audit: AuditLog, tmp_path: Path) -> None:
    shop = SQLiteApplication(tmp_path / "shop.db", kind="sqlite3")
    await shop.prepare(audit)
    with ThreadPoolExecutor(1) as thread:
        connection = thread.submit(shop.connect).result()
        with pytest.raises(OutboxError, match="another thread"):
            await audit.log_event(PRICE, connection=connection)
        thread.submit(connection.close).result()


class OwnConnection(sqlite3.Connection):
    """An application's own kind of connection."""


@pytest.mark.parametrize("kind", ["sqlite3", "apsw", "subclass"])
def test_the_facade_writes_in_the_thread_that_calls(
    log_url: str, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "shop.db"
    connection: Any
    if kind == "apsw":
        connection = apsw.Connection(str(path))
    else:
        connection = sqlite3.connect(
            path, factory=OwnConnection if kind == "subclass" else sqlite3.Connection
        )
    with SyncAuditLog.open(log_url, checkpoint_interval=None) as audit:
        with pytest.raises(OutboxError, match="no table") as failure:
            audit.log_event(PRICE, connection=connection)
        assert failure.value.event_id
        audit.create_outbox(connection)
        with connection:
            audit.log_event(PRICE, "u-1", connection=connection)
        connection.execute("BEGIN")
        audit.log_event(PRICE, "u-2", connection=connection)
        connection.execute("ROLLBACK")
        connection.close()
    module: Any = apsw.Connection if kind == "apsw" else sqlite3.connect
    with SyncAuditLog.open(log_url, outbox=lambda: module(str(path))) as audit:
        page = audit.query()
        if not page.events:
            next(audit.follow(after=page.end_cursor))
        assert [event.user_id for event in audit.events()] == ["u-1"]


def test_the_facade_refuses_a_connection_of_an_event_loop(log_url: str, shop_url: str) -> None:
    async def call() -> None:
        connection = await asyncpg.connect(shop_url)
        try:
            with pytest.raises(InputError, match="event loop"):
                audit.log_event(PRICE, connection=connection)
        finally:
            await connection.close()

    with SyncAuditLog.open(log_url, checkpoint_interval=None) as audit:
        asyncio.run(call())


# PostgreSQL


async def test_a_pools_connection_is_taken(audit: AuditLog, shop_url: str) -> None:
    shop = PostgresApplication(shop_url)
    await shop.prepare(audit)
    async with (
        asyncpg.create_pool(shop_url, min_size=1, max_size=1) as pool,
        pool.acquire() as connection,
        connection.transaction(),
    ):
        event_id = await audit.log_event(PRICE, connection=connection)
    await audit.relay(shop_url).drain()
    assert await recorded(audit) == [event_id]


async def test_an_error_fails_the_transaction_and_says_so(audit: AuditLog, shop_url: str) -> None:
    shop = PostgresApplication(shop_url)
    await shop.prepare(audit)

    async def fail(connection: Any) -> None:
        with pytest.raises(asyncpg.DivisionByZeroError):
            await connection.execute("SELECT 1 / 0")

    async with shop.transaction() as connection:
        async with connection.transaction():
            await connection.execute("SAVEPOINT one")
            await fail(connection)
            await connection.execute("ROLLBACK TO one")
        await audit.log_event(PRICE, connection=connection)
    with pytest.raises(OutboxError, match="failed before"):
        await shop.within(fail, lambda connection: audit.log_event(PRICE, connection=connection))
    assert len(await shop.waiting()) == 1


async def test_a_role_that_may_not_write_is_told_what_to_grant(
    audit: AuditLog, shop_url: str
) -> None:
    shop = PostgresApplication(shop_url)
    await shop.prepare(audit)
    with pytest.raises(OutboxError, match="GRANT INSERT"):
        await shop.within(
            lambda connection: connection.execute("SET LOCAL ROLE pg_monitor"),
            lambda connection: audit.log_event(PRICE, connection=connection),
        )
    async with shop.transaction() as connection:
        await connection.execute("GRANT INSERT ON counterfoil_outbox TO pg_monitor")
        await connection.execute("SET LOCAL ROLE pg_monitor")
        await audit.log_event(PRICE, connection=connection)
    assert len(await shop.waiting()) == 1
