"""Merkle tree hashes: RFC 6962 section 2.1, the same as RFC 9162 section 2.1.1."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

HASH_BYTES = 32

#: The root of a tree without leaves.
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one leaf, from the entry's bytes."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node, from its children's hashes of 32 bytes each."""
    return sha256(b"\x01" + left + right).digest()


def pair_up(hashes: Sequence[bytes]) -> list[bytes]:
    """One level up: the parents of neighbours; an odd last hash is left out."""
    # node_hash, written out: this is where an append spends its time.
    neighbours = iter(hashes)
    return [
        sha256(b"\x01" + left + right).digest()
        for left, right in zip(neighbours, neighbours, strict=False)
    ]


def tree_hash(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes in order: MTH of RFC 6962 section 2.1.

    Splitting at the largest power of two is the same as pairing neighbours level by level
    and carrying an odd last one up.
    """
    if not leaf_hashes:
        return EMPTY_ROOT
    level = leaf_hashes
    while len(level) > 1:
        parents = pair_up(level)
        if len(level) % 2:
            parents.append(level[-1])
        level = parents
    return level[0]


def fold_right(hashes: Sequence[bytes]) -> bytes:
    """The hash over neighbouring complete subtrees, larger ones first; at least one."""
    folded = hashes[-1]
    for left in reversed(hashes[:-1]):
        folded = node_hash(left, folded)
    return folded
