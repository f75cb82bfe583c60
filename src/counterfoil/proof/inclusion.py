"""Inclusion proofs: RFC 6962 section 2.1.1."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.errors import ProofError
from counterfoil.proof.hashing import node_hash
from counterfoil.proof.refusal import check_hash, check_hashes
from counterfoil.proof.tile import (
    ReadTile,
    Span,
    TileHashes,
    TileId,
    check_size,
    tiles_for_spans,
)


def tiles_for_inclusion(index: int, size: int) -> list[TileId]:
    """The tiles, at most two of each level, that :func:`inclusion_proof` reads.

    Raises:
        ProofError: the size is out of range, or the index is not in the tree.
    """
    return tiles_for_spans(_path(index, size), size)


def inclusion_proof(index: int, size: int, read: ReadTile) -> list[bytes]:
    """The proof that leaf ``index`` is in the tree's first ``size`` leaves.

    Returns:
        The audit path: hashes from the leaf's sibling up to the root's child.

    Raises:
        ProofError: the size is out of range, the index is not in the tree, or a tile has
            the wrong length.
    """
    hashes = TileHashes(size, read)
    return [hashes.span_hash(span) for span in _path(index, size)]


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf is in a tree, at this index.

    Raises:
        ProofError: it does not follow from the proof; the message says why. No input, of
            whatever type, raises anything else.
    """
    _check_index(index, size)
    check_hash(leaf_hash, "The leaf hash")
    check_hash(root, "The root")
    inner, border = path_shape(index, size)
    check_hashes(proof, inner + border)

    computed = climb_border(climb(leaf_hash, index, proof[:inner]), proof[inner:])
    if computed != root:
        raise ProofError("The leaf and the proof give another root: the leaf is not there.")


def path_shape(index: int, size: int) -> tuple[int, int]:
    """How many hashes an audit path has below, and on, the tree's right edge.

    Where the paths from the leaf and from the last leaf are still apart, the index's bits
    tell the sibling's side; from where they have met, each sibling is to the left.
    """
    inner = (index ^ (size - 1)).bit_length()
    return inner, (index >> inner).bit_count()


def climb(start: bytes, index: int, siblings: Sequence[bytes]) -> bytes:
    """From a node up, each sibling on the side that the index's bits tell."""
    for level, sibling in enumerate(siblings):
        start = node_hash(sibling, start) if index >> level & 1 else node_hash(start, sibling)
    return start


def climb_border(start: bytes, siblings: Sequence[bytes]) -> bytes:
    """From a node on the tree's right edge up: each sibling is to the left."""
    for sibling in siblings:
        start = node_hash(sibling, start)
    return start


def _path(index: int, size: int) -> list[Span]:
    """The siblings' spans, PATH(m, D[n]) of RFC 6962, from the leaf's up."""
    _check_index(index, size)
    siblings = []
    span = Span(0, size)
    while span.end - span.start > 1:
        left, right = span.split()
        span, sibling = (left, right) if index < left.end else (right, left)
        siblings.append(sibling)
    return siblings[::-1]


def _check_index(index: int, size: int) -> None:
    check_size(size)
    if type(index) is not int or not 0 <= index < size:
        raise ProofError("The index is not in the tree: it is an integer from 0 to size - 1.")
