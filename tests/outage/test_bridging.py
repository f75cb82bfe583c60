"""The store goes away and comes back: what may wait waits, what may not is refused."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest

from counterfoil import AuditContext, AuditEventType, AuditLog, Limits, WriteError
from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.errors import (
    ConflictError,
    QueueFullError,
    SpoolError,
    StoreCorruptError,
    StoreFullError,
    WriteTimeoutError,
)
from counterfoil.spool import Loss, Spool

from .flaky_store import FlakyStore, Trouble, opened
from .recorded import EAGER, HASTY, LOGIN, ROLE, delivered, files, gaps, ids, kept_aside, spooled
from .spool_disk import SpoolDisk


async def test_what_may_wait_is_answered_and_recorded_later(
    store: FlakyStore, spool_folder: Path
) -> None:
    async with opened(store, limits=EAGER) as log:
        before = await log.log_event(LOGIN)
        store.go(Trouble.FAILS)
        kept = [await log.log_event(LOGIN, f"u-{number}") for number in range(20)]
        assert spooled(spool_folder)
        await store.come_back()
        await store.holds(*kept)
        after = await log.log_event(LOGIN)
        assert await ids(log) == [before, *kept, after]
        assert await gaps(log) == []
        assert (await log.verify()).ok
    assert files(spool_folder) == []


async def test_all_of_an_event_is_recorded_after_waiting(store: FlakyStore) -> None:
    context = AuditContext(
        user_id="u-1", ip_address="192.0.2.7", user_agent="curl/8", session_id="s-1",
        request_id="r-1", company_id="c-7", resource_id="p-9", resource_type="product",
        before_state={"price": "12.50"}, after_state={"price": "13.00"}, metadata={"a": [1, None]},
    )  # fmt: skip
    fields: dict[str, Any] = {
        "details": {"_sd": "x", "n": 1.5},
        "subjects": ["u-2"],
        "impersonator": "u-3",
    }
    async with opened(store, limits=EAGER) as log:
        direct = await log.get(await log.log_event(LOGIN, context=context, **fields))
        store.go(Trouble.FAILS)
        event_id = await log.log_event(LOGIN, context=context, **fields)
        await store.come_back()
        await store.holds(event_id)
        later = await log.get(event_id)
    own = {"id", "index", "occurred_at", "recorded_at", "expires_at", "decays_at", "entry"}
    for name in set(type(direct).__slots__) - own - {"disclosures"}:
        assert getattr(later, name) == getattr(direct, name), name


@pytest.mark.parametrize("error", [None, StoreFullError(), StoreCorruptError()])
async def test_what_may_not_wait_is_refused(store: FlakyStore, error: Exception | None) -> None:
    async with opened(store, limits=EAGER) as log:
        store.go(Trouble.FAILS, error)
        with pytest.raises(WriteError) as caught:
            await log.log_event(ROLE)
        assert caught.value.outcome_known
        event_id = str(caught.value.event_id)
        await store.come_back()
        assert await log.log_event(ROLE, event_id=event_id) == event_id
        assert await ids(log) == [event_id]
        assert await gaps(log) == []


async def _repeated(log: AuditLog, event_type: AuditEventType, event_id: str | None) -> str:
    """Record an event under its id, as often as a busy machine takes too long for it."""
    while True:
        with suppress(WriteTimeoutError):
            return await log.log_event(event_type, event_id=event_id)


async def test_a_store_that_hangs_is_a_store_that_is_away(store: FlakyStore) -> None:
    async with opened(store, limits=HASTY) as log:
        store.go(Trouble.HANGS)
        kept, refused = await asyncio.gather(
            log.log_event(LOGIN), log.log_event(ROLE), return_exceptions=True
        )
        assert isinstance(kept, str)
        assert isinstance(refused, WriteTimeoutError)
        assert not refused.outcome_known
        # From now on nobody waits for it.
        await log.log_event(LOGIN)
        await store.come_back()
        again = await _repeated(log, ROLE, refused.event_id)
        await store.holds(kept, again)
        # What hung was carried out after all, and what was spooled meanwhile is the same event.
        assert sorted(await ids(log)).count(kept) == 1
        assert len(await ids(log)) == 3
        assert (await log.verify()).ok


@pytest.mark.parametrize("trouble", [Trouble.LOSES_ANSWERS, Trouble.HANGS_AFTERWARDS])
async def test_what_was_recorded_unseen_is_recorded_once(
    store: FlakyStore, spool_folder: Path, trouble: Trouble
) -> None:
    async with opened(store, limits=HASTY) as log:
        await log.log_event(LOGIN)
        store.go(trouble)
        kept, refused = await asyncio.gather(
            log.log_event(LOGIN), log.log_event(ROLE), return_exceptions=True
        )
        assert isinstance(refused, WriteError)
        assert not refused.outcome_known
        await store.tried(2)
        await store.come_back()
        last = await log.log_event(LOGIN)
        await store.holds(last)
    async with delivered(store.path) as log:
        assert sorted(await ids(log)) == sorted({*await ids(log)})
        assert {kept, refused.event_id, last} < set(await ids(log))
        assert await gaps(log) == []
    assert not spooled(spool_folder)


async def test_nobody_tries_a_store_that_is_away(store: FlakyStore, spool_folder: Path) -> None:
    async with opened(store, limits=Limits(retry_after=3600.0)) as log:
        store.go(Trouble.FAILS)
        for _ in range(10):
            await log.log_event(LOGIN)
        # The first event, and the drain once.
        assert store.tries <= 2
        # What may not wait is worth a try, and so is told the truth.
        await store.come_back()
        await log.log_event(ROLE)
        assert spooled(spool_folder)


async def test_a_queue_that_is_full_is_relieved(store: FlakyStore) -> None:
    limits = Limits(retry_after=0.0, queue_events=1, queue_timeout=0.0, batch_events=1)
    async with opened(store, limits=limits) as log:
        store.go(Trouble.HANGS)
        waiting = []
        for flight in range(2):
            waiting.append(asyncio.ensure_future(log.log_event(ROLE)))
            await store.tried(flight + 1)
        waiting.append(asyncio.ensure_future(log.log_event(ROLE)))
        await asyncio.sleep(0)
        kept = await log.log_event(LOGIN)
        with pytest.raises(QueueFullError):
            await log.log_event(ROLE)
        await store.come_back()
        await store.holds(kept, *await asyncio.gather(*waiting))


async def test_another_process_that_holds_the_write_lock(path: Path) -> None:
    url = f"sqlite:///{path}"
    async with AuditLog.open(url, limits=HASTY) as log:
        await log.log_event(LOGIN)
        other = apsw.Connection(str(path))
        other.execute("BEGIN IMMEDIATE")
        kept = [await log.log_event(LOGIN) for _ in range(5)]
        with pytest.raises(WriteError):
            await log.log_event(ROLE)
        assert not set(kept) & set(await ids(log))
        other.execute("ROLLBACK")
        other.close()
    async with AuditLog.open(url) as log:
        assert set(kept) <= set(await ids(log))
        assert (await log.verify()).ok


async def test_a_file_that_was_moved_is_written_to_again_at_its_place(path: Path) -> None:
    async with AuditLog.open(f"sqlite:///{path}", limits=EAGER) as log:
        recorded = [await log.log_event(LOGIN)]
        await asyncio.to_thread(path.rename, path.with_name("moved.db"))
        recorded.append(await log.log_event(LOGIN))
        with pytest.raises(WriteError, match="removed, renamed or replaced") as refused:
            await log.log_event(ROLE)
        assert refused.value.outcome_known
        await asyncio.to_thread(path.with_name("moved.db").rename, path)
        recorded.append(await log.log_event(ROLE))
    async with delivered(path) as log:
        assert sorted(await ids(log)) == sorted(recorded)
        assert (await log.verify()).ok


async def test_what_follows_on_a_file_that_was_removed_is_in_the_next_one(path: Path) -> None:
    def remove() -> None:
        for name in ("audit.db", "audit.db-wal", "audit.db-shm"):
            path.with_name(name).unlink()

    async with AuditLog.open(f"sqlite:///{path}", limits=EAGER) as log:
        await log.log_event(LOGIN)
        await asyncio.to_thread(remove)
        kept = await log.log_event(LOGIN)
    async with delivered(path) as log:
        assert await ids(log) == [kept]


async def test_a_first_write_to_a_log_while_the_store_is_away(store: FlakyStore) -> None:
    async with opened(store, limits=HASTY) as log:
        store.go(Trouble.FAILS)
        with pytest.raises(WriteError) as caught:
            await log.log_event(ROLE, log="other")
        assert caught.value.event_id
        failed = await log.log_event(LOGIN, log="other")
        store.go(Trouble.HANGS)
        with pytest.raises(WriteTimeoutError) as late:
            await log.log_event(ROLE, log="third")
        assert late.value.outcome_known
        hung = await log.log_event(LOGIN, log="fourth")
        await store.come_back()
        await store.holds(failed, hung)


# The same id once more


@pytest.mark.parametrize("retried_while_away", [True, False])
async def test_a_retry_of_what_waits_is_the_same_event(
    store: FlakyStore, retried_while_away: bool
) -> None:
    async with opened(store, limits=EAGER) as log:
        event_id = SYSTEM_CLOCK.event_id()
        store.go(Trouble.FAILS)
        call: dict[str, Any] = {"event_id": event_id, "details": {"n": 1}, "subjects": ["u-2"]}
        assert await log.log_event(LOGIN, "u-1", **call) == event_id
        if retried_while_away:
            assert await log.log_event(LOGIN, "u-1", **call) == event_id
        await store.come_back()
        assert await log.log_event(LOGIN, "u-1", **call) == event_id
        last = await log.log_event(LOGIN)
        await store.holds(event_id, last)
    async with delivered(store.path) as log:
        assert sorted(await ids(log)) == sorted([event_id, last])
        assert await gaps(log) == []


async def test_an_id_that_waits_twice_with_other_content_is_a_conflict(
    store: FlakyStore, spool_folder: Path
) -> None:
    async with opened(store, limits=EAGER) as log:
        event_id = SYSTEM_CLOCK.event_id()
        store.go(Trouble.FAILS)
        await log.log_event(LOGIN, "u-1", event_id=event_id)
        await log.log_event(LOGIN, "u-2", event_id=event_id)
        last = await log.log_event(LOGIN, "u-3")
        await store.come_back()
        await store.holds(event_id, last)
    async with delivered(store.path) as log:
        assert await ids(log) == [event_id, last]
        assert (await log.get(event_id)).user_id == "u-1"
        (gap,) = await gaps(log)
        assert (gap["kind"], gap["reason"], gap["count"]) == ("set_aside", "conflict", 1)
        with pytest.raises(ConflictError):
            await log.log_event(LOGIN, "u-4", event_id=event_id)
    (path,) = kept_aside(spool_folder)
    assert event_id.encode() in path.read_bytes()


# What is secret, and what is said


async def test_no_secret_reaches_the_spool(
    store: FlakyStore, spool_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = ["hunter2-plain", "4111111111111111", "AKIAIOSFODNN7EXAMPLE"]
    async with opened(store, limits=EAGER) as log:
        store.go(Trouble.FAILS)
        await log.log_event(
            LOGIN,
            details={"password": secrets[0], "text": f"card {secrets[1]}"},
            context=AuditContext(metadata={"aws_key": secrets[2]}, session_id="session-in-clear"),
        )
        with pytest.raises(WriteError) as caught:
            await log.log_event(ROLE, details={"password": secrets[0]})
    written = b"".join(path.read_bytes() for path in files(spool_folder))
    assert b"user_login" in written
    for secret in [*secrets, "session-in-clear"]:
        assert secret.encode() not in written
        assert secret not in caplog.text + str(caught.value)


async def test_an_outage_is_said_once(store: FlakyStore, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "counterfoil")
    async with opened(store, limits=EAGER) as log:
        store.go(Trouble.FAILS)
        kept = [await log.log_event(LOGIN) for _ in range(5)]
        await store.tried(5)
        await store.come_back()
        await store.holds(*kept)
    said = [record.message.split(".")[0] for record in caplog.records]
    assert said == [
        "Events that may wait go to the spool",
        "What is spooled waits",
        "The store takes events again",
    ]


# What waits


async def test_what_waits_is_shown(store: FlakyStore) -> None:
    async with opened(store, limits=Limits(retry_after=3600.0)) as log:
        stats = (await log.stats()).spool
        assert stats is not None
        assert stats.is_empty
        store.go(Trouble.FAILS)
        old = datetime(2026, 1, 2, tzinfo=UTC)
        await log.log_event(LOGIN)
        await log.log_event(LOGIN, occurred_at=old)
        found = await log.spooled()
        assert found is not None
        assert found.events == 2
        assert found.bytes > 100
        assert found.since is not None
        # The first that waits, whatever the ones after it say of their time.
        assert found.since > old
        assert (found.lost, found.quarantined) == (0, 0)
        assert found.trouble == "The store is away."
        # Another process sees the same, but for what only this one knows, and leaves it.
        async with AuditLog.open(f"sqlite:///{store.path}", checkpoint_interval=None) as other:
            assert (await other.stats()).spool == replace(found, trouble="")
        await store.come_back()
    async with delivered(store.path) as log:
        stats = (await log.stats()).spool
        assert stats is not None
        assert stats.is_empty


async def test_what_was_lost_and_set_aside_is_shown(
    store: FlakyStore, spool_folder: Path, disk: SpoolDisk
) -> None:
    spool = Spool(spool_folder)
    spool.append([b"not JSON"])
    spool.close()
    async with opened(store):
        pass
    spool = Spool(spool_folder)
    spool.count_gap([Loss("default", "user_login", 1), Loss("c-1", "user_login", 2)])
    spool.close()
    store = FlakyStore(store.path)
    store.go(Trouble.FAILS)
    async with opened(store, limits=Limits(retry_after=3600.0)) as log:
        found = await log.spooled()
        assert found is not None
        assert (found.events, found.lost, found.quarantined) == (0, 2, 1)
        assert not found.is_empty


async def test_a_spool_s_disk_that_hangs_is_given_up(
    store: FlakyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(store, limits=HASTY) as log:
        going = threading.Event()
        monkeypatch.setattr("counterfoil.log.stats.survey", lambda _: going.wait(60))
        with pytest.raises(SpoolError, match="does not answer"):
            await log.spooled()
        going.set()


# Without a spool


async def test_without_a_spool_everything_is_refused(store: FlakyStore, spool_folder: Path) -> None:
    async with opened(store, spool=False) as log:
        store.go(Trouble.FAILS)
        with pytest.raises(WriteError) as caught:
            await log.log_event(LOGIN)
        assert caught.value.outcome_known
        await store.come_back()
    assert files(spool_folder) == []


async def test_a_log_in_memory_has_no_spool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with AuditLog.open("memory:") as log:
        await log.log_event(LOGIN)
    assert files(tmp_path) == []


async def test_what_waits_for_a_company_that_has_no_log_yet_finds_one(
    store: FlakyStore, spool_folder: Path
) -> None:
    async with opened(store, limits=EAGER, log_per_company=True) as log:

        async def record(company: str | None) -> str:
            return await log.log_event(LOGIN, context=AuditContext(company_id=company))

        first = await record("c-0")
        store.go(Trouble.FAILS)
        companies = [f"c-{number % 70}" for number in range(140)] + [None]
        kept = [await record(company) for company in companies]
        assert spooled(spool_folder)
        await store.come_back()
        await store.holds(*kept)
        for event_id, company in zip([first, *kept], ["c-0", *companies], strict=True):
            event = await log.get(event_id)
            assert event.company_id == company
            assert event.log == ("default" if company is None else await log.company_log(company))
        assert (await log.verify()).ok
    assert files(spool_folder) == []
