"""A survey: what a spool's folder holds, as anybody who may read it sees it.

Nothing is locked or changed, and processes that use the folder go on: what is appended or
delivered meanwhile may be counted or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from counterfoil.errors import SpoolCorruptError

from . import files, frame, gaps, home
from .journal import CURSOR
from .segment import segment_path, segments


@dataclass(frozen=True, slots=True)
class Survey:
    """What waits, of all processes.

    Attributes:
        records: how many wait to be delivered.
        size: bytes that the files that they stand in take.
        oldest: the first that waits of each process.
        unreported: events that were counted as kept nowhere, and are not reported yet.
        quarantined: files that were set aside.
    """

    records: int = 0
    size: int = 0
    oldest: tuple[bytes, ...] = ()
    unreported: int = 0
    quarantined: int = 0


def survey(root: Path) -> Survey:
    """Look through a spool's folder, which need not be there. Blocks on the disk.

    Raises:
        SpoolError: it cannot be read.
    """
    records = size = unreported = 0
    oldest = []
    with files.told("cannot be read"):
        for name in home.names(root):
            folder, key = root / name, name.encode()
            # Its owner may remove its files, and the folder, at this moment.
            try:
                unreported += gaps.counted(key, _bytes(folder / gaps.FILE))
                found = list(_waiting(folder, key))
                size += sum(path.stat().st_size for path in folder.glob("*.segment"))
            except FileNotFoundError:
                continue
            except SpoolCorruptError:
                # Another version's, which the process that delivers speaks of.
                continue
            records += sum(count for count, _ in found)
            oldest += [first for _, first in found[:1]]
        aside = [path for path in root.glob(f"{home.QUARANTINE}/*") if path.is_file()]
    return Survey(records, size, tuple(oldest), unreported, len(aside))


def _waiting(folder: Path, key: bytes) -> Iterator[tuple[int, bytes]]:
    """Of each segment with something to deliver: how many records, and the first of them."""
    cursor = frame.decode(key, _bytes(folder / CURSOR))
    delivered = 0 if cursor is None else cursor.sequence
    for number in segments(folder):
        data = segment_path(folder, number).read_bytes()
        count, first = 0, b""
        for piece in frame.scan(key, data, frame.first_frame(key, data)):
            if isinstance(piece, frame.Frame) and piece.sequence > delivered:
                count += 1
                first = first or piece.payload
        if count:
            yield count, first


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
