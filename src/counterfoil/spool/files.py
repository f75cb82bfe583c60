"""The few ways in which the spool changes its disk; nothing else in it does.

Each function down to :func:`put` is a single effect, so that a crash can be tried between
every two of them. They raise ``OSError``; :func:`told` turns it into an error of ours.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from counterfoil.errors import SpoolError, SpoolFullError

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
_CLOSED_ON_EXEC = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_sync_data = getattr(os, "fdatasync", os.fsync)

#: What a file is called until it takes the place of the one before.
NEW_SUFFIX = ".new"

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def make_folder(path: Path) -> None:
    """Make a folder that only its owner can use, unless it is there."""
    path.mkdir(mode=0o700, exist_ok=True)


def create(path: Path) -> int:
    """Make a file that only its owner can read; it must not be there. A descriptor to append."""
    return os.open(path, _NEW | _CLOSED_ON_EXEC, 0o600)


def write(fd: int, data: bytes) -> None:
    """Write all of it at the end of the file."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def cut(fd: int, size: int) -> None:
    """Cut a file off after ``size`` bytes."""
    os.ftruncate(fd, size)


def cut_file(path: Path, size: int) -> None:
    """Cut a file off after ``size`` bytes, durably."""
    fd = os.open(path, os.O_WRONLY | _CLOSED_ON_EXEC)
    try:
        cut(fd, size)
        sync(fd)
    finally:
        os.close(fd)


def sync(fd: int) -> None:
    """Return only once the file's content is on the disk."""
    _sync_data(fd)


def sync_folder(path: Path) -> None:
    """Return only once the folder's names are on the disk."""
    fd = os.open(path, os.O_RDONLY | _CLOSED_ON_EXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def replace(source: Path, target: Path) -> None:
    """Give a file another one's name and place, at once."""
    source.replace(target)


def remove(path: Path) -> None:
    """Remove a file, if it is there."""
    path.unlink(missing_ok=True)


def remove_folder(path: Path) -> None:
    """Remove an empty folder."""
    path.rmdir()


def put(path: Path, data: bytes) -> None:
    """Write a file whole: after a crash it holds all of this, or what it held before."""
    new = path.with_name(path.name + NEW_SUFFIX)
    remove(new)
    fd = create(new)
    try:
        write(fd, data)
        sync(fd)
    finally:
        os.close(fd)
    replace(new, path)
    sync_folder(path.parent)


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Raise a failure of the disk as an error of ours.

    Args:
        doing: what failed, as the end of "The spool …".

    Raises:
        SpoolFullError: there is no room. SpoolError: any other failure of the disk.
    """
    try:
        yield
    except OSError as error:
        raise failure(doing, error) from error


def failure(doing: str, error: OSError) -> SpoolError:
    """A failure of the disk as an error of ours."""
    reason = f"The spool {doing}: {os.strerror(error.errno or errno.EIO)}."
    if error.errno in _NO_ROOM:
        return SpoolFullError(reason)
    return SpoolError(reason, remedy="Look at the disk and the permissions of the spool's folder.")
