"""Damage on the disk: the readable rest is delivered, the rest kept aside and reported."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import SpoolCorruptError
from counterfoil.spool import Spool, frame

from .damage import damages
from .delivery import adopt_all, drain, homes, only_segment


def left_by_another(path: Path, *groups: list[bytes]) -> None:
    spool = Spool(path, segment_bytes=4096)
    for group in groups:
        spool.append(group)
    spool.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db.spool"


def test_a_torn_end_is_cut_off_kept_and_reported(path: Path) -> None:
    left_by_another(path, [b"one", b"two", b"three"])
    segment = only_segment(path)
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-2])

    for _ in range(2):  # a report that was not confirmed comes again, the same
        spool = Spool(path)
        spool.adopt()
        (recovery,) = spool.recoveries()
        spool.close()
        assert (recovery.records, recovery.lost_records) == (2, 0)
        assert (recovery.torn_bytes, recovery.damaged_bytes) == (frame.FRAME_BYTES + 3, 0)
        (kept,) = recovery.quarantined
        assert kept.read_bytes() == whole[-frame.FRAME_BYTES - 5 : -2]
        assert recovery.report_id[14] == "7"
    found, (again,) = adopt_all(path)
    assert found == [b"one", b"two"]
    assert again == recovery
    assert homes(path) == []
    assert kept.exists()


def test_damage_in_the_middle_costs_one_record_and_is_counted(path: Path) -> None:
    left_by_another(path, [b"one", b"two", b"three"])
    segment = only_segment(path)
    data = bytearray(segment.read_bytes())
    data[data.index(b"two")] ^= 1
    segment.write_bytes(data)
    found, (recovery,) = adopt_all(path)
    assert found == [b"one", b"three"]
    assert (recovery.records, recovery.lost_records) == (2, 1)
    assert (recovery.torn_bytes, recovery.damaged_bytes) == (0, frame.FRAME_BYTES + 3)


def test_a_missing_segment_is_counted(path: Path) -> None:
    left_by_another(path, [bytes(4096)], [b"a", bytes(4096)], [b"b"])
    sorted(path.glob("*/*.segment"))[1].unlink()
    found, (recovery,) = adopt_all(path)
    assert found == [bytes(4096), b"b"]
    assert recovery.lost_records == 2


def test_a_journal_of_nothing_but_damage_goes_once_it_is_reported(path: Path) -> None:
    left_by_another(path, [b"one"])
    segment = only_segment(path)
    segment.write_bytes(b"x" * 100)
    spool = Spool(path)
    (journal,) = spool.adopt().journals
    (recovery,) = spool.recoveries()
    assert recovery.torn_bytes == 100
    assert not spool.retire(journal)
    spool.confirm_recovery(recovery)
    assert journal.read() == []
    assert spool.retire(journal)
    spool.close()


def test_damage_under_a_living_journal_is_found_by_reading(path: Path) -> None:
    spool = Spool(path)
    spool.append([b"one", b"two"])
    segment = only_segment(path)
    data = bytearray(segment.read_bytes())
    for word in (b"one", b"two"):
        data[data.index(word)] ^= 1
    segment.write_bytes(data)
    (journal,) = spool.journals()
    assert journal.read() == []
    assert spool.pending == 0
    (recovery,) = spool.recoveries()
    assert recovery.lost_records == 2
    spool.append([b"three"])
    assert drain(journal) == [b"three"]
    spool.close()
    assert len(homes(path)) == 2  # not reported: the next process does
    assert adopt_all(path)[1][0].quarantined == recovery.quarantined


@pytest.mark.parametrize("data", [b"", b"x", b"x" * 200])
def test_without_its_cursor_a_journal_is_delivered_again(path: Path, data: bytes) -> None:
    spool = Spool(path)
    spool.append([b"one", b"two"])
    (journal,) = spool.journals()
    journal.done(journal.read(1)[0].position)
    spool.close()
    (cursor,) = path.glob("*/cursor")
    cursor.write_bytes(data)
    found, (recovery,) = adopt_all(path)
    assert found == [b"one", b"two"]
    assert recovery.damaged_bytes == len(data)
    assert recovery.lost_records == 0


def test_another_versions_journal_is_left_as_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "FORMAT_VERSION", 2)
    left_by_another(path, [b"one"])
    cursor = only_segment(path).with_name("cursor")
    cursor.write_bytes(b"another version's")
    monkeypatch.undo()
    left_by_another(path, [b"two"])
    spool = Spool(path)
    adoption = spool.adopt()
    assert [type(error) for error in adoption.errors] == [SpoolCorruptError]
    assert [drain(journal) for journal in adoption.journals] == [[b"two"]]
    spool.close()
    assert cursor.read_bytes() == b"another version's"
    cursor.unlink()
    monkeypatch.setattr(frame, "FORMAT_VERSION", 2)
    assert adopt_all(path) == ([b"one"], [])


def test_what_is_not_ours_is_put_aside_and_not_removed(path: Path) -> None:
    left_by_another(path, [b"one"])
    stray = only_segment(path).with_name("notes.txt")
    stray.write_bytes(b"somebody's")
    adopt_all(path)
    assert homes(path) == []
    assert [kept.read_bytes() for kept in path.glob("quarantine/*")] == [b"somebody's"]


GROUPS = st.lists(
    st.lists(st.binary(min_size=1, max_size=1200), min_size=1, max_size=4), min_size=1, max_size=6
)


@settings(deadline=None, max_examples=50)
@given(GROUPS, st.data())
def test_whatever_is_damaged_the_rest_is_delivered(
    tmp_path_factory: pytest.TempPathFactory, groups: list[list[bytes]], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("spool") / "audit.db.spool"
    marked = [
        [b"%d " % number + record for number, record in enumerate(group, 10 * place)]
        for place, group in enumerate(groups)
    ]
    written = [record for group in marked for record in group]
    left_by_another(path, *marked)
    segments = sorted(path.glob("*/*.segment"))
    frames = {segment: framed(segment) for segment in segments}
    struck = data.draw(st.sampled_from(segments))
    whole = struck.read_bytes()
    harm = data.draw(damages(len(whole)))
    struck.write_bytes(harm.apply(whole))

    found, recoveries = adopt_all(path)

    untouched = {
        piece.payload
        for segment in segments
        for piece in frames[segment]
        if segment != struck or not harm.touches(piece.start, piece.end)
    }
    in_order = iter(written)
    assert all(record in in_order for record in found)
    assert untouched <= set(found)
    missing = len(written) - len(found)
    lost = sum(recovery.lost_records for recovery in recoveries)
    if struck != segments[-1]:
        assert lost == missing
    else:
        assert lost <= missing
        # An end that was cut between two records looks like one that was never longer.
        ends = {0, frame.HEADER_BYTES, *(piece.end for piece in frames[struck])}
        assert recoveries or not missing or len(harm.apply(whole)) in ends


def framed(segment: Path) -> list[frame.Frame]:
    key, data = segment.parent.name.encode(), segment.read_bytes()
    pieces = frame.scan(key, data, frame.HEADER_BYTES)
    return [piece for piece in pieces if isinstance(piece, frame.Frame)]
