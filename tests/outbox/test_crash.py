"""Processes that are killed at every step: the commit decides, and each event is recorded once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from counterfoil import AuditLog
from counterfoil.clock import SYSTEM_CLOCK

from .application import Application, PostgresApplication, SQLiteApplication, own_events, recorded


def start(name: str, shop: Application, log_url: str, step: str) -> subprocess.Popen[str]:
    kind = shop.kind if isinstance(shop, SQLiteApplication) else "asyncpg"
    arguments = [name, kind, str(shop.place), log_url, step]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.outbox.programs", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run_to(name: str, shop: Application, log_url: str, step: str) -> None:
    """Run a program as far as a step, and kill it there."""
    process = start(name, shop, log_url, step)
    assert process.stdout is not None
    assert step in (line.rstrip("\n") for line in process.stdout)
    process.kill()
    process.communicate()


ONE_OF_EACH = pytest.mark.parametrize("shop", ["sqlite3", "asyncpg"], indirect=True)
ALSO_OLDER = pytest.mark.parametrize("shop", ["sqlite3", "asyncpg", "older asyncpg"], indirect=True)


@ONE_OF_EACH
@pytest.mark.parametrize("step", ["changed", "recorded", "recorded twice", "committed"])
async def test_the_commit_decides_wherever_the_application_is_killed(
    audit: AuditLog, log_url: str, shop: Application, step: str
) -> None:
    run_to("sell", shop, log_url, step)
    await audit.relay(shop.connect).drain()
    users = [event.user_id async for event in audit.events()]
    if step == "committed":
        assert (await shop.products(), users) == (["pen"], ["u-1", "u-2"])
    else:
        assert (await shop.products(), users) == ([], [])


@ALSO_OLDER
@pytest.mark.parametrize("step", ["open", "appended", "removed", "drained"])
async def test_each_event_is_recorded_once_wherever_the_relay_is_killed(
    audit: AuditLog, log_url: str, shop: Application, step: str
) -> None:
    ids = []
    for _ in range(3):
        async with shop.transaction() as connection:
            ids += [
                await audit.log_event("price_changed", f"u-{n}", connection=connection)
                for n in range(3)
            ]
    run_to("move", shop, log_url, step)
    if step == "appended":
        assert len(await recorded(audit)) == 4
        assert len(await shop.waiting()) == 9
    await audit.relay(shop.connect).drain()
    assert await recorded(audit) == ids
    assert await shop.waiting() == []
    assert (await audit.verify()).ok


@ONE_OF_EACH
async def test_what_no_log_takes_is_reported_once_wherever_the_relay_is_killed(
    audit: AuditLog, log_url: str, shop: Application
) -> None:
    taken = await audit.log_event("price_changed", "u-1", event_id=SYSTEM_CLOCK.event_id())
    async with shop.transaction() as connection:
        await audit.log_event("price_changed", "u-2", event_id=taken, connection=connection)
    run_to("move", shop, log_url, "appended")
    assert await shop.refused() == []
    await audit.relay(shop.connect).drain()
    assert await shop.refused() == ["conflict"]
    assert await own_events(audit, "audit.conflict") == [{"kind": "conflict", "event_id": taken}]
    assert len(await own_events(audit, "audit.gap")) == 1


async def test_what_a_relay_holds_is_left_to_it(
    audit: AuditLog, log_url: str, shop_url: str
) -> None:
    """On PostgreSQL: a second relay moves other transactions, and no part of a held one."""
    shop = PostgresApplication(shop_url)
    await shop.prepare(audit)
    transactions = []
    for number in range(3):
        async with shop.transaction() as connection:
            transactions.append(
                [
                    await audit.log_event("price_changed", f"u-{number}", connection=connection)
                    for _ in range(3)
                ]
            )
    holder = start("move", shop, log_url, "appended")
    assert holder.stdout is not None
    assert "appended\n" in holder.stdout
    # It has four rows in hand, of two transactions, and has not removed them yet.
    relay = audit.relay(shop.connect)
    assert await relay.drain() == 3
    held = transactions[0] + transactions[1][:1]
    assert await recorded(audit) == held + transactions[2]
    holder.kill()
    holder.communicate()
    # The server gives up what the dead one held as soon as it hears of it.
    while await shop.waiting():
        await relay.drain()
    assert await recorded(audit) == held + transactions[2] + transactions[1][1:]
    assert (await audit.verify()).ok


@ALSO_OLDER
async def test_relays_in_several_processes_record_each_event_once(
    audit: AuditLog, log_url: str, shop: Application
) -> None:
    transactions = []
    for number in range(20):
        async with shop.transaction() as connection:
            transactions.append(
                [
                    await audit.log_event("price_changed", f"u-{number}", connection=connection)
                    for _ in range(number % 7)
                ]
            )
    relays = [start("move", shop, log_url, "open") for _ in range(2)]
    for relay in relays:
        assert relay.stdout is not None
        assert relay.stdout.readline() == "open\n"
    for relay in relays:
        assert relay.stdin is not None
        relay.stdin.close()
    for relay in relays:
        assert relay.stdout is not None
        relay.stdout.read()
        assert relay.wait() == 0
        relay.stdout.close()
    await audit.relay(shop.connect).drain()
    order = await recorded(audit)
    assert sorted(order) == sorted(one for ids in transactions for one in ids)
    for ids in transactions:
        places = [order.index(one) for one in ids]
        assert places == sorted(places)
    assert await shop.waiting() == []
