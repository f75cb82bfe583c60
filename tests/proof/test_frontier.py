"""The frontier: root, tiles and bytes, however the leaves are cut into appends."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import FormatError, ProofError
from counterfoil.proof import EMPTY_ROOT, Frontier, TileGrowth, TileId, leaf_hash, tile_hash
from tests.proof.reference import Reference, numbered_leaves
from tests.proof.tiles import StoredTiles
from tests.proof.vectors import LEAVES, ROOTS

LEAVES_70K = numbered_leaves(70_000)


def test_published_roots():
    frontier = Frontier()
    assert frontier.root() == EMPTY_ROOT
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        frontier = frontier.append([leaf_hash(leaf)]).frontier
        assert frontier.root() == root


def test_root_is_the_reference_root_at_every_size():
    leaves = numbered_leaves(600)
    reference = Reference(leaves)
    frontier = Frontier()
    for size in range(600):
        assert (frontier.size, frontier.root()) == (size, reference.root(size))
        assert len(frontier.nodes) == size.bit_count()
        frontier = frontier.append([leaves[size]]).frontier


@given(cuts=st.lists(st.integers(0, 1500), max_size=12))
def test_cutting_the_leaves_otherwise_changes_nothing(cuts: list[int]):
    leaves = LEAVES_70K[:1500]
    whole = Frontier().append(leaves)
    expected = StoredTiles(leaves)
    expected.grow(whole.growth)

    frontier, tiles = Frontier(), StoredTiles(leaves)
    edges = [0, *sorted(cuts), len(leaves)]
    for start, end in pairwise(edges):
        frontier, growth = frontier.append(leaves[start:end])
        tiles.grow(growth)
    assert frontier == whole.frontier
    assert tiles.tiles == expected.tiles


def test_growth_names_full_leaf_tiles_and_every_higher_one():
    leaves = LEAVES_70K[:514]
    reference = Reference(leaves)
    frontier, growth = Frontier().append(leaves[:255])
    assert growth == []
    frontier, growth = frontier.append(leaves[255:513])
    assert growth == [
        TileGrowth(0, 0, 255, leaves[255]),
        TileGrowth(0, 1, 0, b"".join(leaves[256:512])),
        TileGrowth(1, 0, 0, reference.mth(0, 256) + reference.mth(256, 512)),
    ]
    assert [part.tile for part in growth] == [TileId(0, 0), TileId(0, 1), TileId(1, 0, 2)]
    assert frontier.append(leaves[513:]).growth == []


def test_a_large_tree_fills_two_levels():
    reference = Reference(LEAVES_70K)
    tiles = StoredTiles(LEAVES_70K)
    frontier = Frontier()
    # 65,500 at once, then one append over the end of the first tile of level 1.
    for start, end in ((0, 65_500), (65_500, 70_000)):
        frontier, growth = frontier.append(LEAVES_70K[start:end])
        tiles.grow(growth)
    assert frontier.root() == reference.root(70_000)
    # The example of tlog-tiles: 273 full tiles, then 256 and 17 hashes, then one.
    widths = {place: len(tile) // 32 for place, tile in tiles.tiles.items()}
    assert widths == {
        **{(0, index): 256 for index in range(273)},
        (1, 0): 256,
        (1, 1): 17,
        (2, 0): 1,
    }
    assert tiles.tiles[1, 1][:32] == reference.mth(65_536, 65_792)
    assert tiles.tiles[2, 0] == reference.mth(0, 65_536) == tile_hash(tiles.tiles[1, 0])
    assert Frontier.from_tiles(70_000, tiles.read) == frontier


@given(size=st.integers(0, 70_000))
def test_bytes_round_trip(size: int):
    frontier = Frontier().append(LEAVES_70K[:size]).frontier
    data = frontier.to_bytes()
    assert Frontier.from_bytes(data) == frontier
    assert data[:8] == size.to_bytes(8, "big")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(7),
        bytes(40),
        (3).to_bytes(8, "big") + bytes(32),
        (3).to_bytes(8, "big") + bytes(65),
        (2**63).to_bytes(8, "big") + bytes(32),
    ],
)
def test_bytes_that_are_no_frontier_are_refused(data: bytes):
    with pytest.raises(FormatError, match="not a frontier"):
        Frontier.from_bytes(data)


def test_a_leaf_hash_of_another_length_is_refused():
    with pytest.raises(ProofError, match="32 bytes"):
        Frontier().append([bytes(32), bytes(31)])


def test_a_tree_cannot_outgrow_its_size():
    nodes = tuple(bytes(32) for _ in range(63))
    full = Frontier(2**63 - 1, nodes)
    assert full.append([]).frontier == full
    with pytest.raises(ProofError, match="at most"):
        full.append([bytes(32)])


def test_growth_refuses_a_tile_of_another_width():
    part = TileGrowth(1, 0, 2, bytes(32))
    assert part.extend(bytes(64)) == bytes(96)
    with pytest.raises(ProofError, match="32 bytes are held instead of 64"):
        part.extend(bytes(32))
