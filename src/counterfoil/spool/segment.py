"""Segments: the files of a journal, each named by the number of its first record."""

from __future__ import annotations

import os
from pathlib import Path

from . import files, frame

SUFFIX = ".segment"


def segment_path(folder: Path, first: int) -> Path:
    """Where the segment that begins with record ``first`` stands."""
    return folder / f"{first:020d}{SUFFIX}"


def segments(folder: Path) -> list[int]:
    """The first records' numbers of a folder's segments, in order."""
    return sorted(int(path.stem) for path in folder.glob(f"*{SUFFIX}") if path.stem.isdecimal())


class SegmentWriter:
    """The segment that a journal appends to.

    Survives a crash: every append that returned. Of one that did not, any part may be there.

    Attributes:
        size: bytes that are synced.
    """

    def __init__(self, folder: Path, first: int, key: bytes) -> None:
        self.path = segment_path(folder, first)
        self.size = 0
        self._key = key
        self._fd = files.create(self.path)

    def append(self, frames: bytes) -> None:
        """Write frames, and return only once they are synced, the file's name included.

        Raises:
            OSError: they are not, or not known to be. Call :meth:`withdraw` then.
        """
        data = frames if self.size else frame.header(self._key) + frames
        files.write(self._fd, data)
        files.sync(self._fd)
        if not self.size:
            files.sync_folder(self.path.parent)
        self.size += len(data)

    def withdraw(self) -> bool:
        """Take back what a failed append wrote, and close. Whether nothing of it is left.

        After a sync that failed nothing about the file can be relied on but what was synced
        before, so that nothing more is appended to it.
        """
        try:
            files.cut(self._fd, self.size)
            files.sync(self._fd)
            if not self.size:
                files.remove(self.path)
        except OSError:
            return False
        finally:
            self.close()
        return True

    def close(self) -> None:
        """Close the file. Idempotent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
