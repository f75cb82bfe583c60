"""Damage to files: bits that flip, ends that are cut off, bytes that come in or change."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st


class Harm(NamedTuple):
    """The bytes from ``start`` up to ``end`` become ``instead``."""

    start: int
    end: int
    instead: bytes

    def apply(self, data: bytes) -> bytes:
        return data[: self.start] + self.instead + data[self.end :]

    def touches(self, start: int, end: int) -> bool:
        """Whether it may have changed anything of these bytes."""
        return self.start < end and start < max(self.end, self.start + 1)


@st.composite
def damages(draw: st.DrawFn, size: int) -> Harm:
    """One harm to a file of ``size`` bytes; it may be none at all."""
    start = draw(st.integers(0, size))
    end = draw(st.integers(start, min(size, start + 200)) | st.just(size))
    instead = draw(st.binary(max_size=50) | st.just(bytes(end - start)))
    return Harm(start, end, instead)
