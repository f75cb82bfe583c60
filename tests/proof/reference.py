"""RFC 6962 section 2.1 word for word: slow, recursive, and sharing no code with the package."""

from __future__ import annotations

from functools import cache
from hashlib import sha256


class Reference:
    """A tree over leaf hashes, by the RFC's own definitions."""

    def __init__(self, leaf_hashes: list[bytes]) -> None:
        self.leaf_hashes = leaf_hashes
        self.mth = cache(self._mth)

    def root(self, size: int) -> bytes:
        return self.mth(0, size)

    def _mth(self, start: int, end: int) -> bytes:
        if start == end:
            return sha256(b"").digest()
        if end - start == 1:
            return self.leaf_hashes[start]
        k = split(end - start)
        left, right = self.mth(start, start + k), self.mth(start + k, end)
        return sha256(b"\x01" + left + right).digest()

    def path(self, m: int, size: int) -> list[bytes]:
        """PATH(m, D[n])."""
        return self._path(m, 0, size)

    def _path(self, m: int, start: int, end: int) -> list[bytes]:
        if end - start == 1:
            return []
        k = split(end - start)
        if m < k:
            return [*self._path(m, start, start + k), self.mth(start + k, end)]
        return [*self._path(m - k, start + k, end), self.mth(start, start + k)]

    def proof(self, m: int, size: int) -> list[bytes]:
        """PROOF(m, D[n]), for 0 < m <= n."""
        return self._subproof(m, 0, size, True)

    def _subproof(self, m: int, start: int, end: int, b: bool) -> list[bytes]:
        if m == end - start:
            return [] if b else [self.mth(start, end)]
        k = split(end - start)
        if m <= k:
            return [*self._subproof(m, start, start + k, b), self.mth(start + k, end)]
        return [*self._subproof(m - k, start + k, end, False), self.mth(start, start + k)]


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def numbered_leaves(count: int) -> list[bytes]:
    """Leaf hashes that cost nothing: their numbers."""
    return [number.to_bytes(32, "big") for number in range(count)]
