"""A restored backup: refused, and gone on from under a new origin that says so."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from counterfoil.errors import InputError, RollbackError
from counterfoil.log import AuditLog
from counterfoil.log.opening import Opening
from counterfoil.proof import Checkpoint


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


def opened(path: Path) -> Opening[AuditLog]:
    return AuditLog.open(f"sqlite:///{path}")


async def write(log: AuditLog, events: int, name: str = "default") -> None:
    await asyncio.gather(*(log.log_event("user_login", log=name) for _ in range(events)))


async def roll_back(path: Path, before: int, after: int) -> bytes:
    """Make a log, back it up, let it go on, and restore the backup; the last it published."""
    async with opened(path) as log:
        await write(log, before)
    backup = path.with_name("backup.db")
    shutil.copy(path, backup)
    async with opened(path) as log:
        await write(log, after)
        signed = await log.checkpoint()
    shutil.copy(backup, path)
    return signed.note


@pytest.mark.parametrize("after", [1, 300])
async def test_a_restored_backup_is_not_written_to(path: Path, after: int) -> None:
    await roll_back(path, 5, after)
    async with opened(path) as log:
        for _ in range(2):
            with pytest.raises(RollbackError, match="continue_restored"):
                await log.log_event("user_login")
        # Reading goes on, and verification says what is gone.
        assert len((await log.query()).events) == 5
        report = await log.verify()
        assert {finding.fault.value for finding in report.findings} == {"cut off"}
        with pytest.raises(RollbackError):
            await log.checkpoint()


async def test_a_log_that_went_another_way_is_not_written_to(path: Path, tmp_path: Path) -> None:
    await roll_back(path, 5, 3)
    published = tmp_path / "audit.db.key.published"
    away = published.rename(tmp_path / "away")
    async with opened(path) as log:
        await write(log, 6)  # longer than what was published, and another tree
    shutil.rmtree(published)
    away.rename(published)
    async with opened(path) as log:
        with pytest.raises(RollbackError, match="does not continue"):
            await log.log_event("user_login")


async def test_it_goes_on_under_a_new_origin(path: Path) -> None:
    lost = await roll_back(path, 5, 3)
    async with opened(path) as log:
        old = (await log.query()).events[0].log
        origin = await log.continue_restored()
        await write(log, 4)
        signed = await log.checkpoint()
        assert signed.origin == origin
        assert signed.size == 10
        assert old == "default"
        event = (await log.query(event_type="audit.restored")).events[0]
        assert event.index == 5
        assert event.audit is not None
        assert event.audit["old_checkpoint"].encode() == lost
        stated = Checkpoint.parse(lost[: lost.rindex(b"\n\n") + 1])
        assert (stated.size, stated.origin) == (8, event.audit["old_origin"])
        report = await log.verify()
        assert report.ok, report.findings
    # Again and again: the new origin is as good as the first.
    async with opened(path) as log:
        await write(log, 1)
        assert (await log.verify()).ok
        with pytest.raises(InputError):
            await log.continue_restored()


async def test_a_log_can_be_restored_twice(path: Path) -> None:
    await roll_back(path, 5, 3)
    async with opened(path) as log:
        first = await log.continue_restored()
    backup = path.with_name("backup.db")
    shutil.copy(path, backup)
    async with opened(path) as log:
        await write(log, 4)
    shutil.copy(backup, path)
    async with opened(path) as log:
        with pytest.raises(RollbackError):
            await log.log_event("user_login")
        assert await log.continue_restored() != first
        await write(log, 2)
        report = await log.verify()
        assert report.ok, report.findings


async def test_a_log_that_the_backup_does_not_have_is_behind_too(path: Path) -> None:
    async with opened(path) as log:
        await write(log, 1)
    backup = path.with_name("backup.db")
    shutil.copy(path, backup)
    async with opened(path) as log:
        await write(log, 2, "tenant-7")
    shutil.copy(backup, path)
    async with opened(path) as log:
        await write(log, 1)  # the other log is as it was
        with pytest.raises(RollbackError):
            await log.log_event("user_login", log="tenant-7")
        await log.continue_restored("tenant-7")
        await write(log, 1, "tenant-7")
        report = await log.verify()
        assert report.ok, report.findings


async def test_another_databases_leftover_is_no_rollback(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(path) as log:
        await write(log, 9)
        origin = (await log.checkpoint()).origin
    other = tmp_path / "other"
    other.mkdir()
    async with opened(other / "audit.db") as log:
        await write(log, 2)
        own = (await log.checkpoint()).origin
    # The file lies under this log's origin, but another key has signed it.
    folder = other / "audit.db.key.published"
    (foreign,) = (tmp_path / "audit.db.key.published").glob("*default.json")
    (mine,) = folder.glob("*default.json")
    mine.write_text(foreign.read_text())
    assert own != origin
    async with opened(other / "audit.db") as log:
        await write(log, 1)
        assert "another database's" in caplog.text
        # It is signed as ever, and what was left behind gives way.
        assert (await log.checkpoint()).size == 3
        report = await log.verify()
        assert report.ok, report.findings
