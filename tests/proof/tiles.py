"""Tiles to build proofs from, held in memory."""

from __future__ import annotations

from hashlib import sha256
from typing import Self

from counterfoil.proof import Frontier, TileGrowth, TileId


class StoredTiles:
    """What a store keeps: grown tiles, and leaf hashes for those that are not full.

    Attributes:
        read_tiles: every tile that was asked for, in order.
    """

    def __init__(self, leaf_hashes: list[bytes]) -> None:
        self.leaf_hashes = leaf_hashes
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.read_tiles: list[TileId] = []

    @classmethod
    def of(cls, leaf_hashes: list[bytes]) -> Self:
        """The tiles of a whole tree."""
        tiles = cls(leaf_hashes)
        tiles.grow(Frontier().append(leaf_hashes).growth)
        return tiles

    def grow(self, growth: list[TileGrowth]) -> None:
        for part in growth:
            held = self.tiles.get((part.level, part.index), b"")
            if part.level == 0:
                held = b"".join(self.leaf_hashes[part.index * 256 :][: part.offset])
            self.tiles[part.level, part.index] = part.extend(held)

    def read(self, tile: TileId) -> bytes:
        self.read_tiles.append(tile)
        if (tile.level, tile.index) in self.tiles:
            return self.tiles[tile.level, tile.index][: tile.width * 32]
        assert tile.level == 0
        return b"".join(self.leaf_hashes[tile.index * 256 :][: tile.width])


class UniformTiles:
    """The tiles of a tree of any size whose leaves are all alike."""

    def __init__(self, leaf_hash: bytes) -> None:
        self.levels = [leaf_hash]
        for _ in range(64):
            self.levels.append(sha256(b"\x01" + self.levels[-1] * 2).digest())

    def read(self, tile: TileId) -> bytes:
        return self.levels[8 * tile.level] * tile.width
