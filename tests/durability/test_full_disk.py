"""A disk without room: a clear error, nothing half-written, and on it goes once there is."""

from __future__ import annotations

import asyncio
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from counterfoil import AuditEventType, AuditLog, WriteError
from counterfoil.errors import StoreError, StoreFullError
from counterfoil.store.sqlite import SQLiteStore
from tests.store.faults import faults

from .checking import examine
from .stores import open_on

FILLER = {"filler": "x" * 3000}
#: Bytes of a file that holds a log and hardly more.
ROOM_TO_OPEN = 300_000


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file of this process grows past this many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def fill(log: AuditLog) -> tuple[list[str], list[WriteError]]:
    """Record events from four tasks until each is refused; the ids, and the refusals."""
    acknowledged: list[str] = []
    refused: list[WriteError] = []

    async def record() -> None:
        while True:
            try:
                acknowledged.append(
                    await log.log_event(AuditEventType.ORDER_CREATED, details=FILLER)
                )
            except WriteError as error:
                refused.append(error)
                return

    await asyncio.gather(*(record() for _ in range(4)))
    return acknowledged, refused


@pytest.mark.parametrize("room", [250_000, 400_000, 900_001])
async def test_a_file_that_may_not_grow(tmp_path: Path, room: int) -> None:
    url = f"sqlite:///{tmp_path / 'audit.db'}"
    async with AuditLog.open(url, spool=False, checkpoint_interval=None) as log:
        with file_size_limit(room):
            acknowledged, refused = await fill(log)
        assert len(refused) == 4
        for error in refused:
            assert isinstance(error.__cause__, StoreError)
            assert error.outcome_known
            assert error.event_id not in acknowledged
            assert "xxx" not in str(error)
            assert error.remedy
        assert (await log.verify(processes=0)).ok
        again = [
            await log.log_event(AuditEventType.ORDER_CREATED, details=FILLER) for _ in range(3)
        ]
    assert sorted(await examine(url)) == sorted(acknowledged + again)
    assert bool(acknowledged) == (room > ROOM_TO_OPEN)


@pytest.mark.parametrize("room", range(400_000, 420_000, 1_777))
async def test_what_a_file_size_limit_refused_is_not_there_after_a_crash_either(
    tmp_path: Path, room: int
) -> None:
    """The file's end may stand anywhere in a frame of the write-ahead log."""
    url = f"sqlite:///{tmp_path / 'audit.db'}"
    log = await AuditLog.open(url, spool=False, checkpoint_interval=None)
    with file_size_limit(room):
        acknowledged, refused = await fill(log)
    assert all(error.outcome_known for error in refused)
    # As the files are now, so a crash leaves them.
    left = tmp_path / "left"
    left.mkdir()
    for name in ("audit.db", "audit.db-wal", "audit.db.key"):
        shutil.copy(tmp_path / name, left / name)
    assert sorted(await examine(f"sqlite:///{left / 'audit.db'}")) == sorted(acknowledged)
    await log.close()


@pytest.mark.parametrize("after", range(0, 60, 7))
async def test_a_full_disk(tmp_path: Path, after: int) -> None:
    path = tmp_path / "audit.db"
    with faults() as disk:
        log = await open_on(SQLiteStore(path, vfs=disk.name))
        first = await log.log_event(AuditEventType.ORDER_CREATED, details=FILLER)
        disk.after, disk.write = after, apsw.FullError
        acknowledged, refused = await fill(log)
        assert {type(error.__cause__) for error in refused} == {StoreFullError}
        assert all(error.outcome_known for error in refused)
        disk.end()
        # The same ids once more, now that there is room.
        again = [
            await log.log_event(
                AuditEventType.ORDER_CREATED, details=FILLER, event_id=error.event_id
            )
            for error in refused
        ]
        assert again == [error.event_id for error in refused]
        await log.close()
    assert sorted(await examine(f"sqlite:///{path}")) == sorted([first, *acknowledged, *again])
