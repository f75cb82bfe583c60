"""Consistency proofs, that one tree is the beginning of another: RFC 6962 section 2.1.2."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.errors import ProofError
from counterfoil.proof.hashing import EMPTY_ROOT, node_hash
from counterfoil.proof.inclusion import climb, climb_border, path_shape
from counterfoil.proof.refusal import check_hash, check_hashes
from counterfoil.proof.tile import (
    ReadTile,
    Span,
    TileHashes,
    TileId,
    check_size,
    tiles_for_spans,
)


def tiles_for_consistency(old_size: int, new_size: int) -> list[TileId]:
    """The tiles, at most two of each level, that :func:`consistency_proof` reads.

    Raises:
        ProofError: a size is out of range, or the old one is larger than the new one.
    """
    return tiles_for_spans(_subproof(old_size, new_size), new_size)


def consistency_proof(old_size: int, new_size: int, read: ReadTile) -> list[bytes]:
    """The proof that the tree of ``old_size`` leaves begins that of ``new_size`` leaves.

    Returns:
        The hashes; none from size 0, and none between equal sizes.

    Raises:
        ProofError: a size is out of range, the old one is larger than the new one, or a
            tile has the wrong length.
    """
    hashes = TileHashes(new_size, read)
    return [hashes.span_hash(span) for span in _subproof(old_size, new_size)]


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that an old tree is the beginning of a new one.

    From size 0 to any size the proof is empty and holds. The root of size 0 is always
    :data:`counterfoil.proof.EMPTY_ROOT`: another one is refused.

    Raises:
        ProofError: it does not follow from the proof; the message says why. No input, of
            whatever type, raises anything else.
    """
    _check_sizes(old_size, new_size)
    check_hash(old_root, "The old root")
    check_hash(new_root, "The new root")
    if (old_size == 0 and old_root != EMPTY_ROOT) or (new_size == 0 and new_root != EMPTY_ROOT):
        raise ProofError("The root given for size 0 is not the empty tree's.")
    if old_size in (0, new_size):
        check_hashes(proof, 0)
        if old_size == new_size and old_root != new_root:
            raise ProofError("Two trees of the same size have different roots.")
        return

    # The proof climbs from the last complete subtree of the old tree: its index, and its
    # path, are those of the old tree's last leaf without the levels inside the subtree.
    inside = (old_size & -old_size).bit_length() - 1
    index = (old_size - 1) >> inside
    inner, border = path_shape(old_size - 1, new_size)
    inner -= inside
    # An old tree that is itself that subtree is not repeated in the proof.
    seeded = old_size != 1 << inside
    check_hashes(proof, seeded + inner + border)
    seed, path = (proof[0], proof[1:]) if seeded else (old_root, proof)

    if climb_border(_climb_left(seed, index, path[:inner]), path[inner:]) != old_root:
        raise ProofError("The proof gives another old root: it is not this tree's beginning.")
    if climb_border(climb(seed, index, path[:inner]), path[inner:]) != new_root:
        raise ProofError("The proof gives another new root: the new tree does not continue it.")


def _climb_left(start: bytes, index: int, siblings: Sequence[bytes]) -> bytes:
    """As :func:`climb`, without the siblings to the right: the old tree has none."""
    for level, sibling in enumerate(siblings):
        if index >> level & 1:
            start = node_hash(sibling, start)
    return start


def _subproof(old_size: int, new_size: int) -> list[Span]:
    """The spans of PROOF(m, D[n]) and SUBPROOF of RFC 6962, in the proof's order."""
    _check_sizes(old_size, new_size)
    if old_size in (0, new_size):
        return []
    spans = []
    span = Span(0, new_size)
    while span.end != old_size:
        left, right = span.split()
        span, sibling = (left, right) if old_size <= left.end else (right, left)
        spans.append(sibling)
    # A subtree that is the whole old tree is left out: the verifier has its root.
    if span.start:
        spans.append(span)
    return spans[::-1]


def _check_sizes(old_size: int, new_size: int) -> None:
    check_size(old_size)
    check_size(new_size)
    if old_size > new_size:
        raise ProofError("The old size is larger than the new size.")
