"""Small files beside the database: written whole, synced, and under a lock."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from secrets import token_hex

if os.name == "nt":
    import msvcrt

    def _lock(descriptor: int, *, wait: bool) -> None:
        mode = msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK  # type: ignore[attr-defined,unused-ignore]
        msvcrt.locking(descriptor, mode, 1)  # type: ignore[attr-defined,unused-ignore]

else:
    import fcntl

    def _lock(descriptor: int, *, wait: bool) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


#: Seconds between two tries to take a lock that another process holds.
_PAUSE = 0.01


def write_durably(path: Path, data: bytes, mode: int) -> None:
    """Write a file whole or not at all; when this returns, it is synced.

    The rights are never wider than ``mode``, not even for a moment. What a crash leaves
    behind is the old file, and at most a temporary one beside it.

    Raises:
        OSError: the folder cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.{token_hex(4)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a folder's names durable, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, mode: int = 0o600) -> Iterator[None]:
    """Hold a lock file; other processes and tasks wait. A crash lets go of it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, mode)
    try:
        _lock(descriptor, wait=True)
        yield
    finally:
        os.close(descriptor)


@asynccontextmanager
async def locked_async(path: Path, mode: int = 0o600) -> AsyncIterator[None]:
    """As :func:`locked`, for the event loop: it tries again and again.

    No thread waits for the lock: whoever holds it may need one to get on.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, mode)
    try:
        while True:
            try:
                _lock(descriptor, wait=False)
                break
            except (BlockingIOError, PermissionError):
                await asyncio.sleep(_PAUSE)
        yield
    finally:
        os.close(descriptor)
