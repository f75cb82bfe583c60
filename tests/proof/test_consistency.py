"""Consistency proofs, built from tiles and checked, honest and hostile."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import ProofError
from counterfoil.proof import (
    EMPTY_ROOT,
    consistency_proof,
    leaf_hash,
    root_from_tiles,
    tiles_for_consistency,
    verify_consistency,
)
from tests.proof.reference import Reference, numbered_leaves
from tests.proof.tiles import StoredTiles, UniformTiles
from tests.proof.vectors import CONSISTENCY, LEAVES, ROOTS

TREE = Reference(numbered_leaves(70_000))
TILES = StoredTiles.of(TREE.leaf_hashes)


@pytest.mark.parametrize(("old_size", "new_size", "proof"), CONSISTENCY)
def test_published_proofs(old_size: int, new_size: int, proof: list[str]):
    hashes = [bytes.fromhex(value) for value in proof]
    tiles = StoredTiles([leaf_hash(leaf) for leaf in LEAVES])
    assert consistency_proof(old_size, new_size, tiles.read) == hashes
    verify_consistency(old_size, ROOTS[old_size - 1], new_size, ROOTS[new_size - 1], hashes)


@pytest.mark.parametrize("new_size", [*range(1, 40), 255, 256, 257, 511, 512, 513, 600])
def test_every_beginning_of_small_trees(new_size: int):
    root = TREE.root(new_size)
    for old_size in range(1, new_size + 1):
        proof = consistency_proof(old_size, new_size, TILES.read)
        assert proof == TREE.proof(old_size, new_size)
        verify_consistency(old_size, TREE.root(old_size), new_size, root, proof)


sizes = st.integers(1, 70_000).flatmap(
    lambda new_size: st.tuples(st.integers(1, new_size), st.just(new_size))
)


@given(pair=sizes)
def test_beginnings_of_large_trees(pair: tuple[int, int]):
    old_size, new_size = pair
    TILES.read_tiles.clear()
    proof = consistency_proof(old_size, new_size, TILES.read)
    assert proof == TREE.proof(old_size, new_size)
    verify_consistency(old_size, TREE.root(old_size), new_size, TREE.root(new_size), proof)

    # Each tile is read once, and they are the ones that the list names.
    assert sorted(TILES.read_tiles) == sorted(tiles_for_consistency(old_size, new_size))
    assert all(sum(tile.level == level for tile in TILES.read_tiles) <= 2 for level in range(3))


@given(size=st.integers(2**40, 2**63 - 1), data=st.data())
def test_the_largest_trees_need_few_tiles(size: int, data: st.DataObject):
    old_size = data.draw(st.integers(1, size))
    tiles = UniformTiles(bytes(32))
    assert len(tiles_for_consistency(old_size, size)) <= 16
    verify_consistency(
        old_size,
        root_from_tiles(old_size, tiles.read),
        size,
        root_from_tiles(size, tiles.read),
        consistency_proof(old_size, size, tiles.read),
    )


@pytest.mark.parametrize("new_size", [0, 1, 7, 600])
def test_every_tree_begins_with_the_empty_one(new_size: int):
    assert consistency_proof(0, new_size, TILES.read) == []
    assert tiles_for_consistency(0, new_size) == []
    verify_consistency(0, EMPTY_ROOT, new_size, TREE.root(new_size), [])


OLD, NEW = 6, 13
PROOF = TREE.proof(OLD, NEW)


def refused(reason: str, **changed: Any) -> None:
    claim = {
        "old_size": OLD,
        "old_root": TREE.root(OLD),
        "new_size": NEW,
        "new_root": TREE.root(NEW),
        "proof": PROOF,
    }
    with pytest.raises(ProofError, match=reason):
        verify_consistency(**{**claim, **changed})


def test_the_claim_under_attack_is_good():
    verify_consistency(OLD, TREE.root(OLD), NEW, TREE.root(NEW), PROOF)
    verify_consistency(OLD, TREE.root(OLD), NEW, TREE.root(NEW), tuple(PROOF))


@pytest.mark.parametrize("old_size", [size for size in range(1, NEW + 1) if size != OLD])
def test_another_old_size_is_refused(old_size: int):
    refused("another old root|another new root|call for", old_size=old_size)


@pytest.mark.parametrize("new_size", [7, 8, 17, 25, 26, 2**62])
def test_a_new_size_of_another_shape_is_refused(new_size: int):
    refused("call for", new_size=new_size)


def test_other_roots_are_refused():
    refused("another old root", old_root=TREE.root(OLD + 1))
    refused("another new root", new_root=TREE.root(NEW + 1))
    refused("another old root", old_root=TREE.root(NEW), new_root=TREE.root(OLD))


def test_a_fork_is_refused():
    fork = Reference([*TREE.leaf_hashes[:5], bytes(32), *TREE.leaf_hashes[6:13]])
    refused("another", new_root=fork.root(NEW), proof=fork.proof(OLD, NEW))


def test_equal_sizes_have_equal_roots_and_no_proof():
    root = TREE.root(NEW)
    verify_consistency(NEW, root, NEW, root, [])
    refused("same size have different roots", old_size=NEW, old_root=bytes(32), proof=[])
    refused("call for 0", old_size=NEW, old_root=root, proof=[root])


def test_size_zero_has_one_root_and_no_proof():
    refused("empty tree's", old_size=0, old_root=bytes(32), proof=[])
    refused("call for 0", old_size=0, old_root=EMPTY_ROOT)
    refused("empty tree's", old_size=0, new_size=0, old_root=EMPTY_ROOT, proof=[])
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])


def test_a_tree_does_not_shrink():
    refused("larger than the new", old_size=NEW + 1)
    refused("larger than the new", new_size=0)


@pytest.mark.parametrize("size", [-1, 2**63, 2**64, 10**100, None, "6", 6.0, True])
def test_a_size_that_no_tree_has_is_refused(size: Any):
    refused("tree size", old_size=size)
    refused("tree size", new_size=size)


@pytest.mark.parametrize(
    "proof", [[], PROOF[:-1], PROOF[1:], [*PROOF, PROOF[0]], [PROOF[0], *PROOF], [b""] * 99]
)
def test_another_length_is_refused(proof: list[bytes]):
    refused(f"call for {len(PROOF)}", proof=proof)


@pytest.mark.parametrize("number", range(len(PROOF)))
def test_every_bit_of_the_proof_counts(number: int):
    changed = PROOF[number][:-1] + bytes([PROOF[number][-1] ^ 128])
    refused("another", proof=[*PROOF[:number], changed, *PROOF[number + 1 :]])


def test_swapped_sides_are_refused():
    refused("another", proof=PROOF[::-1])
    refused("another", proof=[PROOF[1], PROOF[0], *PROOF[2:]])


@pytest.mark.parametrize("value", [None, 5, "a" * 32, bytes(31), bytes(33), b"", bytearray(32)])
def test_what_is_no_hash_is_refused(value: Any):
    refused("old root is not", old_root=value)
    refused("new root is not", new_root=value)
    refused("Hash 1 of the proof", proof=[PROOF[0], value, *PROOF[2:]])


@pytest.mark.parametrize("proof", [None, 4, "abcd", b"abcd", {}, iter(PROOF)])
def test_what_is_no_proof_is_refused(proof: Any):
    refused("not a sequence", proof=proof)


def test_building_refuses_sizes_out_of_order():
    for old_size, new_size in ((4, 3), (-1, 3), (0, 2**63)):
        with pytest.raises(ProofError):
            consistency_proof(old_size, new_size, TILES.read)
        with pytest.raises(ProofError):
            tiles_for_consistency(old_size, new_size)
