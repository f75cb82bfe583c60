"""Checking the tree: rebuilt from the leaf hashes, against stored tiles and the head."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from counterfoil.errors import FormatError
from counterfoil.log.proving.tiles import split_hashes
from counterfoil.proof import TILE_WIDTH, Frontier, TileId
from counterfoil.proof.hashing import HASH_BYTES
from counterfoil.store import Head, Store
from counterfoil.store.interface import LARGEST, SMALLEST

from .damage import DAMAGE
from .report import Fault, Finding, Findings, Place
from .segment import read_readable

_TILE_HEIGHT = 8
#: The tile levels that a tree of 2^63 leaves has.
_LEVELS = 8


class TreeCheck:
    """Rebuilds a tree, and compares its upper tiles and its right edge.

    The tiles of leaves are compared with the events, segment by segment.

    Args:
        store: an open store.
        log, number: the log's name and number.
        frontier: where to begin; whole tiles of leaves.
        findings: takes what is wrong.
    """

    def __init__(
        self, store: Store, log: str, number: int, frontier: Frontier, findings: Findings
    ) -> None:
        self._store = store
        self._log = log
        self._number = number
        self._frontier = frontier
        self._findings = findings
        #: Tiles in the making: (level, index) -> the first hash known, and the hashes.
        self._open: dict[tuple[int, int], tuple[int, bytearray]] = {}
        #: False once a leaf is unknown: what lies above it cannot be judged.
        self.complete = True

    @property
    def size(self) -> int:
        """How many leaves were added."""
        return self._frontier.size

    @property
    def root(self) -> bytes | None:
        """The root of the leaves so far, or None where one of them is unknown."""
        return self._frontier.root() if self.complete else None

    async def add(self, leaves: bytes) -> None:
        """Add leaf hashes, joined."""
        if not self.complete:
            return
        self._frontier, growth = self._frontier.append(split_hashes(leaves))
        for grown in growth:
            if grown.level == 0:
                continue
            key = (grown.level, grown.index)
            start, hashes = self._open.setdefault(key, (grown.offset, bytearray()))
            hashes += grown.hashes
            if start + len(hashes) // HASH_BYTES == TILE_WIDTH:
                await self._compare(*key)

    async def finish(self, head: Head) -> None:
        """Compare what is not full, and the head's frontier."""
        for key in list(self._open):
            await self._compare(*key)
        if not self.complete or self.size != head.size:
            return
        try:
            stored = Frontier.from_bytes(head.frontier)
        except FormatError:
            stored = None
        if stored != self._frontier:
            self._findings.add(
                Finding(
                    fault=Fault.ALTERED,
                    place=Place.HEAD,
                    log=self._log,
                    field="frontier",
                    expected=f"the root {self._frontier.root().hex()}",
                    found=None if stored is None else f"the root {stored.root().hex()}",
                )
            )

    async def strays(self, size_now: Callable[[], Awaitable[int]]) -> None:
        """Find tiles that the tree does not have.

        Args:
            size_now: the log's size, asked for after the tiles have been read.
        """
        try:
            inventory = await self._store.inventory()
        except DAMAGE:
            # Found where the rows of all logs are counted.
            return
        held = {
            holding.level: holding.rows
            for holding in inventory
            if holding.table == "tile" and holding.log == self._number
        }
        for level, rows in held.items():
            wanted = _tiles_of(level, self._frontier.size)
            if rows == wanted and self.complete:
                continue

            async def read(first: int, last: int, level: int = level) -> list[tuple[int, bytes]]:
                return await self._store.tiles(self._number, level, first, last)

            for first, last in ((SMALLEST, -1), (wanted, LARGEST)):
                found, bad = await read_readable(read, first, last)
                strangers = [*(index for index, _ in found), *bad]
                wanted = _tiles_of(level, await size_now()) if strangers else wanted
                for index in strangers:
                    if not 0 <= index < wanted:
                        self._find(Fault.EXTRA, level, index)

    async def _compare(self, level: int, index: int) -> None:
        start, hashes = self._open.pop((level, index))

        async def read(first: int, last: int) -> list[tuple[int, bytes]]:
            return await self._store.tiles(self._number, level, first, last)

        found, bad = await read_readable(read, index, index)
        if bad:
            self._find(Fault.UNREADABLE, level, index)
        elif not found:
            self._find(Fault.MISSING, level, index)
        else:
            stored = found[0][1]
            end = start * HASH_BYTES + len(hashes)
            # A log that is written to meanwhile has tiles that have grown since.
            grown = len(stored) >= end and len(stored) % HASH_BYTES == 0
            if not grown or stored[start * HASH_BYTES : end] != hashes:
                self._find_altered(level, index, start, bytes(hashes), stored)

    def _find_altered(
        self, level: int, index: int, start: int, hashes: bytes, stored: bytes
    ) -> None:
        pairs = zip(split_hashes(hashes), split_hashes(stored[start * HASH_BYTES :]), strict=False)
        for at, (expected, found) in enumerate(pairs, start):
            if expected != found:
                self._find(Fault.ALTERED, level, index, at, expected.hex(), found.hex())
                return
        wanted = f"{start * HASH_BYTES + len(hashes)} bytes"
        self._find(Fault.ALTERED, level, index, None, wanted, f"{len(stored)} bytes")

    def _find(
        self,
        fault: Fault,
        level: int,
        index: int,
        at: int | None = None,
        expected: str | None = None,
        found: str | None = None,
    ) -> None:
        first = last = None
        if at is not None:
            span = TILE_WIDTH**level
            first = (index * TILE_WIDTH + at) * span
            last = first + span - 1
        known = 0 <= level < _LEVELS and index >= 0
        self._findings.add(
            Finding(
                fault=fault,
                place=Place.TILE,
                log=self._log,
                index=first,
                last_index=last,
                field=TileId(level, index).path if known else f"level {level}, {index}",
                expected=expected,
                found=found,
            )
        )


def _tiles_of(level: int, size: int) -> int:
    """How many tiles of a level are stored: those of leaves when they are full."""
    if not 0 <= level < _LEVELS:
        return 0
    nodes = size >> _TILE_HEIGHT * level
    return nodes // TILE_WIDTH if level == 0 else -(-nodes // TILE_WIDTH)
