"""Opens a store, forks, and calls everything in the child: run as ``python -m``.

Exits with 0 where each call in the child raised ForkedError and the parent went on.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Awaitable, Callable

from counterfoil.errors import ForkedError
from counterfoil.store import Batch, CheckpointRow, Store, open_store

from .writing import indexes, put, request, selection


def calls(store: Store) -> list[Callable[[], Awaitable[object]]]:
    """Every call of the Protocol."""
    return [
        store.open,
        lambda: store.append([request("default")], [], lambda heads, known: Batch()),
        lambda: store.head("default"),
        store.heads,
        lambda: store.coverage("", 1),
        lambda: store.company_logs(["c-1"]),
        lambda: store.put_company_logs({"c-1": "of-the-child"}),
        lambda: store.company_log_page("", 1),
        lambda: store.find([b"i" * 16]),
        lambda: store.select(selection()),
        lambda: store.count(selection()),
        lambda: store.mentions(0, 1),
        lambda: store.boundary(1, 1, 0),
        lambda: store.counts(1, "hour", 0, 1, {}, ()),
        lambda: store.tile(1, 0, 0),
        lambda: store.tiles(1, 0, 0, 1),
        lambda: store.leaves(0, 1),
        lambda: store.misplaced_ids(0, 1),
        lambda: store.stray_ids(1),
        lambda: store.put_checkpoints([CheckpointRow(1, 1, 1, b"")]),
        lambda: store.checkpoints(1),
        store.inventory,
        store.meta,
        lambda: store.put_meta({"child": "was here"}),
        store.version,
        store.close,
    ]


async def all_refused(store: Store) -> bool:
    for call in calls(store):
        try:
            await call()
        except ForkedError:
            continue
        return False
    return True


def main(url: str) -> int:
    loop = asyncio.new_event_loop()
    store = open_store(url)
    loop.run_until_complete(store.open())
    loop.run_until_complete(put(store, {}))
    child = os.fork()
    if child == 0:
        refused = asyncio.run(all_refused(store))
        # Neither the end of the store object nor that of the process may touch the file.
        del store
        gc.collect()
        return 0 if refused else 1
    _, status = os.waitpid(child, 0)
    loop.run_until_complete(put(store, {}))
    went_on = loop.run_until_complete(indexes(store)) == [0, 1]
    untouched = loop.run_until_complete(store.meta()) == {}
    loop.run_until_complete(store.close())
    return 0 if status == 0 and went_on and untouched else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
