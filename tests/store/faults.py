"""An SQLite VFS that fails where it is told to: a full disk, a broken one, a read-only file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import apsw

_NUMBERS = count()


@dataclass
class Faults:
    """What fails.

    Attributes:
        name: the VFS to open files through.
        write, sync: the error that these calls raise from now on, or None.
        after: how many of these calls go well before.
        read_only: whether files are opened for reading only.
        calls: how many writes and syncs there were.
    """

    name: str
    write: type[apsw.Error] | None = None
    sync: type[apsw.Error] | None = None
    after: int = 0
    read_only: bool = False
    calls: int = 0

    def meet(self, error: type[apsw.Error] | None) -> None:
        self.calls += 1
        if error is None:
            return
        if self.after == 0:
            raise error
        self.after -= 1

    def end(self) -> None:
        """From now on everything goes well."""
        self.write = self.sync = None
        self.after = 0


class _File(apsw.VFSFile):
    def __init__(self, faults: Faults, name: Any, flags: list[int]) -> None:
        self._faults = faults
        super().__init__("", name, flags)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        self._faults.meet(self._faults.write)
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._faults.meet(self._faults.sync)
        super().xSync(flags)

    def excepthook(self, *error: object) -> bool:
        """The error comes back from SQLite; it need not be shown here."""
        return True


class _Disk(apsw.VFS):
    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        super().__init__(faults.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        if self._faults.read_only and flags[0] & apsw.SQLITE_OPEN_READWRITE:
            raise apsw.CantOpenError
        return _File(self._faults, name, flags)

    def excepthook(self, *error: object) -> bool:
        """The error comes back from SQLite; it need not be shown here."""
        return True


@contextmanager
def faults() -> Iterator[Faults]:
    """A VFS that works until it is told otherwise."""
    found = Faults(f"faults-{next(_NUMBERS)}")
    disk = _Disk(found)
    yield found
    disk.unregister()
