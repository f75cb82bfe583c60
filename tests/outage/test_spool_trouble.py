"""The store is away, and the spool has trouble of its own."""

from __future__ import annotations

import asyncio
import errno
from datetime import UTC, datetime
from pathlib import Path

import pytest

from counterfoil import AuditContext, Limits, WriteError
from counterfoil.errors import RollbackError
from counterfoil.log.proving.rollback import RollbackGuard
from counterfoil.record import Draft
from counterfoil.spool import Spool

from .flaky_store import FlakyStore, Trouble, opened
from .recorded import (
    EAGER,
    HASTY,
    LOGIN,
    ROLE,
    delivered,
    events,
    files,
    gaps,
    ids,
    kept_aside,
    tear,
)
from .spool_disk import SpoolDisk

LOGOUT = "user_logout"
START = datetime(2026, 1, 1, tzinfo=UTC)


#: A spool with room for a few events.
SMALL = Limits(retry_after=0.0, spool_bytes=65_536)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
async def test_what_can_be_kept_nowhere_is_refused_and_counted(
    store: FlakyStore, disk: SpoolDisk, error: int
) -> None:
    async with opened(store, limits=EAGER) as log:
        store.go(Trouble.FAILS)
        disk.fail(error)
        for kind in (LOGIN, LOGIN, LOGOUT):
            with pytest.raises(WriteError) as caught:
                await log.log_event(kind)
            assert caught.value.event_id
        with pytest.raises(WriteError):
            await log.log_event(ROLE)
        disk.heal()
        await store.come_back()
        await log.log_event(LOGIN)
    async with delivered(store.path) as log:
        found = await gaps(log)
        assert {gap["kind"] for gap in found} == {"not_kept"}
        assert sum(gap["count"] for gap in found) == 3
        counts = {"user_login": 0, "user_logout": 0}
        for gap in found:
            for one in gap["types"]:
                counts[one["type"]] += one["count"]
                assert one["first"] <= one["last"]
        assert counts == {"user_login": 2, "user_logout": 1}
        assert len(await ids(log)) == 1
        (last, *_) = [event for event in await events(log) if event.type == "audit.gap"]
        assert last.level.value == "critical"
        assert last.actor_kind == "system"


async def test_what_is_lost_is_counted_in_the_log_that_it_was_for(
    store: FlakyStore, disk: SpoolDisk
) -> None:
    async with opened(store, limits=EAGER) as log:
        store.go(Trouble.FAILS)
        disk.fail(errno.ENOSPC)
        for name in ("c-1", "c-1", "c-2", None):
            with pytest.raises(WriteError):
                await log.log_event(LOGIN, log=name)
        disk.heal()
        await store.come_back()
        await log.log_event(LOGIN)
    async with delivered(store.path) as log:
        for name, count in {"c-1": 2, "c-2": 1, "default": 1}.items():
            found = [event.audit for event in await events(log, name) if event.audit]
            assert sum(audit["count"] for audit in found if "count" in audit) == count


async def test_what_a_company_has_lost_is_counted_in_its_own_log(
    store: FlakyStore, disk: SpoolDisk
) -> None:
    async with opened(store, limits=EAGER, log_per_company=True) as log:
        await log.log_event(LOGIN, context=AuditContext(company_id="c-1"))
        store.go(Trouble.FAILS)
        disk.fail(errno.ENOSPC)
        for company in ("c-1", "c-2", None):
            with pytest.raises(WriteError):
                await log.log_event(LOGIN, context=AuditContext(company_id=company))
        disk.heal()
        await store.come_back()
        await log.log_event(LOGIN)
    async with delivered(store.path) as log:
        for company in ("c-1", "c-2"):
            name = await log.company_log(company)
            assert name is not None
            (gap,) = [event.audit for event in await events(log, name) if event.audit]
            assert gap["count"] == 1
        assert [gap["count"] for gap in await gaps(log)] == [1]


async def test_what_is_set_aside_is_reported_in_the_log_that_it_was_for(
    store: FlakyStore,
) -> None:
    async with opened(store, limits=EAGER) as log:
        store.go(Trouble.FAILS)
        store.chokes_on = await log.log_event(LOGIN, log="c-1")
        kept = await log.log_event(LOGIN, log="c-1")
        await store.come_back()
        await store.holds(kept)
    async with delivered(store.path) as log:
        (gap,) = [event.audit for event in await events(log, "c-1") if event.audit]
        assert gap["kind"] == "set_aside"
        assert await gaps(log) == []


async def test_a_log_that_refuses_its_report_does_not_hold_up_the_others(
    store: FlakyStore, disk: SpoolDisk, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(store, limits=EAGER) as log:
        store.go(Trouble.FAILS)
        disk.fail(errno.ENOSPC)
        for name in ("a-1", None):
            with pytest.raises(WriteError):
                await log.log_event(LOGIN, log=name)
        disk.heal()
        await store.come_back()
        check = RollbackGuard.check

        async def refuse(guard: RollbackGuard, name: str) -> None:
            if name == "a-1":
                raise RollbackError
            await check(guard, name)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(RollbackGuard, "check", refuse)
            await log.log_event(LOGIN)
            async with asyncio.timeout(60):
                async for event in log.follow(since=START):
                    if event.type == "audit.gap":
                        break
        assert "What log a-1 has lost cannot be said in it" in caplog.text
    async with delivered(store.path) as log:
        assert [event.type for event in await events(log, "a-1")] == ["audit.gap"]


async def test_a_count_outlives_its_process(store: FlakyStore, spool_folder: Path) -> None:
    async with opened(store, limits=SMALL) as log:
        store.go(Trouble.FAILS)
        kept, refused = 0, 0
        for _ in range(6):
            try:
                await log.log_event(LOGIN, details={"filler": "x" * 15_000})
                kept += 1
            except WriteError as error:
                assert error.outcome_known  # noqa: PT017
                refused += 1
        assert kept
        assert refused
    async with delivered(store.path) as log:
        assert len(await ids(log)) == kept
        # In one report or more: the drain may have taken a part of the count before.
        assert sum(gap["count"] for gap in await gaps(log)) == refused
    assert files(spool_folder) == []


async def test_what_still_fits_is_kept(store: FlakyStore, disk: SpoolDisk) -> None:
    async with opened(store, limits=SMALL) as log:
        store.go(Trouble.FAILS)
        disk.hang()
        first = asyncio.create_task(log.log_event(LOGIN))
        await disk.hung()
        # These go to the disk together once it goes on, and not all of them fit.
        calls = [
            asyncio.create_task(log.log_event(LOGIN, details={"filler": "x" * 9_000}))
            for _ in range(12)
        ]
        await asyncio.sleep(0)
        disk.heal()
        results = await asyncio.gather(first, *calls, return_exceptions=True)
        kept = [result for result in results if isinstance(result, str)]
        assert 5 < len(kept) < 13
        assert kept == results[: len(kept)]
        await store.come_back()
        await store.holds(*kept)
        assert await ids(log) == kept


async def test_a_disk_that_hangs_is_given_up(store: FlakyStore, disk: SpoolDisk) -> None:
    async with opened(store, limits=HASTY) as log:
        store.go(Trouble.FAILS)
        disk.hang()
        first = asyncio.create_task(log.log_event(LOGIN))
        await disk.hung()
        second = asyncio.create_task(log.log_event(LOGIN))
        results = await asyncio.gather(first, second, return_exceptions=True)
        errors = [error for error in results if isinstance(error, WriteError)]
        # What the disk has may yet be kept; what waited for it was withdrawn.
        assert [error.outcome_known for error in errors] == [False, True]
        disk.heal()
        await store.come_back()
        await store.holds(str(errors[0].event_id))
        for error in errors:
            assert await log.log_event(LOGIN, event_id=error.event_id) == error.event_id
        assert sorted(await ids(log)) == sorted(str(error.event_id) for error in errors)
    async with delivered(store.path) as log:
        assert [gap["count"] for gap in await gaps(log)] == [1]


async def test_what_waits_for_the_disk_is_bounded(store: FlakyStore, disk: SpoolDisk) -> None:
    async with opened(store, limits=Limits(retry_after=0.0, queue_events=3)) as log:
        store.go(Trouble.FAILS)
        disk.hang()
        calls = [asyncio.create_task(log.log_event(LOGIN))]
        await disk.hung()
        calls += [asyncio.create_task(log.log_event(LOGIN)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(WriteError) as caught:
            await log.log_event(LOGIN)
        assert caught.value.outcome_known
        disk.heal()
        await store.come_back()
        await store.holds(*await asyncio.gather(*calls))


async def test_an_event_that_cannot_be_spooled_is_the_only_one(store: FlakyStore) -> None:
    def leave_a_number(draft: Draft) -> Draft:
        if draft.user_id == "u-1":
            draft.actor_kind = 7  # type: ignore[assignment]
        return draft

    async with opened(store, limits=EAGER, chain=[leave_a_number]) as log:
        store.go(Trouble.FAILS)
        results = await asyncio.gather(
            *(log.log_event(LOGIN, f"u-{number}") for number in range(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [str, WriteError, str]
        await store.come_back()
    async with delivered(store.path) as log:
        assert await ids(log) == [results[0], results[2]]
        (gap,) = await gaps(log)
        assert gap["count"] == 1


# What was kept and will never be recorded


async def test_a_record_that_cannot_be_read_is_set_aside_and_reported(
    store: FlakyStore, spool_folder: Path
) -> None:
    spool = Spool(spool_folder)
    spool.append([b'{"v":99}', b"not JSON", b'{"v":1}'])
    spool.close()
    async with opened(store):
        pass
    async with delivered(store.path) as log:
        found = await gaps(log)
        assert [(gap["reason"], gap["count"]) for gap in found] == [("unreadable", 1)] * 3
    assert [path.read_bytes() for path in kept_aside(spool_folder)] == [
        b'{"v":99}',
        b"not JSON",
        b'{"v":1}',
    ]


async def test_an_event_that_no_store_takes_does_not_hold_up_the_others(
    store: FlakyStore, spool_folder: Path
) -> None:
    async with opened(store, limits=EAGER) as log:
        store.go(Trouble.FAILS)
        kept = [await log.log_event(LOGIN) for _ in range(9)]
        store.chokes_on = kept.pop(4)
        await store.come_back()
        await store.holds(*kept)
    async with delivered(store.path) as log:
        assert await ids(log) == kept
        (gap,) = await gaps(log)
        assert (gap["kind"], gap["reason"]) == ("set_aside", "refused")
    (aside,) = kept_aside(spool_folder)
    assert store.chokes_on.encode() in aside.read_bytes()


async def test_what_a_crash_tore_is_reported_before_the_rest_is_delivered(
    store: FlakyStore, spool_folder: Path
) -> None:
    async with opened(store, limits=EAGER) as log:
        store.go(Trouble.FAILS)
        kept = [await log.log_event(LOGIN) for _ in range(3)]
    tear(spool_folder)
    async with delivered(store.path) as log:
        found = [event for event in await events(log) if event.type != "audit.key"]
        assert [event.type for event in found] == ["audit.gap", "user_login", "user_login"]
        assert [event.id for event in found[1:]] == kept[:2]
        assert found[0].audit is not None
        assert found[0].audit["kind"] == "spool_damaged"
        assert found[0].audit["torn_bytes"] > 0
