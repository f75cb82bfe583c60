"""Gaps: what could be kept nowhere is counted, whatever becomes of the process or the disk."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import SpoolError
from counterfoil.spool import Gap, Spool, files
from counterfoil.spool.gaps import MAX_TYPES, OTHER_TYPES

from .delivery import adopt_all, homes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db.spool"


def no_room(*_: Any) -> Any:
    raise OSError(errno.ENOSPC, "no room")


def test_events_are_counted_by_type_with_their_first_and_last_time(path: Path) -> None:
    spool = Spool(path)
    assert spool.count_gap([("user_login", 5), ("order_created", 7)])
    assert spool.count_gap([("user_login", 3), ("user_login", 4)])
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
    spool.count_gap([("user_login", 1)])
    (report,) = spool.take_gaps()
    spool.count_gap([("user_login", 2)])
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
    assert not spool.count_gap([("user_login", 1)])
    assert not spool.count_gap([("user_login", 2)])
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
    spool.count_gap([("user_login", 1)])
    with pytest.raises(SpoolError, match="could not be written down"):
        spool.close()
    spool.close()


def test_a_count_that_was_damaged_is_kept_aside_and_reported(path: Path) -> None:
    spool = Spool(path)
    spool.count_gap([("user_login", 1)])
    spool.close()
    (file,) = path.glob("*/gaps")
    file.write_bytes(file.read_bytes()[:-1])
    found, (recovery,) = adopt_all(path)
    assert found == []
    assert recovery.damaged_bytes > 0
    assert homes(path) == []


def test_type_names_made_from_data_do_not_make_the_count_grow(path: Path) -> None:
    spool = Spool(path)
    spool.count_gap([(f"type_{number}", number) for number in range(2 * MAX_TYPES)])
    (report,) = spool.take_gaps()
    assert len(report.gaps) == MAX_TYPES + 1
    assert report.gaps[0] == Gap(OTHER_TYPES, MAX_TYPES, MAX_TYPES, 2 * MAX_TYPES - 1)
    spool.close()


EVENTS = st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 99))
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
