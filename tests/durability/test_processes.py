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
            # Now and then, and always the first time, while the log is being opened.
            opening = kill % 5 == 0
            seconds = chance.uniform(0.001, 0.04) if opening else chance.uniform(0.005, 0.06)
            found = writers("kill", url=url, seconds=seconds, opened=not opening)
            some += bool(found)
            acknowledged.update(found)
            ids = asyncio.run(examine(url))
            assert acknowledged <= set(ids)
            assert set(before) <= set(ids)
            before = ids
    assert some > KILLS // 2


def test_many_processes_write_to_one_file(url: str, writers: Writers) -> None:
    acknowledged = writers("run", url=url, processes=4, tasks=8, events=40)
    assert len(acknowledged) == 4 * 8 * 40
    assert sorted(asyncio.run(examine(url))) == sorted(acknowledged)
