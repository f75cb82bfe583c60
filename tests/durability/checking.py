"""Checks a database from the outside: by ``verify``, and by a second, naive computation."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import Any

from counterfoil import AuditLog, Event
from counterfoil.proof.frontier import Frontier
from counterfoil.record.entry import LEVEL_NUMBERS, OUTCOME_NUMBERS
from counterfoil.record.instant import HOUR, to_micros
from counterfoil.store import Head, Store, open_store
from counterfoil.store.interface import TILE_WIDTH
from tests.proof.reference import Reference


async def examine(url: str, **options: Any) -> list[str]:
    """Open a database as anybody would, check all of it, and return the ids of its events.

    Every event must be there once, at an index of its own without gaps; tree, tiles and
    counts must be what the entries call for.

    Args:
        options: for ``AuditLog.open``.
    """
    found: list[Event] = []
    async with AuditLog.open(url, checkpoint_interval=None, **options) as log:
        report = await log.verify(processes=0)
        assert report.ok, report.findings
        store = open_store(url)
        await store.open()
        try:
            for head in await store.heads():
                events = [event async for event in log.events(log=head.log)]
                await _check(store, head, events)
                found += events
        finally:
            await store.close()
    ids = [event.id for event in found]
    assert len(set(ids)) == len(ids)
    return ids


async def _check(store: Store, head: Head, events: list[Event]) -> None:
    assert [event.index for event in events] == list(range(head.size))
    leaves = [sha256(b"\0" + event.entry).digest() for event in events]
    root = Reference(leaves).root(len(leaves))
    assert Frontier.from_bytes(head.frontier).root() == root if events else head.size == 0

    hashes = leaves
    for level in range(8):
        tiles = dict(await store.tiles(head.number, level, 0, 1 << 40))
        if level == 0:
            # The rows hold the leaves of the tile that is not full.
            hashes = hashes[: len(hashes) // TILE_WIDTH * TILE_WIDTH]
        assert b"".join(tiles[index] for index in sorted(tiles)) == b"".join(hashes)
        whole = range(0, len(hashes) // TILE_WIDTH * TILE_WIDTH, TILE_WIDTH)
        blocks = [hashes[at : at + TILE_WIDTH] for at in whole]
        hashes = [Reference(block).root(TILE_WIDTH) for block in blocks]

    kinds = Counter(
        (
            to_micros(event.recorded_at) // HOUR,
            (
                event.company_id or "",
                event.type,
                LEVEL_NUMBERS[event.level.value],
                OUTCOME_NUMBERS[event.outcome],
            ),
        )
        for event in events
    )
    by = ("company", "type", "level", "outcome")
    counts = await store.counts(head.number, "hour", 0, 1 << 40, {}, by)
    assert {(hour, kind): number for hour, kind, number in counts} == kinds
