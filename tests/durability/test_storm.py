"""Many processes write to one PostgreSQL database while they, its sessions and it are killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from tests.outage.recorded import spooled
from tests.postgres import OwnPostgres

from .checking import examine
from .storm import LOGS, opening

ROOT = Path(__file__).parents[2]
PROCESSES = 8
#: How often something is broken, and how many events are acknowledged between.
BREAKS, BETWEEN = 16, 60
PATIENCE = 60.0


class Storm:
    """The writers, and what can happen to them."""

    def __init__(self, server: OwnPostgres, url: str, folder: Path, chance: Random) -> None:
        self.server = server
        self.folder = folder
        self.chance = chance
        self.writers: list[int] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.durability.storm", url, str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start_a_writer(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.writers.append(int(self._process.stdout.readline()))

    def kill_a_writer(self) -> None:
        os.kill(self.writers.pop(self.chance.randrange(len(self.writers))), signal.SIGKILL)
        self.start_a_writer()

    def cut_sessions(self) -> None:
        self.server.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'counterfoil' AND random() < 0.7"
        )

    def restart_the_server(self) -> None:
        self.server.stop()
        self.server.start()

    def kill_the_server(self) -> None:
        self.server.kill()
        self.server.start()

    def acknowledged(self) -> list[str]:
        texts = [path.read_text() for path in self.folder.glob("*.acknowledged")]
        return [line for text in texts for line in text.splitlines()]

    def wait_for(self, count: int) -> None:
        """Wait until so many events were acknowledged."""
        deadline = time.monotonic() + PATIENCE
        while len(self.acknowledged()) < count:
            assert time.monotonic() < deadline, "the writers are stuck"
            time.sleep(0.01)

    def end(self) -> int:
        """Let the writers come to their end; how many of them failed."""
        (self.folder / "end").touch()
        self._process.communicate(timeout=PATIENCE)
        return self._process.returncode


@pytest.fixture
def storm(own_postgres: OwnPostgres, tmp_path: Path) -> Iterator[Storm]:
    found = Storm(own_postgres, own_postgres.url, tmp_path, Random(4))
    yield found
    found.end()


async def deliver(url: str, folder: Path) -> None:
    """Bring in what waits in the spools of all, the dead among them."""
    async with asyncio.timeout(PATIENCE):
        while spooled(folder / "spool"):
            async with opening(url, folder):
                pass


def test_nothing_acknowledged_is_lost_or_doubled(storm: Storm) -> None:
    for _ in range(PROCESSES):
        storm.start_a_writer()
    breaks: list[Callable[[], None]] = [
        storm.kill_a_writer,
        storm.cut_sessions,
        storm.restart_the_server,
        storm.kill_the_server,
    ]
    for number in range(BREAKS):
        storm.wait_for((number + 1) * BETWEEN)
        breaks[number % len(breaks)]()
    storm.wait_for(len(storm.acknowledged()) + BETWEEN)
    assert storm.end() == 0
    asyncio.run(deliver(storm.server.url, storm.folder))
    acknowledged = storm.acknowledged()
    key_file, url = storm.folder / "key", storm.server.url
    recorded = asyncio.run(examine(url, key_file=key_file, spool=False))
    assert len(set(acknowledged)) == len(acknowledged) > BREAKS * BETWEEN
    assert set(acknowledged) <= set(recorded)
    logs = storm.server.run("SELECT name FROM counterfoil.log WHERE size > 0 ORDER BY name")
    assert [name for (name,) in logs] == sorted(LOGS)
