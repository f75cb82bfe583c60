"""Power cuts: of what is on the disk, only what was synced is still there.

A process that is killed leaves what it wrote in the system's memory; a power cut does not.
So the disk is modelled: a file has the content of its last sync, a folder the names of its
last sync, and after a cut that is all.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from counterfoil.spool import Spool, files

from .delivery import adopt_all
from .process import EFFECTS

GROUPS = [[b"a", b"b"], [b"c" * 5000], [b"d", b"e", b"f"], [b"g" * 5000], [b"h"]]
ALL = [record for group in GROUPS for record in group]


class Disk:
    """What would be left below ``top`` if the power went now."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self._born = 0
        #: Inodes are used again; each file gets a number of its own when it is made.
        self._files: dict[int, int] = {}
        self._paths: dict[int, Path] = {}
        self._contents: dict[int, bytes] = {}
        self._folders: dict[Path, dict[str, int | None]] = {}

    def watch(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """An effect that is noted once it is done."""

        def effect(*args: Any) -> Any:
            result = real(*args)
            if name == "create":
                self._born += 1
                inode = os.fstat(result).st_ino
                self._files[inode], self._paths[inode] = self._born, args[0]
            elif name == "sync":
                inode = os.fstat(args[0]).st_ino
                self._contents[self._files[inode]] = self._paths[inode].read_bytes()
            elif name == "sync_folder":
                self._folders[args[0]] = {
                    entry.name: None if entry.is_dir() else self._files.get(entry.stat().st_ino, 0)
                    for entry in args[0].iterdir()
                }
            return result

        return effect

    def left(self) -> dict[Path, bytes | None]:
        """Every path that is left, with its content; None for a folder."""
        found: dict[Path, bytes | None] = {}

        def add(folder: Path) -> None:
            for name, number in self._folders.get(folder, {}).items():
                path = folder / name
                found[path.relative_to(self.top)] = (
                    None if number is None else self._contents.get(number, b"")
                )
                if number is None:
                    add(path)

        add(self.top)
        return found


class Cut(NamedTuple):
    """What was left before an effect, and what was promised until then."""

    left: dict[Path, bytes | None]
    kept: int
    done: int
    delivered: int


def restore(left: dict[Path, bytes | None], top: Path) -> None:
    top.mkdir()
    for path, content in left.items():
        if content is None:
            (top / path).mkdir()
        else:
            (top / path).write_bytes(content)


def test_no_promise_is_broken_whenever_the_power_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "disk"
    top.mkdir()
    disk = Disk(top)
    cuts: list[Cut] = []
    kept = done = delivered = 0

    def cutting(real: Callable[..., Any]) -> Callable[..., Any]:
        def effect(*args: Any) -> Any:
            cuts.append(Cut(disk.left(), kept, done, delivered))
            return real(*args)

        return effect

    for name in EFFECTS:
        monkeypatch.setattr(files, name, cutting(disk.watch(name, getattr(files, name))))
    spool = Spool(top / "spool", segment_bytes=4096)
    for group in GROUPS:
        spool.append(group)
        kept += len(group)
        (journal,) = spool.journals()
        delivered += len(records := journal.read(1))
        journal.done(records[-1].position)
        done = delivered
    cuts.append(Cut(disk.left(), kept, done, delivered))
    spool.close()
    monkeypatch.undo()

    assert len(cuts) > 40
    for number, cut in enumerate(cuts):
        place = tmp_path / str(number)
        restore(cut.left, place)
        found, recoveries = adopt_all(place / "spool")
        assert [recovery.lost_records for recovery in recoveries] == [0] * len(recoveries)
        start = next(at for at in (cut.done, cut.delivered) if ALL[at : at + len(found)] == found)
        assert start + len(found) >= cut.kept
