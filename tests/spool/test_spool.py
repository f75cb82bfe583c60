"""A spool in one process: order, the cursor, sizes, threads, closing and forking."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import (
    ClosedError,
    ConfigurationError,
    ForkedError,
    InputError,
    SpoolError,
    SpoolFullError,
)
from counterfoil.spool import Journal, Loss, Spool

from .delivery import adopt_all, drain, homes
from .process import Child


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db.spool"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    opened = Spool(path, segment_bytes=4096)
    yield opened
    opened.close()


def own(spool: Spool) -> Journal:
    (journal,) = spool.journals()
    return journal


def numbered(count: int, size: int = 0) -> list[bytes]:
    return [f"record {number}".encode().ljust(size, b".") for number in range(count)]


def test_nothing_is_made_before_there_is_something_to_keep(spool: Spool, path: Path) -> None:
    assert spool.adopt() == ([], [])
    assert spool.journals() == []
    assert spool.take_gaps() == []
    spool.close()
    assert not path.exists()


def test_records_come_in_order_until_they_are_done(spool: Spool) -> None:
    spool.append(numbered(2))
    spool.append(numbered(5)[2:])
    journal = own(spool)
    first = journal.read(3)
    assert journal.read(3) == first
    assert [record.position for record in first] == [1, 2, 3]
    journal.done(first[1].position)
    assert [record.payload for record in journal.read()] == numbered(5)[2:]
    journal.done(3)
    assert drain(journal) == numbered(5)[3:]
    assert spool.pending == 0


def test_a_read_stops_after_so_many_bytes_but_not_before_one_record(spool: Spool) -> None:
    spool.append(numbered(5, 1000))
    journal = own(spool)
    assert len(journal.read(most_bytes=2500)) == 3
    assert len(journal.read(most_bytes=1)) == 1


def test_only_what_was_read_can_be_done(spool: Spool) -> None:
    spool.append(numbered(5))
    journal = own(spool)
    journal.read(2)
    with pytest.raises(InputError):
        journal.done(3)
    journal.done(2)
    journal.done(1)
    assert spool.pending == 3


def test_the_files_are_their_owners_alone(spool: Spool, path: Path) -> None:
    spool.append(numbered(1))
    spool.count_gap([Loss("default", "user_login", 1)])
    journal = own(spool)
    journal.set_aside(journal.read()[0])
    found = [path, *path.rglob("*")]
    modes = {stat.S_IMODE(entry.stat().st_mode) for entry in found if entry.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(entry.stat().st_mode) for entry in found if entry.is_file()} == {0o600}


def test_a_segment_goes_when_all_of_it_is_delivered(spool: Spool, path: Path) -> None:
    for record in numbered(10, 3000):
        spool.append([record])
    assert len(list(path.glob("*/*.segment"))) == 5
    journal = own(spool)
    journal.read()
    journal.done(4)
    assert len(list(path.glob("*/*.segment"))) == 3
    assert drain(journal) == numbered(10, 3000)[4:]
    assert spool.used_bytes == 0
    spool.append([b"after"])
    assert drain(journal) == [b"after"]


def test_the_size_limit_counts_every_process_and_frees_with_delivery(path: Path) -> None:
    spool, other = Spool(path, max_bytes=65_536), Spool(path, max_bytes=65_536)
    other.append([bytes(40_000)])
    spool.append([bytes(20_000)])
    with pytest.raises(SpoolFullError) as caught:
        spool.append([b"small", bytes(20_000)])
    assert caught.value.outcome_known
    assert drain(own(spool)) == [bytes(20_000)]
    assert len(drain(own(other))) == 1
    spool.append([bytes(60_000)])
    with pytest.raises(SpoolFullError):
        other.append([bytes(20_000)])
    spool.close()
    other.close()


def test_what_is_left_stays_for_the_next_process(path: Path) -> None:
    spool = Spool(path, segment_bytes=4096)
    for record in numbered(9, 1500):
        spool.append([record])
    own(spool).read()
    own(spool).done(4)
    spool.close()
    found, recoveries = adopt_all(path)
    assert found == numbered(9, 1500)[4:]
    assert recoveries == []
    assert homes(path) == []


def test_a_spool_that_is_empty_leaves_nothing(spool: Spool, path: Path) -> None:
    spool.append(numbered(3))
    drain(own(spool))
    spool.close()
    spool.close()
    assert homes(path) == []


def test_a_closed_spool_takes_nothing(spool: Spool) -> None:
    spool.append(numbered(1))
    journal = own(spool)
    spool.close()
    for refused in (lambda: spool.append([b"x"]), spool.adopt, spool.journals, journal.read):
        with pytest.raises(ClosedError):
            refused()


def test_a_child_cannot_use_what_its_parent_opened(spool: Spool) -> None:
    spool.append(numbered(1))
    journal = own(spool)

    def work(say):
        for call in (lambda: spool.append([b"x"]), journal.read, spool.close, spool.adopt):
            try:
                call()
            except ForkedError:
                say("refused")

    assert Child(work).end() == ([["refused"]] * 4, 0)
    assert drain(journal) == numbered(1)


def test_threads_append_while_another_delivers(spool: Spool) -> None:
    threads, each = 4, 20
    delivered: list[bytes] = []
    finished = threading.Event()
    spool.append([b"first"])

    def append(name: int) -> None:
        for number in range(each):
            spool.append([b"%d %d" % (name, number)])

    def deliver() -> None:
        while not finished.is_set():
            delivered.extend(drain(own(spool)))
        delivered.extend(drain(own(spool)))

    appending = [threading.Thread(target=append, args=(name,)) for name in range(threads)]
    delivering = threading.Thread(target=deliver)
    for thread in (delivering, *appending):
        thread.start()
    for thread in appending:
        thread.join()
    finished.set()
    delivering.join()
    assert len(delivered) == len(set(delivered)) == threads * each + 1
    for name in range(threads):
        mine = [record for record in delivered if record.startswith(b"%d " % name)]
        assert mine == [b"%d %d" % (name, number) for number in range(each)]


def test_a_record_that_cannot_be_delivered_is_kept_aside(spool: Spool) -> None:
    spool.append([b"not a draft", b"fine"])
    journal = own(spool)
    bad, good = journal.read()
    kept = journal.set_aside(bad)
    journal.done(bad.position)
    assert kept.read_bytes() == b"not a draft"
    assert journal.read() == [good]


@pytest.mark.parametrize("sizes", [{"max_bytes": 1}, {"segment_bytes": 1}])
def test_sizes_out_of_range_are_refused(path: Path, sizes: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError):
        Spool(path, **sizes)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "missing" / "audit.db.spool")
    with pytest.raises(SpoolError, match="cannot be written"):
        spool.append([b"x"])
    spool.close()


STEPS = st.lists(
    st.lists(st.binary(min_size=1, max_size=1500), min_size=1, max_size=4)
    | st.integers(1, 5)
    | st.just("reopen"),
    max_size=12,
)


@settings(deadline=None, max_examples=50)
@given(STEPS)
def test_it_is_a_queue_whatever_the_order_of_use(
    tmp_path_factory: pytest.TempPathFactory, steps: list[list[bytes] | int | str]
) -> None:
    path = tmp_path_factory.mktemp("spool") / "audit.db.spool"
    spool = Spool(path, segment_bytes=4096)
    waiting: list[bytes] = []
    for step in steps:
        if isinstance(step, list):
            spool.append(step)
            waiting.extend(step)
        elif isinstance(step, int):
            # The adopted journals come first, each in its own order: that is the order here.
            for journal in spool.journals():
                if records := journal.read(step):
                    assert [record.payload for record in records] == waiting[: len(records)]
                    del waiting[: len(records)]
                    journal.done(records[-1].position)
                    break
        else:
            spool.close()
            spool = Spool(path, segment_bytes=4096)
            assert spool.adopt().errors == []
        assert spool.pending == len(waiting)
    spool.close()
    assert adopt_all(path) == (waiting, [])
