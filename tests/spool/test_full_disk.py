"""Disks that are full or fail: what was not kept is said not to be, and what was kept stays."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from counterfoil.errors import SpoolError, SpoolFullError
from counterfoil.spool import Spool, files

from .delivery import adopt_all, drain
from .process import Child, Say

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db.spool"


def failing(real: Callable[..., Any], number: int, times: int = 1) -> Callable[..., Any]:
    """An effect that fails with a full disk from its call ``number`` on, ``times`` times."""
    calls = iter(range(1 << 30))

    def effect(*args: Any) -> Any:
        if number <= next(calls) < number + times:
            raise OSError(errno.ENOSPC, "no room", "/some/file")
        return real(*args)

    return effect


def test_a_file_that_may_not_grow_keeps_what_it_has(path: Path) -> None:
    def work(say: Say) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        spool = Spool(path)
        spool.append([b"first"])
        for size in (5_000, 9_000, 20_000, 100):
            try:
                spool.append([b"group " * 100, bytes(size)])
            except SpoolFullError as error:
                say(size, error.outcome_known)
        say("used", spool.used_bytes < 20_000)
        os.kill(os.getpid(), signal.SIGKILL)

    ended = Child(work).end()
    assert ended.said == [[9_000, True], [20_000, True], ["used", True]]
    found, recoveries = adopt_all(path)
    assert found == [b"first", b"group " * 100, bytes(5_000), b"group " * 100, bytes(100)]
    assert recoveries == []


@pytest.mark.parametrize("effect", ["make_folder", "create", "write", "sync", "sync_folder"])
@pytest.mark.parametrize("number", range(3))
def test_an_append_that_fails_keeps_nothing_and_the_next_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch, effect: str, number: int
) -> None:
    spool = Spool(path, segment_bytes=4096)
    monkeypatch.setattr(files, effect, failing(getattr(files, effect), number))
    kept: list[bytes] = []
    failures: list[SpoolFullError] = []
    for count in range(6):
        group = [b"%d" % count, bytes(2000)]
        try:
            spool.append(group)
        except SpoolFullError as error:
            failures.append(error)
        else:
            kept.extend(group)
    monkeypatch.undo()
    assert len(kept) // 2 + len(failures) == 6
    assert len(failures) <= 1
    assert all(error.outcome_known for error in failures)
    assert not any("/some/file" in str(error) for error in failures)
    (journal,) = spool.journals()
    assert drain(journal) == kept
    spool.close()
    assert adopt_all(path) == ([], [])


def test_what_cannot_be_taken_back_is_not_known_not_to_be_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(path)
    spool.append([b"one"])
    monkeypatch.setattr(files, "sync", failing(files.sync, 0))
    monkeypatch.setattr(files, "cut", failing(files.cut, 0))
    with pytest.raises(SpoolError) as caught:
        spool.append([b"two", b"three"])
    assert not caught.value.outcome_known
    spool.append([b"four"])
    spool.close()
    assert adopt_all(path) == ([b"one", b"two", b"three", b"four"], [])


def test_part_of_an_append_that_cannot_be_taken_back_hides_nothing_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(path)
    spool.append([b"one"])

    def half(fd: int, data: bytes) -> None:
        write(fd, data[: len(data) // 2])
        raise OSError(errno.EIO, "failed")

    write = files.write
    monkeypatch.setattr(files, "write", half)
    monkeypatch.setattr(files, "cut", failing(files.cut, 0))
    with pytest.raises(SpoolError):
        spool.append([b"two"])
    monkeypatch.setattr(files, "write", write)
    spool.append([b"three"])
    (journal,) = spool.journals()
    assert drain(journal) == [b"one", b"three"]
    (recovery,) = spool.recoveries()
    assert recovery.lost_records == 1
    spool.close()


@pytest.mark.parametrize("effect", ["create", "write", "sync", "replace", "sync_folder"])
def test_a_cursor_that_cannot_be_moved_stays(
    path: Path, monkeypatch: pytest.MonkeyPatch, effect: str
) -> None:
    spool = Spool(path)
    spool.append([b"one", b"two"])
    (journal,) = spool.journals()
    records = journal.read()
    monkeypatch.setattr(files, effect, failing(getattr(files, effect), 0))
    with pytest.raises(SpoolFullError):
        journal.done(1)
    assert journal.read() == records
    journal.done(1)
    assert journal.read() == records[1:]
    spool.close()
    assert adopt_all(path) == ([b"two"], [])


def test_damage_that_cannot_be_kept_aside_leaves_the_journal_for_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(path)
    spool.append([b"one", b"two"])
    spool.close()
    (segment,) = path.glob("*/*.segment")
    torn = segment.read_bytes()[:-1]
    segment.write_bytes(torn)
    monkeypatch.setattr(files, "write", failing(files.write, 0))
    spool = Spool(path)
    adoption = spool.adopt()
    assert [type(error) for error in adoption.errors] == [SpoolFullError]
    assert segment.read_bytes() == torn
    assert len(spool.adopt().journals) == 1
    spool.close()
    found, (recovery,) = adopt_all(path)
    assert found == [b"one"]
    assert recovery.torn_bytes > 0
