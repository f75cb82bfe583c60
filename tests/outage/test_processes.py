"""Processes that die while the store is away or comes back: kill -9 between every two steps."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Coroutine, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from counterfoil import AuditLog
from counterfoil.errors import ForkedError
from counterfoil.spool import Loss, Spool
from tests.spool.process import Child, Ended, Say, die_before

from .flaky_store import FlakyStore, Trouble, open_log, opened
from .recorded import EAGER, LOGIN, delivered, files, gaps, ids, spooled

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

Work = Callable[[Path, Say], Coroutine[Any, Any, None]]


def killed_everywhere(before: Path, tmp_path: Path, work: Work) -> Iterator[tuple[Path, Ended]]:
    """Run some work on copies of a folder, killed before each effect on the spool's disk."""
    for number in count():
        folder = tmp_path / str(number)
        shutil.copytree(before, folder)
        path = folder / "audit.db"

        def run(say: Say, path: Path = path, number: int = number) -> None:
            die_before(number)
            asyncio.run(work(path, say))

        ended = Child(run).end()
        yield path, ended
        shutil.rmtree(folder)
        if not ended.was_killed:
            assert ended.code == 0
            assert number > 10
            return


def said(ended: Ended, name: str) -> list[Any]:
    return [what for kind, what in ended.said if kind == name]


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A folder with a log that is empty."""
    folder = tmp_path / "before"
    folder.mkdir()
    asyncio.run(open_and_close(folder / "audit.db"))
    return folder


async def open_and_close(path: Path) -> None:
    async with AuditLog.open(f"sqlite:///{path}", checkpoint_interval=None):
        pass


async def leave(path: Path, say: Say) -> None:
    """Keep events while the store is away, and leave them."""
    store = FlakyStore(path)
    async with opened(store, limits=EAGER) as log:
        store.go(Trouble.FAILS)
        for _ in range(3):
            say("kept", await log.log_event(LOGIN))


async def keep_and_deliver(path: Path, say: Say) -> None:
    """Keep events while the store is away, and deliver them once it is back."""
    store = FlakyStore(path)
    async with opened(store, limits=EAGER) as log:
        store.go(Trouble.FAILS)
        kept = []
        for _ in range(3):
            kept.append(await log.log_event(LOGIN))
            say("kept", kept[-1])
        await store.come_back()
        await store.holds(*kept)
        say("kept", await log.log_event(LOGIN))


async def start_without(path: Path, say: Say) -> None:
    """Begin while the store is away, and deliver once it is there."""
    store = FlakyStore(path)
    store.go(Trouble.FAILS)
    async with opened(store, limits=EAGER) as log:
        kept = []
        for _ in range(3):
            kept.append(await log.log_event(LOGIN))
            say("kept", kept[-1])
        await store.come_back()
        await store.holds(*kept)


async def check(path: Path, kept: list[str]) -> None:
    """All that was acknowledged is there once, in order; at most one more was not told."""
    async with delivered(path) as log:
        found = await ids(log)
        assert found[: len(kept)] == kept
        assert len(set(found)) == len(found) <= len(kept) + 1
        # Half of a record that nobody was told of may lie there.
        assert all(gap["count"] == 0 for gap in await gaps(log))
    assert spooled(path.with_name("audit.db.spool")) == []


@pytest.mark.parametrize("work", [keep_and_deliver, start_without])
def test_what_was_acknowledged_is_recorded_once_wherever_its_process_is_killed(
    before: Path, tmp_path: Path, work: Work
) -> None:
    for path, ended in killed_everywhere(before, tmp_path, work):
        asyncio.run(check(path, said(ended, "kept")))


def test_what_a_dead_process_left_is_recorded_once_wherever_the_next_is_killed(
    before: Path, tmp_path: Path
) -> None:
    kept: list[str] = []
    asyncio.run(leave(before / "audit.db", lambda _, event_id: kept.append(event_id)))

    async def deliver(path: Path, say: Say) -> None:
        await open_and_close(path)

    for path, _ in killed_everywhere(before, tmp_path, deliver):
        asyncio.run(check(path, kept))


def test_a_gap_is_told_once_wherever_the_process_is_killed(before: Path, tmp_path: Path) -> None:
    """A record that cannot be read, a torn one and a count are reported under ids that stay."""
    path = before / "audit.db"
    asyncio.run(leave(path, lambda *_: None))
    spool = Spool(path.with_name("audit.db.spool"))
    spool.append([b"not JSON"])
    spool.count_gap([Loss("default", "user_login", 1), Loss("default", "user_login", 2)])
    spool.close()

    async def deliver(path: Path, say: Say) -> None:
        await open_and_close(path)

    async def told(path: Path) -> None:
        async with delivered(path) as log:
            found = sorted((gap["kind"], gap["count"]) for gap in await gaps(log))
            assert found == [("not_kept", 2), ("set_aside", 1)]
            assert len(await ids(log)) == 3

    for path, _ in killed_everywhere(before, tmp_path, deliver):
        asyncio.run(told(path))


def test_what_a_living_process_keeps_is_its_own(before: Path) -> None:
    path = before / "audit.db"

    async def keep_and_wait(say: Say) -> None:
        store = FlakyStore(path)
        async with opened(store, limits=EAGER) as log:
            store.go(Trouble.FAILS)
            say([await log.log_event(LOGIN) for _ in range(3)])
            await asyncio.Event().wait()

    async def recorded() -> list[str]:
        async with delivered(path) as log:
            return await ids(log)

    child = Child(lambda say: asyncio.run(keep_and_wait(say)))
    (kept,) = child.hear()
    assert asyncio.run(recorded()) == []
    assert spooled(path.with_name("audit.db.spool"))
    child.kill()
    assert child.end().was_killed
    assert asyncio.run(recorded()) == kept
    assert spooled(path.with_name("audit.db.spool")) == []


def test_a_forked_child_leaves_the_spool_alone(before: Path) -> None:
    path = before / "audit.db"
    folder = path.with_name("audit.db.spool")

    def call(log: AuditLog) -> int:
        try:
            asyncio.run(log.log_event(LOGIN))
        except ForkedError:
            return 0
        return 1

    async def go_away() -> tuple[AuditLog, FlakyStore, str]:
        store = FlakyStore(path)
        log = await open_log(store, limits=EAGER)
        store.go(Trouble.FAILS)
        return log, store, await log.log_event(LOGIN)

    async def come_back(log: AuditLog, store: FlakyStore) -> list[str]:
        await store.come_back()
        last = await log.log_event(LOGIN)
        await log.close()
        return [last]

    with asyncio.Runner() as runner:
        log, store, kept = runner.run(go_away())
        before_fork = {file: file.read_bytes() for file in files(folder)}
        pid = os.fork()
        if pid == 0:
            os._exit(call(log))
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert {file: file.read_bytes() for file in files(folder)} == before_fork
        last = runner.run(come_back(log, store))

    async def recorded() -> list[str]:
        async with delivered(path) as log:
            return sorted(await ids(log))

    assert asyncio.run(recorded()) == sorted([kept, *last])
