"""A real server that is really killed, and clients that are: nothing is lost, nothing twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from counterfoil import AuditLog, Limits, WriteError
from counterfoil.access import Services

from .real_server import listen

LOGIN, ROLE = "user_login", "role_assigned"
LIMITS = Limits(write_timeout=5, retry_after=0.05)


class Server:
    """``counterfoil serve`` in a process of its own, on one port for all its lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with listen() as probe:
            self._port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self.database = f"sqlite:///{folder / 'audit.db'}"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "counterfoil", "serve", "--url", self.database,
            "--port", str(self._port), cwd=self._folder, env=_environment(),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        while True:
            assert self._process.returncode is None, "the server ended by itself"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return

    async def kill(self) -> None:
        """kill -9."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """SIGTERM, as an operator does."""
        await self._end(signal.SIGTERM)

    async def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.send_signal(number)
            await process.wait()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("COUNTER")}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    found = Server(tmp_path)
    yield found
    await found.kill()


@asynccontextmanager
async def database(server: Server) -> AsyncIterator[AuditLog]:
    """The server's log, while no server runs."""
    async with AuditLog.open(server.database, checkpoint_interval=None) as log:
        yield log


async def make_key(server: Server, role: str = "writer") -> str:
    async with database(server) as log:
        _, token = await Services.of(log).keyring.create(role)
        return token


def client(server: Server, token: str, folder: Path, **options: Any) -> Any:
    """A log on the server."""
    given = {"limits": LIMITS, "key_file": folder / "known", "spool": folder / "spool"}
    return AuditLog.open(server.url, token=token, **{**given, **options})


async def recorded(server: Server) -> list[tuple[str, int, int]]:
    """Id, task and number of each event, in the log's order; the log is as it must be."""
    async with database(server) as log:
        found = [
            (event.id, event.details["task"], event.details["n"])
            async for event in log.events(event_type=[LOGIN, ROLE])
        ]
        assert (await log.verify()).ok
    return found


async def emptied(log: AuditLog) -> None:
    """Wait until nothing waits in the spool any more."""
    async with asyncio.timeout(60):
        while (await log.spooled()).events:  # type: ignore[union-attr]  # noqa: ASYNC110 - of the disk
            await asyncio.sleep(0.05)


async def test_nothing_is_lost_or_twice_while_the_server_is_killed(
    server: Server, tmp_path: Path
) -> None:
    token = await make_key(server)
    await server.start()
    acknowledged: dict[tuple[int, int], str] = {}
    unsure: set[str] = set()
    done = asyncio.Event()
    progress = asyncio.Condition()

    async def write(log: AuditLog, task: int) -> None:
        kind = ROLE if task == 0 else LOGIN
        n = 0
        while not done.is_set():
            try:
                event_id = await log.log_event(kind, details={"task": task, "n": n})
                acknowledged[task, n] = event_id
            except WriteError as error:
                assert kind == ROLE
                if not error.outcome_known:
                    unsure.add(str(error.event_id))
                await asyncio.sleep(0.01)
            n += 1
            async with progress:
                progress.notify_all()

    async def more(events: int) -> None:
        wanted = len(acknowledged) + events
        async with progress:
            await progress.wait_for(lambda: len(acknowledged) >= wanted)

    async with client(server, token, tmp_path) as log:
        tasks = [asyncio.create_task(write(log, task)) for task in range(6)]
        for _ in range(2):
            await more(200)
            await server.kill()
            await more(50)
            await server.start()
        await more(100)
        await server.stop()
        await more(20)
        await server.start()
        done.set()
        await asyncio.gather(*tasks)
        await emptied(log)
        last = await log.log_event(ROLE, details={"task": -1, "n": 0})
    await server.stop()
    found = await recorded(server)
    ids = [event_id for event_id, _, _ in found]
    assert len(ids) == len(set(ids))
    assert set(acknowledged.values()) | {last} <= set(ids)
    assert set(ids) - set(acknowledged.values()) <= unsure | {last}
    for task in range(1, 6):
        numbers = [n for _, one, n in found if one == task]
        assert numbers == sorted(numbers), f"task {task} is out of order"


CHILD = """
import asyncio, sys
from pathlib import Path
from counterfoil import AuditLog, Limits

async def main(url, folder):
    token = sys.stdin.readline().strip()
    folder = Path(folder)
    limits = Limits(write_timeout=5, retry_after=0.05)
    async with AuditLog.open(
        url, token=token, limits=limits, key_file=folder / "known", spool=folder / "spool"
    ) as log:
        n = 0
        while True:
            await log.log_event("user_login", details={"task": 1, "n": n})
            print(n, flush=True)
            n += 1

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_client_that_is_killed_leaves_what_it_has_acknowledged(
    server: Server, tmp_path: Path
) -> None:
    token = await make_key(server)
    await server.start()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, server.url, str(tmp_path), env=_environment(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(f"{token}\n".encode())
    said = -1

    said_by_child = child.stdout

    async def more(events: int) -> None:
        nonlocal said
        for _ in range(events):
            said = int(await said_by_child.readline())

    await more(50)
    await server.kill()
    await more(50)
    child.kill()
    rest = (await child.stdout.read()).split()
    await child.wait()
    said = max([said, *map(int, rest)])
    await server.start()
    async with client(server, token, tmp_path) as log:
        await log.log_event(ROLE, details={"task": 2, "n": 0})
        await emptied(log)
    await server.stop()
    found = [n for _, task, n in await recorded(server) if task == 1]
    assert found[: said + 1] == list(range(said + 1))
    assert len(found) <= said + 2
