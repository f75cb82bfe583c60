"""An SQLite VFS that knows what a loss of power would leave of its files.

What is written goes to the real files at once, as it goes to an operating system's cache.
Beside them it keeps what is certain to be on the disk: a file's bytes up to its last sync.
At chosen moments it writes down one state that the disk might be found in: of what was not
synced, each write may be there, missing or torn, and in any order; a file that was deleted may
be back. What SQLite relies on, and no more, is taken for granted: a sync makes its file's bytes
durable, the first sync of a new journal or log its folder's names too, as SQLite's own VFS sees
to; and a sector is written whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import apsw

SECTOR = 512

_DURABLE = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL


@dataclass
class _Disk:
    """One file, as far as it is on the disk.

    Attributes:
        synced: its bytes at the last sync.
        writes: (offset, bytes) since then, with None for the bytes where it was cut there.
        named: whether its name is on the disk; ``ghost``: the deleted file that has it if not.
        deleted: whether it is gone, unless its name is still on the disk.
    """

    synced: bytearray = field(default_factory=bytearray)
    writes: list[tuple[int, bytes | None]] = field(default_factory=list)
    named: bool = False
    ghost: _Disk | None = None
    deleted: bool = False

    def sync(self) -> None:
        for offset, data in self.writes:
            _apply(self.synced, offset, data)
        self.writes.clear()

    def state(self, chance: Random) -> bytes | None:
        """What might be found of it, or None where there might be nothing."""
        if (self.deleted or not self.named) and chance.random() < 0.5:
            return None if self.ghost is None else self.ghost.state(chance)
        found = bytearray(self.synced)
        kept = chance.choice((0.0, 0.2, 0.5, 0.8, 1.0))
        writes = [write for write in self.writes if chance.random() < kept]
        if chance.random() < 0.5:
            chance.shuffle(writes)
        for offset, data in writes:
            if data is None or chance.random() < 0.8:
                _apply(found, offset, data)
                continue
            for start in range(-(offset % SECTOR), len(data), SECTOR):
                if chance.random() < 0.5:
                    first = max(start, 0)
                    _apply(found, offset + first, data[first : start + SECTOR])
        return bytes(found)


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data


class PowerCut(apsw.VFS):
    """The VFS.

    Args:
        name: to open files through.
        chance: decides when the power goes, and what is left.
        every: about how many writes and syncs lie between two losses.
        lost: called at each with what is left, by the file's path.
    """

    def __init__(
        self, name: str, chance: Random, every: int, lost: Callable[[dict[Path, bytes]], None]
    ) -> None:
        self.name = name
        self._disks: dict[Path, _Disk] = {}
        self._chance = chance
        self._every = every
        self._lost = lost
        super().__init__(name, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        if name is None or not flags[0] & _DURABLE:
            return _File(self, name, flags)
        path = Path(name if isinstance(name, str) else name.filename())
        held = path.read_bytes() if path.exists() else None
        file = _File(self, name, flags)
        if held is None:
            self._disks[path] = _Disk(ghost=self._disks.get(path))
        elif path not in self._disks:
            self._disks[path] = _Disk(bytearray(held), named=True)
        file.disk = self._disks[path]
        is_new = flags[0] & apsw.SQLITE_OPEN_CREATE and not flags[0] & apsw.SQLITE_OPEN_MAIN_DB
        file.names_folder = bool(is_new)
        return file

    def sync_names(self) -> None:
        """What is deleted stays so, and what is new keeps its name."""
        for path, disk in list(self._disks.items()):
            disk.named, disk.ghost = True, None
            if disk.deleted:
                del self._disks[path]

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        self.tick()
        super().xDelete(filename, syncdir)
        disk = self._disks.get(Path(filename))
        if disk is not None:
            disk.deleted = True
        if syncdir:
            self.sync_names()

    def tick(self) -> None:
        """Something is about to be written: perhaps the power goes here."""
        if self._chance.randrange(self._every) == 0:
            states = {path: disk.state(self._chance) for path, disk in self._disks.items()}
            self._lost({path: state for path, state in states.items() if state is not None})


class _File(apsw.VFSFile):
    """A file whose writes are kept track of.

    Attributes:
        disk: what is on the disk of it; None for a file that need not last.
        names_folder: whether the next sync makes the folder's names durable.
    """

    def __init__(self, vfs: PowerCut, name: Any, flags: list[int]) -> None:
        self._vfs = vfs
        self.disk: _Disk | None = None
        self.names_folder = False
        super().__init__("", name, flags)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        self._change(offset, bytes(data))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._change(size, None)
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        if self.disk is not None:
            self._vfs.tick()
            self.disk.sync()
            if self.names_folder:
                self._vfs.sync_names()
                self.names_folder = False
        super().xSync(flags)

    def _change(self, offset: int, data: bytes | None) -> None:
        if self.disk is not None:
            self._vfs.tick()
            self.disk.writes.append((offset, data))


@contextmanager
def power_cut(
    chance: Random, every: int, lost: Callable[[dict[Path, bytes]], None]
) -> Iterator[PowerCut]:
    """The VFS, registered for as long as the block lasts; see :class:`PowerCut`."""
    vfs = PowerCut(f"power-cut-{chance.getrandbits(64)}", chance, every, lost)
    try:
        yield vfs
    finally:
        vfs.unregister()
