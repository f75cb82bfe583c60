"""The frontier: all that appending to a tree needs to know of the leaves before.

The frontier of a tree is the hashes of the complete subtrees along its right edge, one for
each bit that is set in the size. Its owner is the log's head, which makes it durable in
the same transaction as the entries; nothing here survives by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from counterfoil.errors import FormatError, ProofError
from counterfoil.proof.encoding import MAX_INTEGER
from counterfoil.proof.hashing import EMPTY_ROOT, HASH_BYTES, fold_right, pair_up
from counterfoil.proof.tile import (
    TILE_HEIGHT,
    TILE_WIDTH,
    ReadTile,
    Span,
    TileHashes,
    TileId,
    check_size,
)

_SIZE_BYTES = 8


@dataclass(frozen=True, slots=True)
class TileGrowth:
    """Hashes that an append adds at the end of one tile.

    Attributes:
        level: the tile's level.
        index: the tile's place within its level.
        offset: how many hashes the tile holds already, 0 to 255.
        hashes: the new hashes, joined.
    """

    level: int
    index: int
    offset: int
    hashes: bytes

    @property
    def tile(self) -> TileId:
        """The tile with the new hashes in it."""
        return TileId(self.level, self.index, self.offset + len(self.hashes) // HASH_BYTES)

    def extend(self, held: bytes) -> bytes:
        """The tile's bytes, from those that it holds already.

        Raises:
            ProofError: ``held`` is not the ``offset`` hashes that come before.
        """
        if len(held) != self.offset * HASH_BYTES:
            raise ProofError(
                f"{self.tile.path}: {len(held)} bytes are held instead of"
                f" {self.offset * HASH_BYTES}."
            )
        return held + self.hashes


class Appended(NamedTuple):
    """What an append leaves to be stored: the frontier after it, and the tiles it touched.

    A tile of level 0 is named only by the append that fills it: until then the rows hold
    its leaf hashes. A tile of a higher level is named whenever it grows. Lower levels come
    first, and lower indexes within a level.
    """

    frontier: Frontier
    growth: list[TileGrowth]


class Frontier(NamedTuple):
    """The right edge of a tree; immutable. The empty tree's is ``Frontier()``.

    Attributes:
        size: how many leaves the tree has, 0 to 2^63 - 1.
        nodes: the hashes of the complete subtrees that make up the tree, from left to
            right, larger ones first.
    """

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """The tree's root (RFC 6962 section 2.1)."""
        return fold_right(self.nodes) if self.nodes else EMPTY_ROOT

    def append(self, leaf_hashes: Sequence[bytes]) -> Appended:
        """Append leaves in order.

        However a sequence of leaves is cut into appends, the frontier after the last is
        the same, and so are the tiles.

        Raises:
            ProofError: a hash is not of 32 bytes, or the tree would grow past 2^63 - 1.
        """
        if not set(map(len, leaf_hashes)) <= {HASH_BYTES}:
            raise ProofError("A leaf hash has 32 bytes.")
        size, grown = self.size, self.size + len(leaf_hashes)
        if grown > MAX_INTEGER:
            raise ProofError("A tree has at most 2^63 - 1 leaves.")

        growth: list[TileGrowth] = []
        if size // TILE_WIDTH < grown // TILE_WIDTH:
            growth += _filled_leaf_tiles(size, grown, leaf_hashes)
        edge = list(self.nodes)
        kept: list[bytes] = []
        nodes: Sequence[bytes] = leaf_hashes
        level = 0
        # Each turn pairs up one level of the tree: the node that waited at the edge, if the
        # size has that bit, and the new nodes. An odd last one waits at the edge in turn.
        while nodes:
            if level and level % TILE_HEIGHT == 0:
                growth += _growth(level // TILE_HEIGHT, size >> level, nodes)
            if size >> level & 1:
                nodes = [edge.pop(), *nodes]
            if len(nodes) % 2:
                kept.append(nodes[-1])
            nodes = pair_up(nodes) if len(nodes) > 1 else ()
            level += 1
        return Appended(Frontier(grown, (*edge, *reversed(kept))), growth)

    def to_bytes(self) -> bytes:
        """The size as 8 bytes, big-endian, then the hashes from left to right."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self.nodes)

    @classmethod
    def from_bytes(cls, data: bytes) -> Frontier:
        """Read what :meth:`to_bytes` gave.

        Raises:
            FormatError: the bytes do not hold a size and the hashes that it calls for.
        """
        size = int.from_bytes(data[:_SIZE_BYTES], "big")
        hashes = data[_SIZE_BYTES:]
        if (
            len(data) < _SIZE_BYTES
            or size > MAX_INTEGER
            or len(hashes) != size.bit_count() * HASH_BYTES
        ):
            raise FormatError("The bytes are not a frontier: a size of 8 bytes and its hashes.")
        starts = range(0, len(hashes), HASH_BYTES)
        return cls(size, tuple(hashes[at : at + HASH_BYTES] for at in starts))

    @classmethod
    def from_tiles(cls, size: int, read: ReadTile) -> Frontier:
        """The frontier of the tree's first ``size`` leaves, from its tiles.

        It reads the tiles that :func:`counterfoil.proof.tiles_for_root` lists.

        Raises:
            ProofError: the size is out of range, or a tile has the wrong length.
        """
        check_size(size)
        return cls(size, tuple(TileHashes(size, read).node_hashes(Span(0, size))))


def _filled_leaf_tiles(size: int, grown: int, leaves: Sequence[bytes]) -> list[TileGrowth]:
    """The tiles of level 0 that leaves from ``size`` up to ``grown`` fill."""
    filled = []
    for index in range(size // TILE_WIDTH, grown // TILE_WIDTH):
        start = max(size, index * TILE_WIDTH)
        end = (index + 1) * TILE_WIDTH
        hashes = b"".join(leaves[start - size : end - size])
        filled.append(TileGrowth(0, index, start % TILE_WIDTH, hashes))
    return filled


def _growth(level: int, start: int, nodes: Sequence[bytes]) -> list[TileGrowth]:
    """New nodes of a tile level, the first being number ``start`` of it, cut at the tiles."""
    growth = []
    at, end = start, start + len(nodes)
    while at < end:
        index, offset = divmod(at, TILE_WIDTH)
        stop = min(end, at - offset + TILE_WIDTH)
        growth.append(TileGrowth(level, index, offset, b"".join(nodes[at - start : stop - start])))
        at = stop
    return growth
