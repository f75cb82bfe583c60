"""Homes: the folder that a journal lives in, and whose it is.

Beside the folder stands its lock file. The lock is taken before the folder is made and
removed after it, so that a folder whose lock can be taken is a dead process's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from counterfoil.clock import SYSTEM_CLOCK

from . import files
from .lock import FileLock

LOCK_SUFFIX = ".lock"
QUARANTINE = "quarantine"
_NAME = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch


class Home:
    """A folder that this process holds.

    Attributes:
        name: a UUIDv7, so that names sort by age.
        path: the folder.
    """

    def __init__(self, root: Path, lock: FileLock) -> None:
        self.root = root
        self.name = lock.path.name.removesuffix(LOCK_SUFFIX)
        self.path = root / self.name
        self._lock = lock

    @property
    def key(self) -> bytes:
        """What the frames in this folder are bound to."""
        return self.name.encode()

    @classmethod
    def create(cls, root: Path) -> Home:
        """A new folder under ``root``, which is made where it is missing."""
        files.make_folder(root)
        files.sync_folder(root.parent)
        lock = None
        while lock is None:
            # One that adopts may have come between the file and its lock: take another name.
            lock = FileLock.take(root / (SYSTEM_CLOCK.event_id() + LOCK_SUFFIX))
        home = cls(root, lock)
        try:
            files.make_folder(home.path)
            files.sync_folder(root)
        except BaseException:
            home.abandon()
            raise
        return home

    @classmethod
    def take(cls, root: Path, name: str) -> Home | None:
        """A folder that a dead process left, or None where its owner lives."""
        lock = FileLock.take(root / (name + LOCK_SUFFIX))
        return None if lock is None else cls(root, lock)

    def abandon(self) -> None:
        """Let go of a folder that could not be made."""
        try:
            files.remove(self._lock.path)
        finally:
            self._lock.release()

    def leave(self) -> None:
        """Let go of the folder and leave what is in it. Idempotent."""
        self._lock.release()

    def remove(self) -> None:
        """Remove the folder and let go of it. Whatever is not ours goes into quarantine."""
        if self.path.exists():
            for path in sorted(self.path.iterdir()):
                if path.suffix == files.NEW_SUFFIX:
                    files.remove(path)
                else:
                    self._set_aside(path)
            files.remove_folder(self.path)
            files.sync_folder(self.root)
        files.remove(self._lock.path)
        self._lock.release()

    def quarantine(self, label: str, data: bytes) -> Path:
        """Keep bytes that cannot be delivered, durably, for somebody to look at.

        Args:
            label: tells them from others of this home; the same label takes the same place.
        """
        folder = self._quarantine()
        path = folder / f"{self.name}.{label}"
        files.put(path, data)
        return path

    def quarantined(self) -> list[Path]:
        """What was kept of this home, in the order of names."""
        folder = self.root / QUARANTINE
        found = folder.glob(f"{self.name}.*") if folder.exists() else ()
        return sorted(path for path in found if path.suffix != files.NEW_SUFFIX)

    def _set_aside(self, path: Path) -> None:
        folder = self._quarantine()
        files.replace(path, folder / f"{self.name}.{path.name}")
        files.sync_folder(folder)

    def _quarantine(self) -> Path:
        folder = self.root / QUARANTINE
        files.make_folder(folder)
        files.sync_folder(self.root)
        return folder


def names(root: Path) -> Iterator[str]:
    """The names of all homes under ``root``, the oldest first, alive or not."""
    if root.exists():
        yield from sorted(
            {
                name
                for path in root.iterdir()
                if _NAME(name := path.name.removesuffix(LOCK_SUFFIX)) is not None
            }
        )
