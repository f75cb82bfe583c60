"""The text index: what it finds is what reading finds, across engines, crashes and deletions."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil import AuditContext, AuditLog
from counterfoil.errors import StoreError
from counterfoil.log.read.reader import Reader
from counterfoil.record.row import LOG_SPAN
from counterfoil.search.indexer import Indexer
from counterfoil.search.opening import text_index
from counterfoil.search.text_index import TextIndex
from counterfoil.search.words import Phrase
from counterfoil.store import Store, open_store
from tests.log.recording import Recorder, recorder

WORDS = ["supplier", "campaign", "café", "u-42", "42", "new supplier", "suppl*", "naïve"]
TEXTS = st.sampled_from(["supplier", "new supplier", "a campaign", "Café", "CAFE", "u-42", "x 42"])
HISTORIES = st.lists(
    st.fixed_dictionaries(
        {"event_type": st.sampled_from(["order_created", "user_login"])},
        optional={
            "user_id": TEXTS,
            "details": st.dictionaries(TEXTS, TEXTS, max_size=2),
            "company_id": st.sampled_from(["c-1", "c-2"]),
            "subjects": st.lists(TEXTS, max_size=2, unique=True),
        },
    ),
    max_size=12,
)


@asynccontextmanager
async def _indexed(store: Store, index: TextIndex) -> AsyncIterator[Indexer]:
    await index.open()
    try:
        yield Indexer(store, index)
    finally:
        await index.close()


def _sqlite(recording: Recorder, path: Path | None = None) -> TextIndex:
    return text_index("sqlite:", recording.store, "this", path, timeout=10)


async def _found(reader: Reader, **filters: Any) -> list[int]:
    indexes: list[int] = []
    cursor = None
    while True:
        page = await reader.query(limit=3, cursor=cursor, **filters)
        indexes += [event.index for event in page]
        cursor = page.next_cursor
        if cursor is None:
            return indexes


@settings(max_examples=40, deadline=None)
@given(
    indexed=HISTORIES,
    tail=HISTORIES,
    asked=st.lists(st.sampled_from(WORDS), min_size=1, max_size=2),
    company=st.sampled_from([None, "c-1", ["c-1", "c-2"]]),
    order=st.sampled_from(["newest", "oldest"]),
)
async def test_with_the_index_the_same_is_found_as_without(
    indexed: Any, tail: Any, asked: Any, company: Any, order: Any
) -> None:
    async with recorder("sqlite") as recording:
        for event in indexed:
            await recording.record(event)
        async with _indexed(recording.store, _sqlite(recording)) as indexer:
            await indexer.catch_up()
            for event in tail:
                await recording.record(event)
            filters = {"text": asked, "company_id": company, "order": order}
            with_index = Reader(recording.store, texts=indexer.index)
            without = Reader(recording.store)
            assert await _found(with_index, **filters) == await _found(without, **filters)
            filters.pop("order")
            assert await with_index.count(**filters) == await without.count(**filters)


async def test_in_postgresql_too(postgres_url: str, tmp_path: Path) -> None:
    details = [{"reason": text} for text in ("new supplier", "a Café's campaign", "it's 'u-42'")]
    key_file = tmp_path / "audit.key"
    async with AuditLog.open(
        postgres_url, key_file=key_file, spool=False, text_index=True
    ) as audit:
        for number in range(240):
            await audit.log_event(
                "order_created",
                user_id=f"u-{number}",
                details=details[number % 3],
                context=AuditContext(company_id=f"c-{number % 2}"),
            )
        indexer = audit.host.indexer
        assert indexer is not None
        await _until(indexer, 0)
        marks = await indexer.index.marks()
        assert [mark.size for mark in marks.logs.values()] == [240]
        for text, count in (
            ("supplier", 80), ("new supplier", 80), ("supplier new", 0), ("camp*", 80),
            ("cafe", 80), ("u-42", 81), ("u-7", 1),
        ):  # fmt: skip
            assert await audit.count(text=text) == count, text
        assert await audit.count(text="supplier", company_id="c-1") == 40
        page = await audit.query(text="supplier", limit=3)
        assert [event.index for event in page] == [237, 234, 231]
        first = (await audit.query(order="oldest", limit=1)).events[0]
        head = next(iter(marks.logs))
        await indexer.index.forget([head * LOG_SPAN + first.index])
        assert await audit.count(text="supplier") == 79
        assert await indexer.rebuild() == 240
        assert await audit.count(text="supplier") == 80


async def _until(indexer: Indexer, behind: int) -> None:
    async with asyncio.timeout(60):
        while True:
            # Until it is opened, it cannot be asked.
            with suppress(StoreError):
                if await indexer.behind() == behind:
                    return
            await asyncio.sleep(0.05)


async def test_what_is_forgotten_is_gone_from_the_file(tmp_path: Path) -> None:
    async with recorder("sqlite") as recording:
        for number in range(400):
            await recording.record({"user_id": f"secretname{number}", "details": {"a": "kept"}})
        path = tmp_path / "index"
        async with _indexed(recording.store, _sqlite(recording, path)) as indexer:
            await indexer.catch_up()
            head = await recording.store.head("default")
            assert head is not None
            positions = [head.number * LOG_SPAN + index for index in range(0, 400, 2)]
            await _erase_actor(recording.store, positions)
            await indexer.forget(positions)
            reader = Reader(recording.store, texts=indexer.index)
            assert await reader.count(text="secretname2") == 0
            assert await reader.count(text="secretname3") == 1
            # What is still shown of the events is still found.
            assert await reader.count(text="kept") == 400
        held = await asyncio.to_thread(_bytes_below, tmp_path)
        assert b"secretname201" in held
        assert b"secretname200" not in held


def _bytes_below(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("index*"))


async def _erase_actor(store: Store, positions: list[int]) -> None:
    connection = apsw.Connection(str(store.path))
    connection.executemany(
        "UPDATE event SET actor = NULL, user_id = NULL WHERE position = ?",
        [(one,) for one in positions],
    )
    connection.close()


async def test_what_was_read_before_a_deletion_is_not_added_after_it() -> None:
    async with recorder("sqlite") as recording:
        await recording.record({"user_id": "u-gone"})
        async with _indexed(recording.store, _sqlite(recording)) as indexer:
            real = indexer._documents

            async def slow(rows: Any) -> Any:
                documents = await real(rows)
                if not deleted:
                    deleted.append(True)
                    await _erase_actor(recording.store, [rows[0].position])
                    await indexer.forget([rows[0].position])
                return documents

            deleted: list[bool] = []
            indexer._documents = slow  # type: ignore[method-assign]
            await indexer.catch_up()
            assert deleted
            candidates = await indexer.index.find(
                [Phrase.of("u-gone")], (), 0, 1 << 62, newest_first=True, limit=9
            )
            assert candidates == []


async def test_a_log_that_goes_on_from_a_backup_is_indexed_again() -> None:
    async with recorder("sqlite") as recording:
        await recording.record({"user_id": "u-1"})
        async with _indexed(recording.store, _sqlite(recording)) as indexer:
            await indexer.catch_up()
            await recording.record({"user_id": "u-2"})
            connection = apsw.Connection(str(recording.store.path))
            connection.execute("UPDATE log SET origin = 'other/default'")
            connection.close()
            assert await indexer.behind() == 2
            await indexer.catch_up()
            assert await indexer.behind() == 0
            reader = Reader(recording.store, texts=indexer.index)
            assert await _found(reader, text="u 1") == [0]


def rights(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
async def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with (
        recorder("sqlite") as recording,
        _indexed(recording.store, _sqlite(recording, tmp_path / "index")),
    ):
        modes = rights(tmp_path)
    assert modes == dict.fromkeys(["index", "index-wal", "index-shm"], 0o600)


@pytest.mark.parametrize("damage", ["garbage", "another database's"])
async def test_a_file_that_is_of_no_use_is_made_again(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "index"
    async with recorder("sqlite") as recording:
        await recording.record({"user_id": "u-1"})
        if damage == "garbage":
            path.write_bytes(b"no database " * 1000)
        else:
            other = text_index("sqlite:", recording.store, "another", path, timeout=10)
            async with _indexed(recording.store, other) as indexer:
                await indexer.catch_up()
        async with _indexed(recording.store, _sqlite(recording, path)) as indexer:
            assert await indexer.behind() == 1
            await indexer.catch_up()
            assert await _found(Reader(recording.store, texts=indexer.index), text="u 1") == [0]


def _start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def test_of_several_processes_one_fills_it_until_it_is_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'audit.db'}"
    async with AuditLog.open(url) as audit:
        for number in range(900):
            await audit.log_event("order_created", user_id=f"u-{number}")
    store = open_store(url)
    await store.open()
    index = text_index("sqlite:", store, "ignored", tmp_path / "index", timeout=10)
    program = (
        "import asyncio, sys\n"
        "from counterfoil.search.indexer import Indexer\n"
        "from counterfoil.search.opening import text_index\n"
        "from counterfoil.store import open_store\n"
        "async def main():\n"
        "    store = open_store(sys.argv[1]); await store.open()\n"
        "    index = text_index('sqlite:', store, 'ignored', sys.argv[2], timeout=10)\n"
        "    await index.open(); assert await index.lease()\n"
        "    add = index.add\n"
        "    async def told(*given):\n"
        "        done = await add(*given); print('added', flush=True); sys.stdin.readline()\n"
        "        return done\n"
        "    index.add = told\n"
        "    await Indexer(store, index).catch_up()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", program, url, str(tmp_path / "index")]
    process = await asyncio.to_thread(_start, command)
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline) == "added\n"
    try:
        await index.open()
        assert not await index.lease()
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)
        assert await index.lease()
        indexer = Indexer(store, index)
        assert 0 < await indexer.behind() < 900
        await indexer.catch_up()
        assert await Reader(store, texts=index).count(text="u") == 900
    finally:
        process.kill()
        process.communicate()
        await index.close()
        await store.close()


async def test_an_index_that_cannot_be_kept_is_told_of_once_and_costs_nothing_found(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterfoil.search.indexer._AFTER_FAILURE", 0.01)
    url = f"sqlite:///{tmp_path / 'audit.db'}"
    async with AuditLog.open(url, text_index=tmp_path / "no" / "folder") as audit:
        await audit.log_event("order_created", user_id="u-1", details={"reason": "supplier"})
        await asyncio.sleep(0.2)
        assert len((await audit.query(text="supplier")).events) == 1
    told = [record for record in caplog.records if "not kept up" in record.message]
    assert len(told) == 1
