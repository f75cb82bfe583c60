"""Opening, closing and forking."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from counterfoil.errors import ClosedError
from counterfoil.store import Store, open_store

from .forking import calls
from .writing import indexes, put

ROOT = Path(__file__).parents[2]


async def test_every_call_on_a_closed_store_is_refused(store: Store) -> None:
    await put(store, {})
    await store.close()
    for call in calls(store):
        if call not in (store.open, store.close):
            with pytest.raises(ClosedError):
                await call()


async def test_a_store_that_is_not_open_yet_refuses(url: str) -> None:
    store = open_store(url)
    with pytest.raises(ClosedError):
        await store.heads()
    with pytest.raises(ClosedError):
        await put(store, {})
    await store.close()


async def test_closing_twice_is_no_error(store: Store) -> None:
    await store.close()
    await store.close()


async def test_closing_finishes_what_is_running(shared_url: str) -> None:
    store = open_store(shared_url)
    await store.open()
    writes = [asyncio.ensure_future(put(store, {}, log=f"log-{n}")) for n in range(20)]
    reads = [asyncio.ensure_future(store.heads()) for _ in range(20)]
    await asyncio.sleep(0)
    await store.close()
    assert len(await asyncio.gather(*writes, *reads)) == 40
    again = open_store(shared_url)
    await again.open()
    assert len(await again.heads()) == 20
    await again.close()


async def test_a_closed_store_can_be_opened_again(shared_url: str) -> None:
    store = open_store(shared_url)
    for size in range(1, 4):
        await store.open()
        await put(store, {})
        await put(store, {}, log="other")
        assert await indexes(store) == list(range(size))
        await store.close()


async def test_what_was_written_is_there_in_the_next_store(shared_url: str) -> None:
    for size in range(1, 4):
        store = open_store(shared_url)
        await store.open()
        await put(store, {})
        assert await indexes(store) == list(range(size))
        await store.close()


async def test_the_memory_forgets_on_closing() -> None:
    store = open_store("memory:")
    await store.open()
    await put(store, {})
    await store.close()
    await store.open()
    assert await store.heads() == []
    await store.close()


async def test_closing_ends_every_thread(url: str) -> None:
    before = set(threading.enumerate())
    store = open_store(url)
    await store.open()
    await put(store, {})
    threads = set(threading.enumerate()) - before
    await store.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


async def test_a_caller_that_is_cancelled_does_not_stop_the_write(shared_url: str) -> None:
    store = open_store(shared_url)
    await store.open()
    writing = asyncio.ensure_future(put(store, {}))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await put(store, {})
    assert await indexes(store) == [0, 1]
    await store.close()


def test_after_a_fork_the_child_is_refused_and_the_parent_goes_on(url: str) -> None:
    subprocess.run([sys.executable, "-m", "tests.store.forking", url], cwd=ROOT, check=True)
