"""Tiles: the tree's hashes in blocks of 256 (C2SP tlog-tiles).

A tile of level L and index N holds up to 256 hashes of the nodes at tree level 8*L, from
node 256*N on. A full tile never changes. Every hash of the tree can be computed from
tiles, and the functions here tell which, so that a caller may fetch them all at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from counterfoil.errors import FormatError, ProofError
from counterfoil.proof.encoding import MAX_INTEGER
from counterfoil.proof.hashing import HASH_BYTES, fold_right, tree_hash

#: The hashes in a full tile, and the tree levels that a tile spans.
TILE_WIDTH = 256
TILE_HEIGHT = 8

_PATH = re.compile(
    r"tile/(?P<level>0|[1-9]\d?)/(?P<groups>(?:x\d{3}/){0,6}\d{3})(?:\.p/(?P<width>[1-9]\d?|1\d\d|2[0-4]\d|25[0-5]))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, order=True)
class TileId:
    """Which tile, and how much of it.

    Attributes:
        level: tile level, 0 (leaf hashes) to 63.
        index: the tile's place within its level, from 0.
        width: how many hashes it holds, 1 to 256; under 256 it is a partial tile.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """The tile's path, ``tile/<L>/<N>[.p/<W>]``."""
        index = self.index
        groups = [f"{index % 1000:03}"]
        while index := index // 1000:
            groups.append(f"x{index % 1000:03}")
        path = f"tile/{self.level}/{'/'.join(reversed(groups))}"
        return path if self.width == TILE_WIDTH else f"{path}.p/{self.width}"

    @classmethod
    def parse(cls, path: str) -> TileId:
        """Read a tile's path.

        Raises:
            FormatError: it is not the path of a tile, or not the one spelling of it.
        """
        if match := _PATH.fullmatch(path):
            index = int(match["groups"].replace("/", "").replace("x", ""))
            tile = cls(int(match["level"]), index, int(match["width"] or TILE_WIDTH))
            # One spelling: no group of zeros in front.
            if tile.level < 64 and tile.index <= MAX_INTEGER and tile.path == path:
                return tile
        raise FormatError("The path is not that of a tile: tile/<L>/<N>[.p/<W>].")


#: Gives a tile's bytes: its ``width`` hashes, joined. Where the tile has grown since, its
#: first ``width`` hashes are the ones. An exception passes through.
ReadTile = Callable[[TileId], bytes]


class Node(NamedTuple):
    """A complete subtree of 2**level leaves; ``number`` counts those of its level."""

    level: int
    number: int


class Span(NamedTuple):
    """The leaves from ``start`` up to, and not including, ``end``, hashed as one subtree."""

    start: int
    end: int

    def split(self) -> tuple[Span, Span]:
        """Two halves, the left one of the largest power of two smaller than the whole."""
        middle = self.start + (1 << (self.end - self.start - 1).bit_length() - 1)
        return Span(self.start, middle), Span(middle, self.end)

    def nodes(self) -> Iterator[Node]:
        """The complete subtrees that make it up, from left to right, larger ones first."""
        start = self.start
        while start < self.end:
            level = (self.end - start).bit_length() - 1
            yield Node(level, start >> level)
            start += 1 << level


def check_size(size: int) -> None:
    """Refuse a size that no tree has.

    Raises:
        ProofError: not an integer from 0 to 2^63 - 1.
    """
    if type(size) is not int or not 0 <= size <= MAX_INTEGER:
        raise ProofError("A tree size is an integer from 0 to 2^63 - 1.")


def tile_width(level: int, index: int, size: int) -> int:
    """How many hashes a tile holds, 0 to 256, in a tree of ``size`` leaves."""
    return max(0, min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - TILE_WIDTH * index))


def tiles_for_spans(spans: Iterable[Span], size: int) -> list[TileId]:
    """The tiles, each once, that hold the hashes of spans in a tree of ``size`` leaves."""
    places = (_place(node) for span in spans for node in span.nodes())
    tiles = ((level, offset >> TILE_HEIGHT) for level, offset, _ in places)
    return [TileId(*tile, tile_width(*tile, size)) for tile in dict.fromkeys(tiles)]


def tiles_for_root(size: int) -> list[TileId]:
    """The tiles that :func:`root_from_tiles` reads: the last of each level.

    Raises:
        ProofError: the size is out of range.
    """
    check_size(size)
    return tiles_for_spans([Span(0, size)], size)


def root_from_tiles(size: int, read: ReadTile) -> bytes:
    """The root of the tree's first ``size`` leaves, from its tiles.

    Raises:
        ProofError: the size is out of range, or a tile has the wrong length.
    """
    check_size(size)
    if size == 0:
        return tree_hash(())
    return TileHashes(size, read).span_hash(Span(0, size))


def tile_hash(tile: bytes) -> bytes:
    """The hash of the subtree over a tile's hashes.

    That of a full tile is its hash in the tile of the next level.
    """
    return tree_hash([tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)])


class TileHashes:
    """The hashes of one tree, computed from its tiles; each tile is read at most once."""

    def __init__(self, size: int, read: ReadTile) -> None:
        self._size = size
        self._read = read
        self._tiles: dict[tuple[int, int], bytes] = {}

    def span_hash(self, span: Span) -> bytes:
        """The hash of the subtree over a span that is not empty.

        Raises:
            ProofError: a tile has the wrong length.
        """
        return fold_right(self.node_hashes(span))

    def node_hashes(self, span: Span) -> list[bytes]:
        """The hashes of the complete subtrees that make up a span.

        Raises:
            ProofError: a tile has the wrong length.
        """
        return [self._node_hash(node) for node in span.nodes()]

    def _node_hash(self, node: Node) -> bytes:
        level, offset, count = _place(node)
        tile = self._tile(level, offset >> TILE_HEIGHT)
        start = offset % TILE_WIDTH * HASH_BYTES
        return tile_hash(tile[start : start + count * HASH_BYTES])

    def _tile(self, level: int, index: int) -> bytes:
        tile = self._tiles.get((level, index))
        if tile is None:
            wanted = TileId(level, index, tile_width(level, index, self._size))
            tile = self._tiles[level, index] = self._read(wanted)
            if len(tile) != wanted.width * HASH_BYTES:
                raise ProofError(
                    f"{wanted.path} has {len(tile)} bytes instead of {wanted.width * HASH_BYTES}."
                )
        return tile


def _place(node: Node) -> tuple[int, int, int]:
    """Where the tiles hold a node: tile level, first hash of that level, and how many."""
    level, height = divmod(node.level, TILE_HEIGHT)
    return level, node.number << height, 1 << height
