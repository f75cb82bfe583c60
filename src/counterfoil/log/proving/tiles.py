"""Tiles out of a store: fetched first, all that a proof needs, and then read from memory."""

from __future__ import annotations

from collections.abc import Iterable

from counterfoil.errors import StoreCorruptError
from counterfoil.proof import (
    TILE_WIDTH,
    Frontier,
    ReadTile,
    TileId,
    consistency_proof,
    inclusion_proof,
    root_from_tiles,
    tiles_for_consistency,
    tiles_for_inclusion,
    tiles_for_root,
)
from counterfoil.proof.hashing import HASH_BYTES
from counterfoil.record.row import LOG_SPAN
from counterfoil.store import Store


class TreeReader:
    """The tree of one log, as its store keeps it.

    Args:
        store: an open store.
        number: the log's number.
    """

    def __init__(self, store: Store, number: int) -> None:
        self._store = store
        self._number = number

    async def root(self, size: int) -> bytes:
        """The root of the first ``size`` leaves.

        Raises:
            StoreCorruptError: a tile is missing or too short. ProofError: as the proof's.
        """
        return root_from_tiles(size, await self._fetch(tiles_for_root(size)))

    async def frontier(self, size: int) -> Frontier:
        """The frontier of the first ``size`` leaves; raises as :meth:`root`."""
        return Frontier.from_tiles(size, await self._fetch(tiles_for_root(size)))

    async def inclusion(self, index: int, size: int) -> list[bytes]:
        """An inclusion proof (RFC 6962 section 2.1.1); raises as :meth:`root`."""
        return inclusion_proof(index, size, await self._fetch(tiles_for_inclusion(index, size)))

    async def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        """A consistency proof (RFC 6962 section 2.1.2); raises as :meth:`root`."""
        tiles = tiles_for_consistency(old_size, new_size)
        return consistency_proof(old_size, new_size, await self._fetch(tiles))

    async def tile(self, tile: TileId) -> bytes:
        """A tile's hashes, as many as asked for.

        Raises:
            StoreCorruptError: it is missing or too short.
        """
        stored = await self._store.tile(self._number, tile.level, tile.index) or b""
        if not stored and tile.level == 0 and tile.width < TILE_WIDTH:
            # A tile of leaves is stored once it is full; until then the rows have them.
            first = self._number * LOG_SPAN + tile.index * TILE_WIDTH
            rows = await self._store.leaves(first, first + tile.width - 1)
            stored = b"".join(leaf for _, leaf in rows)
        if len(stored) < tile.width * HASH_BYTES:
            raise StoreCorruptError(f"The log's {tile.path} is not whole.")
        return stored[: tile.width * HASH_BYTES]

    async def _fetch(self, wanted: Iterable[TileId]) -> ReadTile:
        tiles = {tile: await self.tile(tile) for tile in wanted}
        return tiles.__getitem__


def split_hashes(data: bytes) -> list[bytes]:
    """A tile's bytes as hashes of 32 bytes."""
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
