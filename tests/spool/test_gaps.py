"""Gaps: what could be kept nowhere is counted, whatever becomes of the process or the disk."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import SpoolError
from counterfoil.spool import Gap, Loss, Spool, files
from counterfoil.spool.gaps import MAX_KINDS, OTHERS

from .delivery import adopt_all, homes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db.spool"


def losses(*events: tuple[str, int], log: str = "default") -> list[Loss]:
    return [Loss(log, event_type, at) for event_type, at in events]


def no_room(*_: Any) -> Any:
    raise OSError(errno.ENOSPC, "no room")


def test_events_are_counted_by_type_with_their_first_and_last_time(path: Path) -> None:
    spool = Spool(path)
    assert spool.count_gap(losses(("user_login", 5), ("order_created", 7)))
    assert spool.count_gap(losses(("user_login", 3), ("user_login", 4)))
    (report,) = spool.take_gaps()
    assert report.gaps == (Gap("order_created", 1, 7, 7), Gap("user_login", 3, 3, 5))
    assert report.count == 4
    assert report.id[14] == "7"
    assert spool.confirm_gaps(report)
    assert spool.take_gaps() == []
    spool.close()
    assert homes(path) == []


def test_a_report_stays_the_same_until_it_is_confirmed(path: Path) -> None:
    spool = Spool(path)
    spool.count_gap(losses(("user_login", 1)))
    (report,) = spool.take_gaps()
    spool.count_gap(losses(("user_login", 2)))
    assert spool.take_gaps() == [report]
    spool.close()

    spool = Spool(path)
    spool.adopt()
    assert spool.take_gaps() == [report]
    spool.confirm_gaps(report)
    (rest,) = spool.take_gaps()
    assert rest.gaps == (Gap("user_login", 1, 2, 2),)
    assert rest.id != report.id
    spool.confirm_gaps(rest)
    spool.close()
    assert homes(path) == []


def test_without_a_disk_the_count_stays_in_memory_until_there_is_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(path)
    monkeypatch.setattr(files, "create", no_room)
    assert not spool.count_gap(losses(("user_login", 1)))
    assert not spool.count_gap(losses(("user_login", 2)))
    monkeypatch.undo()
    assert spool.count_gap([])
    spool.close()
    spool = Spool(path)
    spool.adopt()
    (report,) = spool.take_gaps()
    assert report.count == 2
    spool.close()


def test_a_count_that_is_lost_with_the_process_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(path)
    monkeypatch.setattr(files, "create", no_room)
    spool.count_gap(losses(("user_login", 1)))
    with pytest.raises(SpoolError, match="could not be written down"):
        spool.close()
    spool.close()


def test_a_count_that_was_damaged_is_kept_aside_and_reported(path: Path) -> None:
    spool = Spool(path)
    spool.count_gap(losses(("user_login", 1)))
    spool.close()
    (file,) = path.glob("*/gaps")
    file.write_bytes(file.read_bytes()[:-1])
    found, (recovery,) = adopt_all(path)
    assert found == []
    assert recovery.damaged_bytes > 0
    assert homes(path) == []


def test_type_names_made_from_data_do_not_make_the_count_grow(path: Path) -> None:
    spool = Spool(path)
    spool.count_gap(losses(*((f"type_{number}", number) for number in range(2 * MAX_KINDS))))
    (report,) = spool.take_gaps()
    assert len(report.gaps) == MAX_KINDS + 1
    assert report.gaps[0] == Gap(OTHERS, MAX_KINDS, MAX_KINDS, 2 * MAX_KINDS - 1)
    spool.close()


def test_each_log_has_a_report_of_its_own(path: Path) -> None:
    spool = Spool(path)
    spool.count_gap(losses(("user_login", 1)) + losses(("user_login", 2), log="c-1"))
    first, second = spool.take_gaps()
    assert (first.log, first.gaps) == ("c-1", (Gap("user_login", 1, 2, 2),))
    assert (second.log, second.gaps) == ("default", (Gap("user_login", 1, 1, 1),))
    assert first.id != second.id
    spool.confirm_gaps(first)
    spool.close()

    spool = Spool(path)
    spool.adopt()
    assert spool.take_gaps() == [second]
    spool.confirm_gaps(second)
    assert spool.take_gaps() == []
    spool.close()
    assert homes(path) == []


def test_any_number_of_logs_does_not_make_the_count_grow(path: Path) -> None:
    spool = Spool(path)
    many = 8 * MAX_KINDS
    spool.count_gap([Loss(f"log-{number}", "user_login", number) for number in range(many)])
    reports = spool.take_gaps()
    assert len(reports) == 4 * MAX_KINDS + 1
    assert sum(report.count for report in reports) == many
    assert reports[0].log == OTHERS
    spool.close()


EVENTS = st.builds(
    Loss, st.sampled_from(["default", "c-1"]), st.sampled_from(["a", "b"]), st.integers(0, 99)
)
STEPS = st.lists(st.lists(EVENTS, max_size=3) | st.sampled_from(["take", "confirm", "restart"]))


@settings(deadline=None, max_examples=50)
@given(STEPS)
def test_every_event_is_reported_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any]
) -> None:
    path = tmp_path_factory.mktemp("spool") / "audit.db.spool"
    spool = Spool(path)
    counted, confirmed = 0, {}
    for step in [*steps, "confirm", "confirm"]:
        if isinstance(step, list):
            spool.count_gap(step)
            counted += len(step)
        elif step == "restart":
            spool.close()
            spool = Spool(path)
            spool.adopt()
        else:
            for report in spool.take_gaps():
                if step == "confirm":
                    assert report.id not in confirmed
                    confirmed[report.id] = report.count
                    spool.confirm_gaps(report)
    assert spool.take_gaps() == []
    spool.close()
    assert sum(confirmed.values()) == counted
