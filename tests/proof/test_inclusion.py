"""Inclusion proofs, built from tiles and checked, honest and hostile."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import ProofError
from counterfoil.proof import (
    inclusion_proof,
    leaf_hash,
    root_from_tiles,
    tiles_for_inclusion,
    verify_inclusion,
)
from tests.proof.reference import Reference, numbered_leaves
from tests.proof.tiles import StoredTiles, UniformTiles
from tests.proof.vectors import INCLUSION, LEAVES, ROOTS

TREE = Reference(numbered_leaves(70_000))
TILES = StoredTiles.of(TREE.leaf_hashes)


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_published_proofs(index: int, size: int, proof: list[str]):
    leaves = [leaf_hash(leaf) for leaf in LEAVES]
    path = [bytes.fromhex(value) for value in proof]
    assert inclusion_proof(index, size, StoredTiles(leaves).read) == path
    verify_inclusion(leaves[index], index, size, path, ROOTS[size - 1])


@pytest.mark.parametrize("size", [*range(1, 40), 255, 256, 257, 511, 512, 513, 600])
def test_every_leaf_of_small_trees(size: int):
    for index in range(size):
        proof = inclusion_proof(index, size, TILES.read)
        assert proof == TREE.path(index, size)
        verify_inclusion(TREE.leaf_hashes[index], index, size, proof, TREE.root(size))


positions = st.integers(1, 70_000).flatmap(
    lambda size: st.tuples(st.integers(0, size - 1), st.just(size))
)


@given(position=positions)
def test_leaves_of_large_trees(position: tuple[int, int]):
    index, size = position
    TILES.read_tiles.clear()
    proof = inclusion_proof(index, size, TILES.read)
    assert proof == TREE.path(index, size)
    verify_inclusion(TREE.leaf_hashes[index], index, size, proof, TREE.root(size))

    # Each tile is read once, and they are the ones that the list names.
    assert sorted(TILES.read_tiles) == sorted(tiles_for_inclusion(index, size))
    assert all(sum(tile.level == level for tile in TILES.read_tiles) <= 2 for level in range(3))


def test_tiles_may_be_fetched_before_the_proof_is_built():
    fetched = {tile: TILES.read(tile) for tile in tiles_for_inclusion(12_345, 69_000)}
    assert inclusion_proof(12_345, 69_000, fetched.__getitem__) == TREE.path(12_345, 69_000)


@given(size=st.integers(2**40, 2**63 - 1), data=st.data())
def test_the_largest_trees_need_few_tiles(size: int, data: st.DataObject):
    index = data.draw(st.integers(0, size - 1))
    tiles = UniformTiles(bytes(32))
    assert len(tiles_for_inclusion(index, size)) <= 16
    proof = inclusion_proof(index, size, tiles.read)
    verify_inclusion(bytes(32), index, size, proof, root_from_tiles(size, tiles.read))


INDEX, SIZE = 5, 13
LEAF, PROOF, ROOT = TREE.leaf_hashes[INDEX], TREE.path(INDEX, SIZE), TREE.root(SIZE)


def refused(reason: str, **changed: Any) -> None:
    claim = {"leaf_hash": LEAF, "index": INDEX, "size": SIZE, "proof": PROOF, "root": ROOT}
    with pytest.raises(ProofError, match=reason):
        verify_inclusion(**{**claim, **changed})


def test_the_claim_under_attack_is_good():
    verify_inclusion(LEAF, INDEX, SIZE, PROOF, ROOT)
    verify_inclusion(LEAF, INDEX, SIZE, tuple(PROOF), ROOT)


@pytest.mark.parametrize("index", [index for index in range(SIZE) if index != INDEX])
def test_another_index_is_refused(index: int):
    refused("another root|call for", index=index)


@pytest.mark.parametrize("size", [6, 7, 8, 17, 25, 26, 2**62])
def test_a_size_of_another_shape_is_refused(size: int):
    refused("call for", size=size)


@pytest.mark.parametrize("index", [-1, SIZE, SIZE + 1, 2**64, None, "5", 5.0, True, b"5"])
def test_an_index_outside_the_tree_is_refused(index: Any):
    refused("index is not in the tree", index=index)


@pytest.mark.parametrize("size", [-1, 2**63, 2**64, 10**100, None, "13", 13.0, True])
def test_a_size_that_no_tree_has_is_refused(size: Any):
    refused("tree size", size=size)


def test_nothing_is_in_the_empty_tree():
    refused("index is not in the tree", index=0, size=0, proof=[])


@pytest.mark.parametrize(
    "proof", [[], PROOF[:-1], PROOF[1:], [*PROOF, ROOT], [LEAF, *PROOF], [b""] * 200]
)
def test_another_length_is_refused(proof: list[bytes]):
    refused("call for 4", proof=proof)


@pytest.mark.parametrize("number", range(len(PROOF)))
def test_every_bit_of_the_proof_counts(number: int):
    changed = bytes([PROOF[number][0] ^ 1]) + PROOF[number][1:]
    refused("another root", proof=[*PROOF[:number], changed, *PROOF[number + 1 :]])


def test_swapped_sides_are_refused():
    refused("another root", proof=PROOF[::-1])
    refused("another root", leaf_hash=PROOF[0], proof=[LEAF, *PROOF[1:]])


@pytest.mark.parametrize("value", [None, 5, "a" * 32, bytes(31), bytes(33), b"", bytearray(32)])
def test_what_is_no_hash_is_refused(value: Any):
    refused("leaf hash is not", leaf_hash=value)
    refused("root is not", root=value)
    refused("Hash 2 of the proof", proof=[*PROOF[:2], value, *PROOF[3:]])


@pytest.mark.parametrize("proof", [None, 4, "abcd", b"abcd", {}, iter(PROOF)])
def test_what_is_no_proof_is_refused(proof: Any):
    refused("not a sequence", proof=proof)


def test_building_refuses_an_index_outside_the_tree():
    for index, size in ((0, 0), (3, 3), (-1, 3), (0, 2**63)):
        with pytest.raises(ProofError):
            inclusion_proof(index, size, TILES.read)
        with pytest.raises(ProofError):
            tiles_for_inclusion(index, size)
