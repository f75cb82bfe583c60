"""The signing key: made with the database, kept beside it, and read by its owner alone."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest

from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.errors import KeyFileError
from counterfoil.log import AuditLog
from counterfoil.log.proving.identity import Identity
from counterfoil.log.proving.key_file import KeyFile
from counterfoil.store import open_store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'audit.db'}"


async def test_the_key_is_made_with_the_database(url: str, tmp_path: Path) -> None:
    async with AuditLog.open(url):
        pass
    path = tmp_path / "audit.db.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = json.loads(path.read_text())
    assert content["version"] == 1
    (entry,) = content["keys"].values()
    assert set(entry) >= {"signing_key", "created_at"}
    before = path.read_bytes()
    async with AuditLog.open(url) as log:
        await log.log_event("user_login")
        assert (await log.checkpoint()).size == 1
    assert path.read_bytes() == before


async def test_a_key_that_others_may_read_is_refused(url: str, tmp_path: Path) -> None:
    async with AuditLog.open(url):
        pass
    (tmp_path / "audit.db.key").chmod(0o640)
    with pytest.raises(KeyFileError, match="Others may read"):
        await AuditLog.open(url)


async def test_a_process_without_the_key_appends_and_does_not_sign(
    url: str, tmp_path: Path
) -> None:
    async with AuditLog.open(url, checkpoint_interval=None) as log:
        await log.log_event("user_login")
        signed = await log.checkpoint()
    async with AuditLog.open(url, key_file=tmp_path / "none.key") as log:
        covered = (await log.query()).events[0].id
        uncovered = await log.log_event("user_login")
        with pytest.raises(KeyFileError, match="does not hold"):
            await log.checkpoint()
        assert (await log.prove(covered)).checkpoint.note == signed.note
        with pytest.raises(KeyFileError, match="does not hold"):
            await log.prove(uncovered)
        report = await log.verify()
        assert report.ok
        assert report.logs[0].tail == 1
    assert not (tmp_path / "none.key").exists()


async def test_another_databases_key_is_refused(url: str, tmp_path: Path) -> None:
    async with AuditLog.open(url):
        pass
    path = tmp_path / "audit.db.key"
    content = json.loads(path.read_text())
    (database,) = content["keys"]
    content["keys"][database]["signing_key"] = "A" * 43 + "="
    path.write_text(json.dumps(content))
    with pytest.raises(KeyFileError, match="another key"):
        await AuditLog.open(url)


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"version": 2}', '{"version": 1, "keys": []}', '{"version": 1, "keys": {"%s": 1}}'],
)
async def test_a_damaged_key_file_is_refused(url: str, tmp_path: Path, content: str) -> None:
    async with AuditLog.open(url):
        pass
    path = tmp_path / "audit.db.key"
    (database,) = json.loads(path.read_text())["keys"]
    path.write_text(content.replace("%s", database))
    with pytest.raises(KeyFileError):
        await AuditLog.open(url)


async def test_one_file_serves_many_databases_and_keeps_what_it_does_not_know(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "all.key"
    async with AuditLog.open(f"sqlite:///{tmp_path / 'one.db'}", key_file=path):
        pass
    content = json.loads(path.read_text())
    (first,) = content["keys"].values()
    first["later_keys"] = {"1": "unknown here"}
    content["remark"] = "kept"
    path.write_text(json.dumps(content))
    async with AuditLog.open(f"sqlite:///{tmp_path / 'two.db'}", key_file=path):
        pass
    assert "other databases" in caplog.text
    content = json.loads(path.read_text())
    assert content["remark"] == "kept"
    assert len(content["keys"]) == 2
    assert first in content["keys"].values()
    for name in ("one.db", "two.db"):
        async with AuditLog.open(f"sqlite:///{tmp_path / name}", key_file=path) as log:
            await log.log_event("user_login")
            assert (await log.checkpoint()).size == 1


async def test_creators_at_the_same_time_agree_on_one_identity(url: str, tmp_path: Path) -> None:
    key_file = KeyFile(tmp_path / "audit.db.key")
    stores = [open_store(url) for _ in range(4)]
    for store in stores:
        await store.open()
    found = await asyncio.gather(
        *(Identity.establish(store, key_file, SYSTEM_CLOCK) for store in stores)
    )
    assert len({(one.database, one.public_key) for one in found}) == 1
    assert key_file.databases() == [found[0].database]
    again = await Identity.establish(stores[0], key_file, SYSTEM_CLOCK)
    assert again.may_sign
    for store in stores:
        await store.close()


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    key_file = KeyFile(tmp_path / "a.key")
    for number in range(5):
        KeyFile(key_file.path).add(f"{number}", bytes([number]) * 32, "2026-01-01T00:00:00.000000Z")
    assert [key_file.seed(f"{number}") for number in range(5)] == [
        bytes([number]) * 32 for number in range(5)
    ]
    with pytest.raises(KeyFileError, match="already"):
        key_file.add("3", bytes(32), "2026-01-01T00:00:00.000000Z")
    key_file.remove("3")
    assert key_file.seed("3") is None
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.key", "a.key.lock"]


async def test_a_log_in_memory_signs_with_a_key_of_its_own() -> None:
    async with AuditLog.open("memory:") as log:
        event_id = await log.log_event("user_login")
        proof = await log.prove(event_id)
        assert proof.verify().index == 0
        assert (await log.verify()).ok
