"""The commands about outboxes, beside an application that writes to one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from counterfoil import AuditLog, SyncAuditLog

from .conftest import Run

SHOP = "shop.db"


def _record(events: int, *, commit: bool = True) -> list[str]:
    """An application's transaction; the ids of its events."""
    shop = sqlite3.connect(SHOP)
    with SyncAuditLog.open("memory:") as audit:
        ids = [audit.log_event("price_changed", f"u-{n}", connection=shop) for n in range(events)]
    shop.commit() if commit else shop.rollback()
    shop.close()
    return ids


@pytest.fixture
def shop(run: Run) -> Path:
    sqlite3.connect(SHOP).close()
    assert "is there" in run("outbox", "create", SHOP).out
    return Path(SHOP)


def _recorded(run: Run) -> list[str]:
    return run("query", "--only-ids", "--oldest").out.split()


def test_what_was_committed_is_moved_once(run: Run, shop: Path) -> None:
    ids = _record(3)
    _record(2, commit=False)
    assert run("relay", str(shop), "--once").out == "Moved 3 events.\n"
    assert run("relay", f"sqlite:///{shop}", "--once").out == "Moved 0 events.\n"
    assert _recorded(run) == ids


def test_the_table_may_be_made_again(run: Run, shop: Path) -> None:
    ids = _record(1)
    run("outbox", "create", f"sqlite:///{shop}")
    run("relay", str(shop), "--once")
    assert _recorded(run) == ids


def test_stats_tell_of_the_outbox(
    run: Run, shop: Path, price_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERFOIL_OUTBOX", str(shop))
    _record(2)
    (told,) = run("stats", "--json").json["outboxes"]
    assert (told["waiting"], told["refused"], told["trouble"]) == (2, 0, None)
    assert "2 events to be moved, the oldest for" in run("stats").out.replace("\n", " ")
    assert run("relay", "--once").out == "Moved 2 events.\n"
    (told,) = run("stats", "--json").json["outboxes"]
    assert (told["waiting"], told["oldest_seconds"]) == (0, None)


def test_what_no_log_takes_can_be_tried_again(
    run: Run, shop: Path, price_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERFOIL_OUTBOX", str(shop))
    connection = sqlite3.connect(shop)
    with connection:
        connection.execute("INSERT INTO counterfoil_outbox (draft) VALUES (x'00')")
    run("relay", "--once")
    assert "1 that no log takes" in run("stats").out.replace("\n", " ")
    (draft,) = _made_draft()
    with connection:
        connection.execute("UPDATE counterfoil_outbox SET draft = ?", (draft,))
    connection.close()
    assert run("relay", "--once").out == "Moved 0 events.\n"
    assert run("outbox", "retry").out == "To be tried again: 1 event.\n"
    assert run("relay", "--once").out == "Moved 1 event.\n"


def _made_draft() -> list[bytes]:
    """The bytes of a draft, as another database has it."""
    other = sqlite3.connect(":memory:")
    with SyncAuditLog.open("memory:") as audit:
        audit.create_outbox(other)
        audit.log_event("price_changed", connection=other)
    return [row[0] for row in other.execute("SELECT draft FROM counterfoil_outbox")]


@pytest.mark.parametrize(
    "command", [["relay", "--once"], ["outbox", "create"], ["outbox", "retry"]]
)
def test_a_database_must_be_named_and_there(run: Run, command: list[str]) -> None:
    assert "No application's database" in run(*command, fails=2).err
    assert "There is no database gone.db" in run(*command, "gone.db", fails=2).err
    assert "cannot be opened by that" in run(*command, "mysql://example.com/shop", fails=2).err
    assert not Path("gone.db").exists()


def test_a_missing_table_is_named(run: Run) -> None:
    sqlite3.connect(SHOP).close()
    told = run("relay", SHOP, "--once", fails=2).err
    assert "There is no table counterfoil_outbox" in told
    assert "counterfoil outbox create" in told


def test_a_password_in_its_address_is_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERFOIL_OUTBOX", "postgresql://shop:s3cret@192.0.2.7/shop")
    assert "s3cret" not in run("config", "show").out
    assert "192.0.2.7" in run("config", "show", "--json").out
    assert "s3cret" not in run("config", "show", "--json").out


def test_a_server_that_is_not_there_is_said(run: Run) -> None:
    told = run("outbox", "create", "postgresql://shop:s3cret@127.0.0.1:1/shop", fails=2).err
    assert "cannot be opened" in told
    assert "s3cret" not in told


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_until_it_is_told_to_end(run: Run, shop: Path, ending: signal.Signals) -> None:
    relay = subprocess.Popen(
        [sys.executable, "-m", "counterfoil", "relay", str(shop)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"NO_COLOR": "1"},
    )
    assert relay.stdout is not None
    assert relay.stdout.readline().startswith("Moving what is committed")
    ids = _record(3)

    async def wait() -> None:
        async with AuditLog.open(checkpoint_interval=None, spool=False) as audit:
            page = await audit.query(order="oldest")
            seen = len(page.events)
            if seen < len(ids):
                async for _ in audit.follow(after=page.end_cursor):
                    seen += 1
                    if seen == len(ids):
                        break

    asyncio.run(wait())
    relay.send_signal(ending)
    assert relay.wait(timeout=30) == 0
    assert relay.stdout.read() == "Moved 3 events.\n"
    relay.stdout.close()
    assert _recorded(run) == ids
    assert json.loads(run("stats", "--json").out)["logs"][0]["uncovered"] == 0
