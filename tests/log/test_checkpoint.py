"""Checkpoints: signed, recorded, published, and only then shown; never a fork."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import apsw
import pytest

from counterfoil.errors import NotFoundError, RollbackError
from counterfoil.log import AuditLog
from counterfoil.log.proving.published import PublishedCheckpoints
from counterfoil.log.store_backend import StoreBackend
from counterfoil.proof import Checkpoint, verify_consistency
from counterfoil.store import CheckpointRow
from counterfoil.store.sqlite import SQLiteStore


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'audit.db'}"


def backend_of(log: AuditLog) -> StoreBackend:
    backend = log._backend
    assert isinstance(backend, StoreBackend)
    return backend


async def write(log: AuditLog, events: int, name: str = "default") -> list[str]:
    return await asyncio.gather(
        *(log.log_event("user_login", user_id=f"user-{n}", log=name) for n in range(events))
    )


def sizes(tmp_path: Path) -> list[int]:
    connection = apsw.Connection(str(tmp_path / "audit.db"))
    rows = list(connection.execute("SELECT size FROM checkpoint ORDER BY size"))
    connection.close()
    return [size for (size,) in rows]


async def test_a_checkpoint_is_signed_recorded_and_published(url: str, tmp_path: Path) -> None:
    async with AuditLog.open(url, checkpoint_interval=None) as log:
        await write(log, 3)
        signed = await log.checkpoint()
        assert (signed.log, signed.size) == ("default", 3)
        assert Checkpoint.open(signed.note, signed.verifier_key).root == signed.root
        assert sizes(tmp_path) == [3]
        published = PublishedCheckpoints(tmp_path / "audit.db.key.published")
        found = await published.read(signed.origin)
        assert found is not None
        assert found.note == signed.note
        # Nothing has grown: the same checkpoint again.
        assert await log.checkpoint() == signed


async def test_checkpoints_continue_each_other(url: str) -> None:
    async with AuditLog.open(url, checkpoint_interval=None) as log:
        signed = []
        for events in (1, 2, 300, 1, 256):
            await write(log, events)
            signed.append(await log.checkpoint())
        for old in signed:
            for new in signed:
                if old.size <= new.size:
                    proof = await log.consistency(old.size, new.size)
                    verify_consistency(old.size, old.root, new.size, new.root, proof)


async def test_each_log_has_its_own_origin_and_one_key(url: str) -> None:
    async with AuditLog.open(url, checkpoint_interval=None) as log:
        await write(log, 2)
        await write(log, 3, "tenant-7")
        first, second = await log.checkpoint(), await log.checkpoint("tenant-7")
        assert (first.size, second.size) == (2, 3)
        assert first.origin != second.origin
        assert first.verifier_key.public_key == second.verifier_key.public_key
        with pytest.raises(NotFoundError):
            await log.checkpoint("nowhere")


async def test_the_last_checkpoint_is_signed_on_close(url: str, tmp_path: Path) -> None:
    async with AuditLog.open(url) as log:
        await write(log, 5)
        await write(log, 2, "tenant-7")
    assert sizes(tmp_path) == [2, 5]


async def test_a_growing_log_is_signed_again_and_again(url: str, tmp_path: Path) -> None:
    async with AuditLog.open(url, checkpoint_interval=0.01) as log:
        for events in (1, 1, 1):
            before = max(sizes(tmp_path), default=0)
            await write(log, events)
            for _ in range(3000):
                if max(sizes(tmp_path), default=0) > before:
                    break
                await asyncio.sleep(0.005)
    assert sizes(tmp_path) == [1, 2, 3]


async def test_events_of_a_process_without_the_key_are_signed_by_one_with_it(
    url: str, tmp_path: Path
) -> None:
    async with AuditLog.open(url) as signer:
        await write(signer, 1)
        async with AuditLog.open(url, key_file=tmp_path / "none.key") as other:
            await write(other, 4)
    assert max(sizes(tmp_path)) == 5


async def test_signers_at_the_same_time_sign_one_tree(url: str) -> None:
    async with AuditLog.open(url, checkpoint_interval=None) as one:
        await write(one, 10)
        async with AuditLog.open(url, checkpoint_interval=None) as two:
            signed = await asyncio.gather(*(log.checkpoint() for log in (one, two) * 5))
            assert len({found.note for found in signed}) == 1
            assert (await two.verify()).ok


async def test_what_a_crash_left_recorded_is_published_next(url: str, tmp_path: Path) -> None:
    async with AuditLog.open(url, checkpoint_interval=None) as log:
        await write(log, 2)
        await log.checkpoint()
        folder = tmp_path / "audit.db.key.published"
        (file,) = folder.glob("*default.json")
        before = file.read_bytes()
        (event_id,) = await write(log, 1)
        signed = await log.checkpoint()
        file.write_bytes(before)  # as if the process had died between the two steps
        assert (await log.prove(event_id)).checkpoint.note == signed.note
        found = await PublishedCheckpoints(folder).read(signed.origin)
        assert found is not None
        assert found.note == signed.note
        assert (await log.verify()).ok


async def test_a_fork_is_never_signed(url: str, tmp_path: Path) -> None:
    async with AuditLog.open(url, checkpoint_interval=None) as log:
        await write(log, 5)
        await log.checkpoint()
        with apsw.Connection(str(tmp_path / "audit.db")) as hand:
            hand.execute("UPDATE event SET leaf = zeroblob(32) WHERE position & 1023 = 2")
        await write(log, 5)
        with pytest.raises(RollbackError, match="does not continue"):
            await log.checkpoint()


async def test_what_fails_is_logged_and_tried_again(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with AuditLog.open(url, checkpoint_interval=None) as log:
        await write(log, 1)
        await log.checkpoint()
        await write(log, 1)
        folder = tmp_path / "audit.db.key.published"
        away = folder.rename(tmp_path / "away")
        folder.write_text("in the way")
        checkpointer = backend_of(log).checkpointer
        await checkpointer.turn()
        assert "trying again" in caplog.text
        folder.unlink()
        away.rename(folder)
        await checkpointer.turn()
        assert sizes(tmp_path) == [1, 2]


async def test_of_many_logs_only_those_that_grew_are_signed_and_together(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[list[int]] = []
    put = SQLiteStore.put_checkpoints

    async def watched(store: SQLiteStore, rows: Sequence[CheckpointRow]) -> None:
        recorded.append([row.log for row in rows])
        await put(store, rows)

    monkeypatch.setattr(SQLiteStore, "put_checkpoints", watched)
    names = [f"log-{number:03}" for number in range(150)]
    async with AuditLog.open(url, checkpoint_interval=3600) as log:
        for name in names:
            await log.log_event("user_login", log=name)
        turn = backend_of(log).checkpointer.turn
        await turn()
        assert sorted(map(len, recorded)) == [22, 64, 64]
        recorded.clear()
        await turn()
        assert recorded == []
        await write(log, 2, "log-007")
        await turn()
        assert [len(one) for one in recorded] == [1]
        stats = {one.name: one for one in (await log.stats()).logs}
        assert all(one.uncovered == 0 for one in stats.values())
        assert stats["log-007"].checkpoint_size == 3
        assert (await log.verify()).ok


async def test_what_a_crash_left_unpublished_is_published_by_the_next(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> None:
        raise OSError("the machine went down here")

    async with AuditLog.open(url, checkpoint_interval=None) as log:
        await write(log, 3)
        with monkeypatch.context() as patched:
            patched.setattr(PublishedCheckpoints, "advance", crash)
            with pytest.raises(OSError, match="went down"):
                await log.checkpoint()
    assert sizes(tmp_path) == [3]
    async with AuditLog.open(url, checkpoint_interval=3600) as log:
        await backend_of(log).checkpointer.turn()
        published = PublishedCheckpoints(tmp_path / "audit.db.key.published")
        [head] = await backend_of(log).store.heads()
        found = await published.read(head.origin)
        assert found is not None
        assert found.checkpoint.size == 3
        assert (await log.verify()).ok
