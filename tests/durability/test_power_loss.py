"""Power that goes at any moment: whatever the disk then holds, nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import apsw
import pytest

from counterfoil.errors import StoreCorruptError
from counterfoil.store.sqlite import SQLiteStore
from counterfoil.store.sqlite_connection import connect

from .checking import examine
from .power_cut import power_cut
from .stores import open_on

GENERATIONS = 3
TASKS, EVENTS = 3, 80


@dataclass
class Loss:
    """What a loss of power left, and what was acknowledged before."""

    folder: Path
    acknowledged: set[str]


def keep(folder: Path, database: dict[Path, bytes], beside: Path) -> None:
    """Write down a state of the disk: the database's files, and what is synced by itself."""
    for path in sorted(beside.rglob("*")):
        if path.is_file() and not path.name.startswith(("audit.db-", ".")):
            target = folder / path.relative_to(beside)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
    folder.joinpath("audit.db").unlink(missing_ok=True)
    for path, content in database.items():
        (folder / path.name).write_bytes(content)


async def write(folder: Path, losses: Path, acknowledged: set[str], seed: int) -> list[Loss]:
    """Record events in a folder, and keep what losses of power on the way would have left."""
    found: list[Loss] = []
    acknowledged = set(acknowledged)

    def lost(database: dict[Path, bytes]) -> None:
        # In the thread that writes: what was acknowledged before now must be in there.
        loss = Loss(losses / str(len(found)), set(acknowledged))
        loss.folder.mkdir(parents=True)
        keep(loss.folder, database, folder)
        found.append(loss)

    with power_cut(Random(seed), 300, lost) as vfs:
        log = await open_on(
            SQLiteStore(folder / "audit.db", vfs=vfs.name), checkpoint_interval=0.05
        )

        async def record(task: int) -> None:
            for number in range(EVENTS):
                details = {"number": number, "filler": "x" * (number % 7 * 900)}
                acknowledged.add(await log.log_event("order_created", details=details))

        await asyncio.gather(*map(record, range(TASKS)))
        await log.close()
    return found


async def run(folder: Path, seed: int) -> list[Loss]:
    """Several generations, each of which begins with what a loss in the one before left."""
    chance = Random(seed)
    found: list[Loss] = []
    start, acknowledged = folder / "start", set[str]()
    start.mkdir()
    for generation in range(GENERATIONS):
        losses = await write(
            start, folder / f"losses-{generation}", acknowledged, chance.getrandbits(32)
        )
        heir = chance.choice(losses)
        start, acknowledged = folder / f"start-{generation}", heir.acknowledged
        shutil.copytree(heir.folder, start)
        found += losses
    return found


async def outcome(loss: Loss) -> str:
    """Whether a log is ``whole``, ``lost`` something that was acknowledged, or is ``damaged``."""
    try:
        ids = await examine(f"sqlite:///{loss.folder / 'audit.db'}")
    except (AssertionError, StoreCorruptError):
        return "damaged"
    finally:
        shutil.rmtree(loss.folder)
    return "whole" if loss.acknowledged <= set(ids) else "lost"


async def test_no_loss_of_power_loses_what_was_acknowledged(tmp_path: Path) -> None:
    losses = await run(tmp_path, 1)
    assert len(losses) > 20
    assert len({len(loss.acknowledged) for loss in losses}) > 10
    assert {await outcome(loss) for loss in losses} == {"whole"}


async def test_without_syncs_the_same_test_finds_losses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsynced(*args: Any, **options: Any) -> apsw.Connection:
        connection = connect(*args, **options)
        connection.pragma("synchronous", "off")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr("counterfoil.store.sqlite.connect", unsynced)
        (tmp_path / "start").mkdir()
        losses = await write(tmp_path / "start", tmp_path / "losses", set(), 1)
    assert "lost" in {await outcome(loss) for loss in losses}
