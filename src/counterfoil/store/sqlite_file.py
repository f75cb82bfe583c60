"""New SQLite files: for the eyes of their owner alone."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp


def make_private(path: Path) -> None:
    """Make an empty file that only its owner may read or write, where there is none.

    SQLite gives new files the rights that the process's umask leaves, which for most means that
    everybody may read them, and the files beside a database the rights of the database. A file
    that is there already keeps its own.

    Where none can be made nothing happens: SQLite fails likewise, and says why.
    """
    if path.exists():
        return
    with suppress(OSError):
        # Never opened by its own name: whoever closes a file lets go of all of the process's
        # locks on it, and another thread may have opened it by then.
        descriptor, temporary = mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.close(descriptor)
        try:
            os.link(temporary, path)
        finally:
            Path(temporary).unlink()
