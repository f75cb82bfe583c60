"""Tile paths, and which tiles hold what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import FormatError, ProofError
from counterfoil.proof import EMPTY_ROOT, Frontier, TileId, root_from_tiles, tiles_for_root
from tests.proof.reference import numbered_leaves
from tests.proof.tiles import StoredTiles

tile_ids = st.builds(TileId, st.integers(0, 63), st.integers(0, 2**63 - 1), st.integers(1, 256))


@given(tile=tile_ids)
def test_path_round_trip(tile: TileId):
    assert TileId.parse(tile.path) == tile


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (TileId(0, 0), "tile/0/000"),
        (TileId(0, 999, 1), "tile/0/999.p/1"),
        (TileId(63, 1000, 255), "tile/63/x001/000.p/255"),
        # The example of tlog-tiles.
        (TileId(3, 1234067), "tile/3/x001/x234/067"),
    ],
)
def test_paths(tile: TileId, path: str):
    assert tile.path == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/",
        "tile/0/000\n",
        "/tile/0/000",
        "tile/0/\N{ARABIC-INDIC DIGIT ONE}00",
        "tile/-1/000",
        "tile/entries/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    ],
)
def test_what_is_no_path_is_refused(path: str):
    with pytest.raises(FormatError, match="not that of a tile"):
        TileId.parse(path)


@given(size=st.integers(0, 70_000))
def test_root_from_tiles_reads_the_last_tile_of_a_level_once(size: int):
    frontier, growth = Frontier().append(LEAVES[:size])
    tiles = StoredTiles(LEAVES)
    tiles.grow(growth)
    assert root_from_tiles(size, tiles.read) == frontier.root()
    assert sorted(tiles.read_tiles) == sorted(tiles_for_root(size))
    assert len(tiles.read_tiles) == len({tile.level for tile in tiles.read_tiles}) <= 3


LEAVES = numbered_leaves(70_000)


def test_the_empty_tree_needs_no_tile():
    assert tiles_for_root(0) == []
    assert root_from_tiles(0, dict[TileId, bytes]().__getitem__) == EMPTY_ROOT


@pytest.mark.parametrize("size", [-1, 2**63, True, 1.0, "1", None])
def test_sizes_out_of_range_are_refused(size):
    with pytest.raises(ProofError, match="tree size"):
        tiles_for_root(size)
    with pytest.raises(ProofError, match="tree size"):
        root_from_tiles(size, lambda tile: bytes(32 * tile.width))


def test_a_tile_of_another_length_is_refused():
    with pytest.raises(ProofError, match=r"tile/0/000\.p/3 has 64 bytes instead of 96"):
        root_from_tiles(3, lambda tile: bytes(64))


def test_what_the_read_function_raises_passes_through():
    with pytest.raises(KeyError):
        root_from_tiles(3, dict[TileId, bytes]().__getitem__)
