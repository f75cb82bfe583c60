"""However the tests end, their servers end too and leave nothing on this machine."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from .postgres import PATIENCE

KILLED = """
import os, signal
from tests.postgres import OwnPostgres, wheel
server = OwnPostgres(wheel(18))
print(server.folder, server.url, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_server_whose_tests_are_killed_ends_and_leaves_no_folder() -> None:
    tests = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=Path(__file__).parents[1], stdout=subprocess.PIPE
    )
    folder, url = tests.stdout.decode().split()
    deadline = time.monotonic() + PATIENCE
    # Nobody is left who could be told of it.
    while Path(folder).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(asyncpg.connect(url))
