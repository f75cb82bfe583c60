"""Processes that start while the store is away."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import apsw
import pytest

from counterfoil import AuditContext, AuditLog, Limits, WriteError
from counterfoil.errors import SchemaError, StoreError, StoreUnavailableError
from counterfoil.log.setup import spool_folder

from .flaky_store import FlakyStore, Trouble, open_log, opened
from .recorded import EAGER, HASTY, LOGIN, ROLE, delivered, files, gaps, ids, spooled


@pytest.fixture
async def known(path: Path) -> Path:
    """A database that was there once, and has an event."""
    async with AuditLog.open(f"sqlite:///{path}", checkpoint_interval=None) as log:
        await log.log_event(LOGIN, "before")
    return path


def exchange(path: Path, aside: Path, by: Path) -> None:
    """Put a file aside, and a copy of another in its place."""
    shutil.move(path, aside)
    shutil.copy(by, path)


def is_file(path: Path) -> bool:
    return path.is_file()


@pytest.mark.parametrize("trouble", [Trouble.FAILS, Trouble.HANGS])
async def test_what_may_wait_is_kept_and_delivered_once_the_store_is_there(
    known: Path, store: FlakyStore, spool_folder: Path, trouble: Trouble
) -> None:
    store.go(trouble)
    async with opened(store, limits=HASTY) as log:
        kept = [await log.log_event(LOGIN, f"u-{number}") for number in range(3)]
        assert spooled(spool_folder)
        with pytest.raises(WriteError) as caught:
            await log.log_event(ROLE)
        assert caught.value.outcome_known
        with pytest.raises(StoreError):
            await log.get(kept[0])
        await store.come_back()
        await store.holds(*kept)
        refused = str(caught.value.event_id)
        assert await log.log_event(ROLE, event_id=refused) == refused
        assert (await ids(log))[1:4] == kept
        assert (await log.verify()).ok
    assert files(spool_folder) == []


async def test_tokens_are_the_same_as_ever(known: Path, store: FlakyStore) -> None:
    store.go(Trouble.FAILS)
    async with opened(store, limits=EAGER) as log:
        kept = await log.log_event(LOGIN, context=AuditContext(session_id="s-1"))
        await store.come_back()
        await store.holds(kept)
    async with delivered(known) as log:
        (event,) = (await log.query(session_id=log.tokens("s-1"))).events
        assert event.id == kept


async def test_what_waits_outlives_a_process_that_never_saw_the_store(
    known: Path, store: FlakyStore, spool_folder: Path
) -> None:
    store.go(Trouble.FAILS)
    async with opened(store, limits=EAGER) as log:
        kept = await log.log_event(LOGIN)
    assert spooled(spool_folder)
    async with delivered(known) as log:
        assert (await ids(log))[-1] == kept


async def test_a_store_that_hangs_for_good_does_not_keep_the_process(
    known: Path, store: FlakyStore
) -> None:
    store.go(Trouble.HANGS)
    log = await open_log(store, limits=HASTY)
    kept = await log.log_event(LOGIN)
    await log.close()
    async with delivered(known) as log:
        assert (await ids(log))[-1] == kept


async def test_a_database_that_another_process_holds_is_away(known: Path) -> None:
    holder = apsw.Connection(str(known))
    holder.pragma("locking_mode", "exclusive")
    holder.execute("BEGIN IMMEDIATE")
    limits = Limits(retry_after=0.0, write_timeout=1.5)
    url = f"sqlite:///{known}"
    async with AuditLog.open(url, checkpoint_interval=None, limits=limits) as log:
        kept = await log.log_event(LOGIN)
        holder.close()
    async with delivered(known) as log:
        assert kept in await ids(log)


async def test_a_database_that_was_never_there_is_not_bridged(
    store: FlakyStore, spool_folder: Path
) -> None:
    store.go(Trouble.FAILS)
    with pytest.raises(StoreUnavailableError):
        await open_log(store, limits=HASTY)
    assert files(spool_folder.parent) == []


async def test_without_a_spool_it_is_not_bridged(known: Path, store: FlakyStore) -> None:
    store.go(Trouble.FAILS)
    with pytest.raises(StoreUnavailableError):
        await open_log(store, spool=False)


async def test_what_time_does_not_mend_is_not_bridged(known: Path, store: FlakyStore) -> None:
    store.go(Trouble.FAILS, SchemaError())
    with pytest.raises(SchemaError):
        await open_log(store)


async def test_another_database_gets_nothing_of_it(
    known: Path, store: FlakyStore, spool_folder: Path
) -> None:
    other = known.with_name("other.db")
    async with AuditLog.open(f"sqlite:///{other}", checkpoint_interval=None):
        pass
    store.go(Trouble.FAILS)
    kept_aside = known.with_name("kept.db")
    async with opened(store, limits=EAGER) as log:
        kept = await log.log_event(LOGIN)
        exchange(known, kept_aside, other)
        await store.come_back()
        with pytest.raises(WriteError, match="another database"):
            await log.log_event(ROLE)
    assert spooled(spool_folder)
    exchange(known, other, kept_aside)
    async with delivered(known) as log:
        assert (await ids(log))[-1] == kept


async def test_where_the_key_file_does_not_say_which_a_note_does(
    known: Path, store: FlakyStore, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"key_file": tmp_path / "none.key", "limits": EAGER}
    url = f"sqlite:///{known}"
    async with AuditLog.open(url, checkpoint_interval=None, key_file=tmp_path / "none.key"):
        pass
    assert is_file(known.with_name("audit.db.spool.identity"))
    store.go(Trouble.FAILS)
    async with opened(store, **options) as log:
        kept = await log.log_event(LOGIN)
        await store.come_back()
        await store.holds(kept)
        assert await gaps(log) == []


async def test_it_is_said_that_the_store_is_away(
    known: Path, store: FlakyStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.go(Trouble.FAILS)
    with caplog.at_level(logging.WARNING, "counterfoil"):
        async with opened(store, limits=EAGER) as log:
            await log.log_event(LOGIN)
    assert "Events that may wait go to the spool. The store is away." in caplog.text


@pytest.mark.parametrize(
    ("named", "url", "folder"),
    [
        (True, "sqlite:///logs/audit.db", Path("logs/audit.db.spool")),
        (True, "postgresql://db.example.com/shop", Path("shop.spool")),
        (True, "https://audit.example.com", Path("audit.example.com.spool")),
        (True, "memory:", None),
        (False, "sqlite:///audit.db", None),
        (False, "https://audit.example.com", None),
        ("spooled", "memory:", Path("spooled")),
        (Path("spooled"), "https://audit.example.com", Path("spooled")),
    ],
)
def test_where_events_wait(named: Any, url: str, folder: Path | None) -> None:
    assert spool_folder(named, url) == folder
