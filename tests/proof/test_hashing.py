"""Leaf, node and tree hashes."""

from __future__ import annotations

from hashlib import sha256

from counterfoil.proof import EMPTY_ROOT, leaf_hash, node_hash, tree_hash
from tests.proof.reference import Reference, numbered_leaves
from tests.proof.vectors import EMPTY, LEAVES, ROOTS


def test_published_roots():
    hashes = [leaf_hash(leaf) for leaf in LEAVES]
    assert EMPTY_ROOT == tree_hash([]) == EMPTY
    assert [tree_hash(hashes[:size]) for size in range(1, 9)] == ROOTS


def test_leaves_and_nodes_are_told_apart():
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(b"a") == sha256(b"\x00a").digest()
    assert node_hash(left, right) == sha256(b"\x01" + left + right).digest()
    assert leaf_hash(left + right) != node_hash(left, right) != node_hash(right, left)


def test_tree_hash_is_the_recursive_definition():
    leaves = numbered_leaves(600)
    reference = Reference(leaves)
    for size in (*range(70), *range(250, 262), 511, 512, 513, 600):
        assert tree_hash(leaves[:size]) == reference.root(size)
