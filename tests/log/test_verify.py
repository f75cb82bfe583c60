"""Verification of good logs: whole, from a size on, by processes, and while they grow."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from counterfoil.errors import InputError, NotFoundError
from counterfoil.log import AuditLog
from counterfoil.log.opening import Opening
from counterfoil.log.verification.report import Fault, Finding, Findings, Place


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


def opened(path: Path) -> Opening[AuditLog]:
    return AuditLog.open(f"sqlite:///{path}", checkpoint_interval=None)


async def write(log: AuditLog, events: int, name: str = "default") -> None:
    await asyncio.gather(
        *(log.log_event("user_login", user_id=f"user-{n}", log=name) for n in range(events))
    )


@pytest.mark.parametrize("events", [0, 1, 255, 256, 257, 1025])
async def test_a_good_log_is_good_at_any_size(path: Path, events: int) -> None:
    async with opened(path) as log:
        await write(log, events)
        report = await log.verify()
        assert report.ok, report.findings
        assert report.events == events
        assert report.processes == 0
        if events:
            signed = await log.checkpoint()
            (found,) = (await log.verify()).logs
            assert (found.root, found.covered, found.tail) == (signed.root, events, 0)


async def test_processes_find_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A tile a segment, so that there is something to share out.
    monkeypatch.setattr("counterfoil.log.verification.log_check.SEGMENT", 256)
    monkeypatch.setattr("counterfoil.log.verification.verifier.SEGMENT", 256)
    async with opened(path) as log:
        await write(log, 1100)
        await write(log, 5, "tenant-7")
        with apsw.Connection(str(path)) as hand:
            hand.execute("UPDATE event SET user_id = 'x' WHERE position & 65535 = 7")
        alone = await log.verify(processes=0)
        together = await log.verify(processes=2)
    assert together.processes == 2
    assert together.findings == alone.findings
    assert [(one.log, one.root, one.digests) for one in together.logs] == [
        (one.log, one.root, one.digests) for one in alone.logs
    ]
    assert {(one.place, one.field) for one in alone.findings} == {(Place.COLUMN, "user_id")}


async def test_progress_reaches_the_end(path: Path) -> None:
    async with opened(path) as log:
        await write(log, 300)
        await write(log, 5, "tenant-7")
        seen: list[tuple[int, int]] = []
        await log.verify(progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (305, 305)
    assert seen == sorted(seen)


async def test_an_incremental_verification_goes_on_from_the_last(path: Path) -> None:
    async with opened(path) as log:
        await write(log, 600)
        await log.checkpoint()
        assert (await log.verify(since="last")).events == 600
        await write(log, 200)
        await log.checkpoint()
        report = await log.verify(since="last")
        assert report.ok, report.findings
        (found,) = report.logs
        assert (found.first, report.events, found.size) == (512, 288, 800)
        assert any("below index 512" in text for text in found.not_looked_at)
        assert found.root == (await log.verify()).logs[0].root
        # What lies before is not looked at; what lies behind is.
        hand = apsw.Connection(str(path))
        ((base,),) = hand.execute("SELECT number << 40 FROM log")
        hand.execute("UPDATE event SET user_id = 'x' WHERE position = ?", (base + 3,))
        assert (await log.verify(since="last")).ok
        hand.execute("UPDATE event SET user_id = 'x' WHERE position = ?", (base + 790,))
        assert [one.index for one in (await log.verify(since=600)).findings] == [790]
        assert [one.index for one in (await log.verify()).findings] == [3, 790]
        # A beginning that is another one is looked at again, whole.
        hand.execute("UPDATE tile SET hashes = zeroblob(8192) WHERE level = 0 AND number = 0")
        hand.execute("UPDATE tile SET hashes = zeroblob(96) WHERE level = 1")
        report = await log.verify(since="last")
        assert report.logs[0].first == 0
        assert not report.ok
        hand.close()


async def test_a_log_may_grow_while_it_is_verified(path: Path) -> None:
    async with opened(path) as log:
        await write(log, 300)
        await log.checkpoint()
        growing = asyncio.Event()

        async def grow() -> None:
            while not growing.is_set():
                await write(log, 20)
                await log.checkpoint()

        task = asyncio.create_task(grow())
        for _ in range(8):
            report = await log.verify()
            assert report.ok, report.findings
        growing.set()
        await task
        assert (await log.verify()).ok


async def test_it_can_be_interrupted(path: Path) -> None:
    async with opened(path) as log:
        await write(log, 600)
        task = asyncio.create_task(log.verify(processes=2))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await log.verify()).ok


async def test_wrong_questions_are_refused(path: Path) -> None:
    async with opened(path) as log:
        with pytest.raises(NotFoundError):
            await log.verify("nowhere")
        with pytest.raises(InputError):
            await log.verify(since=-1)
        with pytest.raises(InputError):
            await log.verify(processes=65)


async def test_no_finding_shows_what_an_event_holds(path: Path) -> None:
    secret = "a very private remark"
    async with opened(path) as log:
        await log.log_event("user_login", user_id=secret, details={"remark": secret})
        with apsw.Connection(str(path)) as hand:
            hand.execute("UPDATE event SET user_id = user_id || ' altered', details = actor")
            hand.execute("UPDATE event SET session_id = ?", (secret,))
        report = await log.verify()
    assert len(report.findings) >= 2
    assert secret not in repr(report)
    assert secret not in "".join(map(str, report.findings))


def test_findings_side_by_side_become_one() -> None:
    findings = Findings()
    for index in (3, 4, 5, 9):
        findings.add(Finding(fault=Fault.MISSING, place=Place.EVENT, log="a", index=index))
    assert [(one.index, one.last_index) for one in findings.kept] == [(3, 5), (9, None)]
