"""Locks that a process holds for as long as it lives (flock)."""

from __future__ import annotations

import os
import weakref
from pathlib import Path

from counterfoil.errors import SpoolError

_held: weakref.WeakSet[FileLock] = weakref.WeakSet()


class FileLock:
    """A file that one open spool holds alone; the kernel lets go of it when the process dies.

    Take it with :meth:`take`. A child made by fork holds nothing of its parent's.
    """

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd = fd
        _held.add(self)

    @classmethod
    def take(cls, path: Path) -> FileLock | None:
        """The lock, or None where somebody else has it. Never waits.

        Raises:
            SpoolError: this system has no such locks.
            OSError: the file cannot be made or opened.
        """
        try:
            import fcntl
        except ImportError as error:
            raise SpoolError(
                "The local spool needs the file locks of a POSIX system.",
                remedy="Run on Linux, macOS or BSD, or do without a spool.",
            ) from error
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(path, flags, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        except BaseException:
            os.close(fd)
            raise
        if not _is_file(path, fd):
            # Whoever had it removed it between our opening and our locking.
            os.close(fd)
            return None
        return cls(path, fd)

    def release(self) -> None:
        """Let go of it. Idempotent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def _is_file(path: Path, fd: int) -> bool:
    try:
        there = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    ours = os.fstat(fd)
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def _let_go_in_child() -> None:
    # Closing leaves the parent's lock alone; keeping it open would hold it beyond the
    # parent's death, and nobody could adopt what the parent left.
    for lock in list(_held):
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_child)
