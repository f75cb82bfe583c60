"""Crashes: kill -9 before every single effect on the disk, and in the middle of every write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from counterfoil.spool import Journal, Loss, Spool
from counterfoil.spool.frame import FRAME_BYTES

from .delivery import adopt_all, homes
from .process import Child, Ended, Say, die_before

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

#: Two records are longer than a segment, so that files begin and go.
GROUPS = [["a", "b"], ["c" * 5000], ["d", "e", "f"], ["g" * 5000], ["h"]]
ALL = [record for group in GROUPS for record in group]


def killed_everywhere(
    tmp_path: Path, prepare: Callable[[Path], object], work: Callable[[Path, Say], None]
) -> Iterator[tuple[Path, Ended]]:
    """Run some work again and again, killed before each effect; the last time it ends."""
    for number in count():
        path = tmp_path / f"{number}.spool"
        prepare(path)

        def run(say: Say, path: Path = path, number: int = number) -> None:
            die_before(number)
            work(path, say)

        ended = Child(run).end()
        yield path, ended
        if not ended.was_killed:
            assert ended.code == 0
            assert number > 10
            return


def said(ended: Ended, name: str) -> list[Any]:
    return [what for kind, what in ended.said if kind == name]


def append_and_deliver(path: Path, say: Say) -> None:
    """By turns; tells what was promised once it was."""
    spool = Spool(path, segment_bytes=4096)
    for group in GROUPS:
        spool.append([record.encode() for record in group])
        say("kept", group)
        (journal,) = spool.journals()
        deliver(journal, say, most=1)
    spool.close()


def adopt_and_deliver(path: Path, say: Say) -> None:
    spool = Spool(path, segment_bytes=4096)
    for journal in spool.adopt().journals:
        for recovery in spool.recoveries():
            say("torn", recovery.torn_bytes)
            spool.confirm_recovery(recovery)
        while deliver(journal, say, most=3):
            continue
        spool.retire(journal)
    spool.close()


def deliver(journal: Journal, say: Say, most: int) -> bool:
    records = journal.read(most)
    if records:
        say("delivered", [record.payload.decode() for record in records])
        journal.done(records[-1].position)
        say("done", records[-1].position)
    return bool(records)


def left_in(path: Path) -> list[str]:
    """What the next process delivers."""
    found, recoveries = adopt_all(path)
    assert [recovery.lost_records for recovery in recoveries] == [0] * len(recoveries)
    assert [recovery.damaged_bytes for recovery in recoveries] == [0] * len(recoveries)
    assert homes(path) == []
    return [record.decode() for record in found]


def test_what_was_kept_is_delivered_wherever_its_process_is_killed(tmp_path: Path) -> None:
    for path, ended in killed_everywhere(tmp_path, Path.mkdir, append_and_deliver):
        left = left_in(path)
        kept = sum(map(len, said(ended, "kept")))
        done = max(said(ended, "done"), default=0)
        delivered = sum(map(len, said(ended, "delivered")))
        # The cursor may have moved just before its move was told, and not otherwise.
        start = next(at for at in (done, delivered) if ALL[at : at + len(left)] == left)
        assert start + len(left) >= kept


def test_an_adoption_that_is_killed_anywhere_is_adopted_in_its_turn(tmp_path: Path) -> None:
    def leave_torn(path: Path) -> None:
        path.mkdir()
        spool = Spool(path, segment_bytes=4096)
        for group in GROUPS:
            spool.append([record.encode() for record in group])
        spool.count_gap([Loss("default", "user_login", 1)])
        spool.close()
        last = max(path.glob("*/*.segment"))
        last.write_bytes(last.read_bytes()[:-1])

    for path, ended in killed_everywhere(tmp_path, leave_torn, adopt_and_deliver):
        spool = Spool(path)
        spool.adopt()
        torn = said(ended, "torn") + [recovery.torn_bytes for recovery in spool.recoveries()]
        assert set(torn) == {FRAME_BYTES}
        (report,) = spool.take_gaps()
        assert report.count == 1
        spool.confirm_gaps(report)
        spool.close()
        done = max(said(ended, "done"), default=0)
        delivered = sum(map(len, said(ended, "delivered")))
        assert left_in(path) in (ALL[done:-1], ALL[delivered:-1])


def test_a_gap_that_was_counted_is_reported_wherever_the_process_is_killed(
    tmp_path: Path,
) -> None:
    def count_gaps(path: Path, say: Say) -> None:
        spool = Spool(path)
        for at in range(1, 4):
            say("durable", spool.count_gap([Loss("default", "user_login", at)]))
        (report,) = spool.take_gaps()
        say("taken", report.id)
        spool.confirm_gaps(report)
        say("confirmed", report.id)
        spool.count_gap([Loss("default", "user_logout", 4)])
        say("durable", True)
        spool.close()

    for path, ended in killed_everywhere(tmp_path, Path.mkdir, count_gaps):
        spool = Spool(path)
        assert spool.adopt().errors == []
        reports = spool.take_gaps()
        counted = len(said(ended, "durable"))
        found = sum(report.count for report in reports)
        if not said(ended, "taken"):
            # The last count may be there before it was told.
            assert counted <= found <= counted + 1
        elif not said(ended, "confirmed"):
            assert found in (0, 3)
            assert {report.id for report in reports} <= set(said(ended, "taken"))
        else:
            assert counted - 3 <= found <= 1
        for report in reports:
            spool.confirm_gaps(report)
        spool.close()
        assert left_in(path) == []


def test_half_a_write_is_no_record(tmp_path: Path) -> None:
    path = tmp_path / "audit.db.spool"

    def work(say: Say) -> None:
        spool = Spool(path)
        spool.append([b"kept"])
        die_before(1)
        spool.append([b"half of this is written"])

    assert Child(work).end().was_killed
    found, (recovery,) = adopt_all(path)
    assert found == [b"kept"]
    assert recovery.torn_bytes == (FRAME_BYTES + 23) // 2
