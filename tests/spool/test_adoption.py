"""Several processes on one folder: who holds what, and who takes over from the dead."""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path

import pytest

from counterfoil.spool import Spool
from counterfoil.spool.lock import FileLock

from .delivery import adopt_all, drain, homes
from .process import Child, Say

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db.spool"


def stay(path: Path, *records: bytes) -> Child:
    """A process that keeps these records and then lives until it is killed."""
    ready = Child(lambda say: _stay(path, records, say))
    assert ready.hear() == ["kept"]
    return ready


def _stay(path: Path, records: tuple[bytes, ...], say: Say) -> None:
    spool = Spool(path)
    spool.append(records)
    say("kept")
    signal.pause()
    spool.close()


def test_the_living_keep_theirs_and_the_dead_are_adopted(path: Path) -> None:
    living, dying = stay(path, b"living"), stay(path, b"dying")
    spool = Spool(path)
    assert spool.adopt() == ([], [])
    dying.kill()
    assert dying.end().was_killed
    (journal,) = spool.adopt().journals
    assert drain(journal) == [b"dying"]
    assert spool.adopt() == ([], [])
    spool.close()
    living.kill()
    living.end()
    assert adopt_all(path) == ([b"living"], [])


def test_the_oldest_journal_comes_first(path: Path) -> None:
    for number in range(5):
        spool = Spool(path)
        spool.append([b"%d" % number])
        spool.close()
    found, _ = adopt_all(path)
    assert found == [b"0", b"1", b"2", b"3", b"4"]


def test_of_many_that_adopt_at_once_one_wins_each_journal(path: Path) -> None:
    journals = 12
    for number in range(journals):
        spool = Spool(path)
        spool.append([b"%d a" % number, b"%d b" % number])
        spool.close()

    def work(say: Say) -> None:
        spool = Spool(path)
        say("ready")
        for journal in spool.adopt().journals:
            say(*(record.decode() for record in drain(journal)))
            spool.retire(journal)
        spool.close()

    children = [Child(work) for _ in range(4)]
    for child in children:
        assert child.hear() == ["ready"]
    ended = [child.end() for child in children]
    assert [end.code for end in ended] == [0] * len(children)
    found = sorted(tuple(records) for end in ended for records in end.said)
    assert found == sorted((f"{number} a", f"{number} b") for number in range(journals))
    assert homes(path) == []


def test_many_begin_and_end_while_others_adopt(path: Path) -> None:
    rounds = 15

    def work(say: Say) -> None:
        for number in range(rounds):
            spool = Spool(path)
            adoption = spool.adopt()
            assert adoption.errors == []
            spool.append([b"%d" % number])
            for journal in spool.journals()[: number % 2 + 1]:
                for record in drain(journal):
                    say(record.decode())
                spool.retire(journal)
            spool.close()

    children = [Child(work) for _ in range(3)]
    ended = [child.end() for child in children]
    assert [end.code for end in ended] == [0] * len(children)
    left, recoveries = adopt_all(path)
    found = [record for end in ended for (record,) in end.said]
    found += [record.decode() for record in left]
    assert recoveries == []
    assert sorted(found) == sorted(str(number) for number in range(rounds) for _ in children)
    assert homes(path) == []


def test_a_child_that_outlives_its_parent_does_not_hold_its_journal(path: Path) -> None:
    def work(say: Say) -> None:
        spool = Spool(path)
        spool.append([b"parent's"])
        child = Child(_wait)
        assert child.hear() == ["waiting"]
        say(child.pid)
        os.kill(os.getpid(), signal.SIGKILL)

    parent = Child(work)
    (grandchild,) = parent.hear()
    try:
        assert parent.end(listen=False).was_killed
        assert adopt_all(path) == ([b"parent's"], [])
    finally:
        os.kill(grandchild, signal.SIGKILL)


def _wait(say: Say) -> None:
    say("waiting")
    signal.pause()


def test_a_lock_that_its_holder_removed_is_not_taken(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.mkdir()
    file = path / "one.lock"
    holder = FileLock.take(file)
    assert holder is not None
    assert FileLock.take(file) is None
    lock = fcntl.flock

    def remove_first(fd: int, operation: int) -> None:
        # The holder ends between our opening the file and our locking it.
        file.unlink()
        holder.release()
        lock(fd, operation)

    monkeypatch.setattr(fcntl, "flock", remove_first)
    assert FileLock.take(file) is None
    monkeypatch.undo()
    taken = FileLock.take(file)
    assert taken is not None
    taken.release()


def test_a_lock_is_removed_while_it_is_held(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Removed after its release, it might be somebody else's by then.
    spool = Spool(path)
    spool.append([b"one"])
    drain(spool.journals()[0])
    left: list[bool] = []
    release = FileLock.release

    def look_first(lock: FileLock) -> None:
        left.append(lock.path.exists())
        release(lock)

    monkeypatch.setattr(FileLock, "release", look_first)
    spool.close()
    assert left
    assert not any(left)


def test_a_lock_without_a_folder_and_a_folder_without_a_lock_are_adopted(path: Path) -> None:
    spool = Spool(path)
    spool.append([b"kept"])
    spool.close()
    (lock,) = path.glob("*.lock")
    lock.unlink()
    (path / "01900000-0000-7000-8000-000000000001.lock").touch()
    (path / "somebody's notes").touch()
    assert adopt_all(path) == ([b"kept"], [])
    assert homes(path) == ["somebody's notes"]
