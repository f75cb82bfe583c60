"""Processes that are killed, and processes that write at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

from .checking import examine

Writers = Callable[..., list[str]]

KILLS = 200
#: A log grows over this many kills; then the next begins anew.
KILLS_PER_LOG = 10


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, writers: Writers) -> None:
    chance = Random(9)
    some = 0
    for number in range(KILLS // KILLS_PER_LOG):
        url = f"sqlite:///{tmp_path / f'{number}.db'}"
        acknowledged: set[str] = set()
        before: list[str] = []
        for kill in range(KILLS_PER_LOG):
            # Always the first time while the log is being opened; then also once it is open,
            # and once an event was acknowledged, however busy the machine is.
            lines = (0, 1, 1, 2, 2)[kill % 5]
            seconds = chance.uniform(0.005, 0.06) if lines else chance.uniform(0.001, 0.04)
            found = writers("kill", url=url, seconds=seconds, lines=lines)
            some += bool(found)
            acknowledged.update(found)
            ids = asyncio.run(examine(url))
            assert acknowledged <= set(ids)
            assert set(before) <= set(ids)
            before = ids
    assert some >= KILLS * 2 // 5


def test_many_processes_write_to_one_file(url: str, writers: Writers) -> None:
    acknowledged = writers("run", url=url, processes=4, tasks=8, events=40)
    assert len(acknowledged) == 4 * 8 * 40
    assert sorted(asyncio.run(examine(url))) == sorted(acknowledged)
