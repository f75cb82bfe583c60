"""A survey sees what waits, whoever it belongs to, and whatever happens meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.spool import Loss, Spool, Survey, survey

STEPS = st.lists(
    st.integers(1, 3) | st.sampled_from(["deliver", "restart", "lose", "report"]), max_size=12
)


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_it_counts_what_waits(
    tmp_path_factory: pytest.TempPathFactory, steps: list[object]
) -> None:
    path = tmp_path_factory.mktemp("survey") / "audit.db.spool"
    spool = Spool(path, segment_bytes=4096)
    waiting, lost, made = 0, 0, 0
    for step in steps:
        if isinstance(step, int):
            spool.append([f"record {made + n} {'x' * 1500}".encode() for n in range(step)])
            waiting, made = waiting + step, made + step
        elif step == "deliver":
            for journal in spool.journals():
                if records := journal.read(most=2):
                    journal.done(records[-1].position)
                    waiting -= len(records)
        elif step == "lose":
            spool.count_gap([Loss("default", "user_login", 1)])
            lost += 1
        elif step == "report":
            for report in spool.take_gaps():
                spool.confirm_gaps(report)
                lost -= report.count
        else:
            spool.close()
            spool = Spool(path, segment_bytes=4096)
            spool.adopt()
        found = survey(path)
        assert (found.records, found.unreported, found.quarantined) == (waiting, lost, 0)
        assert bool(found.oldest) == bool(waiting)
        assert found.size == spool.used_bytes
        assert found.records == spool.pending
    spool.close()


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert survey(tmp_path / "none") == Survey()


def test_what_is_damaged_does_not_keep_it_from_counting_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "audit.db.spool"
    spool = Spool(path)
    spool.append([b"one", b"two", b"three"])
    spool.count_gap([Loss("default", "user_login", 1)])
    (segment,) = path.glob("*/*.segment")
    segment.write_bytes(segment.read_bytes()[:-1])
    (counts,) = path.glob("*/gaps")
    counts.write_bytes(counts.read_bytes()[:-1])
    found = survey(path)
    assert (found.records, found.oldest, found.unreported) == (2, (b"one",), 0)
