"""Checking a segment: a stretch of one log, whole tiles of leaves, read and checked by chunks.

A segment needs nothing of those before it, so that several processes can check one log.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from counterfoil.errors import SchemaError
from counterfoil.log.proving.tiles import split_hashes
from counterfoil.proof import TILE_WIDTH, TileId, tree_hash
from counterfoil.proof.hashing import HASH_BYTES
from counterfoil.record.row import LOG_SPAN, EventRow, MentionRow
from counterfoil.store import Selection, Store

from .damage import DAMAGE
from .events import Checked, Kind, check_events, event_id_of, kind_of
from .ids import check_ids
from .report import Fault, Finding, Findings, Place

T = TypeVar("T")

#: Events in a segment, and in the part of it that is in memory at once; whole tiles.
SEGMENT = 64 * TILE_WIDTH
CHUNK = 2 * TILE_WIDTH
#: Reads that may fail before a range is no longer halved: all of a chunk, one by one.
_FAILURES = 2 * CHUNK


@dataclass(frozen=True, slots=True)
class Segment:
    """Which events: those of a log from index ``first`` to ``end``, not included.

    ``first`` is where a tile of leaves begins; ``log`` is the name in the entries.
    """

    log: str
    number: int
    first: int
    end: int


@dataclass(slots=True)
class SegmentResult:
    """What a segment is found to be.

    Attributes:
        leaves: its leaf hashes, joined, up to the first that cannot be known.
        present: how many rows were read; the rest as in ``verify_events.Checked``.
        first_time, last_time: of its first and last event, where there are any.
    """

    segment: Segment
    leaves: bytearray = field(default_factory=bytearray)
    findings: Findings = field(default_factory=Findings)
    tally: Counter[Kind] = field(default_factory=Counter)
    present: int = 0
    verified: int = 0
    missing: int = 0
    first_time: int | None = None
    last_time: int | None = None
    restored: list[str] = field(default_factory=list)
    complete: bool = True

    @property
    def unknown(self) -> int:
        """How many rows are gone or cannot be read."""
        return self.segment.end - self.segment.first - self.present


async def read_readable(
    read: Callable[[int, int], Awaitable[list[T]]], first: int, last: int
) -> tuple[list[T], list[int]]:
    """Read a range of keys, leaving out what the store cannot return.

    A range that cannot be read is halved, but not for ever: a range of keys may be as wide as
    integers are, and a table may be unreadable as a whole.

    Returns:
        What could be read, and the keys that could not; of many such keys, some stand for
        their neighbours too.
    """
    rows: list[T] = []
    bad: list[int] = []
    failures = 0
    waiting = [(first, last)] if first <= last else []
    while waiting:
        low, high = waiting.pop()
        try:
            rows += await read(low, high)
        except DAMAGE as error:
            failures += 1
            # A table that is gone is gone for all keys.
            is_gone = isinstance(error, SchemaError)
            if low == high or is_gone or failures > _FAILURES:
                bad.append(low)
            else:
                middle = (low + high) // 2
                waiting += ((middle + 1, high), (low, middle))
    return rows, bad


async def check_segment(store: Store, segment: Segment) -> SegmentResult:
    """Read and check a segment. Damage is found, never raised.

    Raises:
        StoreError: the store cannot be reached.
    """
    result = SegmentResult(segment)
    for first in range(segment.first, segment.end, CHUNK):
        await _Chunk(store, segment, first, min(segment.end, first + CHUNK), result).check()
    return result


class _Chunk:
    """A part of a segment that is in memory at once."""

    def __init__(
        self, store: Store, segment: Segment, first: int, end: int, result: SegmentResult
    ) -> None:
        self._store = store
        self._log = segment.log
        self._number = segment.number
        self._base = segment.number * LOG_SPAN
        self._first = first
        self._end = end
        self._result = result

    async def check(self) -> None:
        first, last = self._base + self._first, self._base + self._end - 1
        rows = await self._read_rows()
        mentions = await self._read_mentions()
        checked = await asyncio.to_thread(check_events, self._log, rows, mentions)
        tiles = await self._read_tiles()

        result = self._result
        result.present += len(rows)
        result.verified += checked.verified
        result.missing += checked.missing
        result.tally += checked.tally
        result.restored += checked.restored
        # All is well where the leaf hashes, those of the rows and the tiles are the same.
        computed = b"".join(checked.leaves)
        if (
            not checked.suspects
            and len(rows) == self._end - self._first
            and computed == b"".join([row.leaf for row in rows])
            and self._tiles_hold(computed, tiles)
        ):
            if result.complete:
                result.leaves += computed
        else:
            await self._settle(rows, checked, tiles)
        for kind in checked.kinds.values():
            result.tally[kind] += 1
        self._check_order(rows, checked.times)
        await check_ids(self._store, self._log, first, last, rows, result.findings)

    # Reading

    async def _read_rows(self) -> list[EventRow]:
        def read(first: int, last: int) -> Awaitable[list[EventRow]]:
            limit = last - first + 1
            return self._store.select(Selection(first, last, newest_first=False, limit=limit))

        rows, bad = await read_readable(read, self._base + self._first, self._base + self._end - 1)
        for position in bad:
            self._find(Fault.UNREADABLE, Place.EVENT, position - self._base)
        if len(rows) + len(bad) < self._end - self._first:
            there = {row.position for row in rows} | set(bad)
            for index in range(self._first, self._end):
                if self._base + index not in there:
                    self._find(Fault.MISSING, Place.EVENT, index)
        return rows

    async def _read_mentions(self) -> dict[int, list[MentionRow]]:
        rows, bad = await read_readable(
            self._store.mentions, self._base + self._first, self._base + self._end - 1
        )
        for position in bad:
            self._find(Fault.UNREADABLE, Place.MENTION, position - self._base)
        found: dict[int, list[MentionRow]] = {}
        for row in rows:
            found.setdefault(row.position, []).append(row)
        return found

    async def _read_tiles(self) -> dict[int, bytes | None]:
        """The tiles that these events fill, None where one is not there."""
        first, last = self._first // TILE_WIDTH, self._end // TILE_WIDTH - 1

        async def read(first: int, last: int) -> list[tuple[int, bytes]]:
            return await self._store.tiles(self._number, 0, first, last)

        stored, _ = await read_readable(read, first, last)
        return {**dict.fromkeys(range(first, last + 1)), **dict(stored)}

    # Comparing

    def _check_order(self, rows: Sequence[EventRow], times: Sequence[int | None]) -> None:
        result = self._result
        latest = result.last_time
        for row, time in zip(rows, times, strict=True):
            if time is None:
                continue
            if latest is not None and time < latest:
                self._find(Fault.ORDER, Place.EVENT, row.index, event_id_of(row), "recorded_at")
            elif latest is None:
                result.first_time = time
            latest = time
        result.last_time = latest

    def _tiles_hold(self, leaves: bytes, tiles: dict[int, bytes | None]) -> bool:
        width = TILE_WIDTH * HASH_BYTES
        start = self._first // TILE_WIDTH
        return all(
            tile == leaves[(index - start) * width : (index - start + 1) * width]
            for index, tile in tiles.items()
        )

    async def _settle(
        self, rows: Sequence[EventRow], checked: Checked, tiles: dict[int, bytes | None]
    ) -> None:
        """Say of each event what is wrong with it, and which leaf hash is right."""
        places = {row.position - self._base: place for place, row in enumerate(rows)}
        for start in range(self._first, self._end, TILE_WIDTH):
            end = min(self._end, start + TILE_WIDTH)
            tile = await self._trusted_tile(start, tiles, places, rows)
            for index in range(start, end):
                kept = None
                if tile is not None:
                    at = (index - start) * HASH_BYTES
                    kept = tile[at : at + HASH_BYTES]
                place = places.get(index)
                leaf = kept
                if place is not None:
                    leaf = self._judge(rows[place], place, checked, kept)
                if leaf is None:
                    self._result.complete = False
                elif self._result.complete:
                    self._result.leaves += leaf

    async def _trusted_tile(
        self,
        start: int,
        tiles: dict[int, bytes | None],
        places: dict[int, int],
        rows: Sequence[EventRow],
    ) -> bytes | None:
        """A tile to judge its events by, or None: where they differ, the level above decides."""
        index = start // TILE_WIDTH
        if index not in tiles:
            return None
        tile = tiles[index]
        path = TileId(0, index).path
        if tile is None:
            self._find(Fault.MISSING, Place.TILE, start, None, path)
            return None
        leaves = [rows[places[at]].leaf for at in range(start, start + TILE_WIDTH) if at in places]
        if tile == b"".join(leaves):
            return tile
        above = None
        if len(tile) == TILE_WIDTH * HASH_BYTES:
            above = await self._node_above(index)
            if above == tree_hash(split_hashes(tile)) or (
                len(leaves) < TILE_WIDTH and above is not None
            ):
                return tile
        if len(leaves) < TILE_WIDTH and above is None:
            return tile if len(tile) == TILE_WIDTH * HASH_BYTES else None
        self._find_in_tile(start, tile, leaves, path)
        return None

    def _find_in_tile(self, start: int, tile: bytes, leaves: list[bytes], path: str) -> None:
        differing = [
            number
            for number, leaf in enumerate(leaves)
            if tile[number * HASH_BYTES : (number + 1) * HASH_BYTES] != leaf
        ]
        first = differing[0] if differing else 0
        found = tile[first * HASH_BYTES : (first + 1) * HASH_BYTES].hex()
        self._result.findings.add(
            Finding(
                fault=Fault.ALTERED,
                place=Place.TILE,
                log=self._log,
                index=start + first,
                last_index=start + (differing[-1] if differing else 0),
                field=path,
                expected=leaves[first].hex() if leaves else None,
                found=found if len(tile) == TILE_WIDTH * HASH_BYTES else f"{len(tile)} bytes",
            )
        )

    async def _node_above(self, index: int) -> bytes | None:
        try:
            tile = await self._store.tile(self._number, 1, index // TILE_WIDTH)
        except DAMAGE:
            return None
        at = index % TILE_WIDTH * HASH_BYTES
        node = (tile or b"")[at : at + HASH_BYTES]
        return node if len(node) == HASH_BYTES else None

    def _judge(
        self, row: EventRow, place: int, checked: Checked, kept: bytes | None
    ) -> bytes | None:
        """Which of an event's leaf hashes is the tree's: three places tell it, two agree."""
        computed, suspicions = checked.leaves[place], checked.suspects.get(place, [])
        column = row.leaf if isinstance(row.leaf, bytes) and len(row.leaf) == HASH_BYTES else None
        event_id = event_id_of(row)
        if column == computed and (kept is None or kept == computed):
            self._result.findings.extend(suspicions)
            return computed
        entry_is_right = kept == computed or (kept is None and not suspicions)
        if entry_is_right:
            self._result.findings.extend(suspicions)
            found = None if column is None else column.hex()
            self._find(
                Fault.ALTERED, Place.LEAF, row.index, event_id, "leaf", computed.hex(), found
            )
            return computed
        # What the entry says is of no use: the columns may still tell.
        checked.times[place] = None
        if place in checked.kinds:
            del checked.kinds[place]
        if (kind := kind_of(row)) is not None:
            checked.kinds[place] = kind
        right = column if kept is None else kept
        self._find(
            Fault.ALTERED,
            Place.ENTRY,
            row.index,
            event_id,
            None,
            None if right is None else f"an entry with the leaf hash {right.hex()}",
            computed.hex(),
        )
        return right

    def _find(
        self,
        fault: Fault,
        place: Place,
        index: int,
        event_id: str | None = None,
        name: str | None = None,
        expected: str | None = None,
        found: str | None = None,
    ) -> None:
        self._result.findings.add(
            Finding(
                fault=fault,
                place=place,
                log=self._log,
                index=index,
                event_id=event_id,
                field=name,
                expected=expected,
                found=found,
            )
        )
