"""A guard: one thread at a time, in the process that opened, until it is closed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from counterfoil.errors import ClosedError, ForkedError

from . import files


class Guard:
    """Stands before everything that a journal or a spool is asked to do."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self.closed = False

    @contextmanager
    def enter(self, doing: str) -> Iterator[None]:
        """Let the caller in alone.

        Args:
            doing: what failed where the disk does, as the end of "The spool …".

        Raises:
            ForkedError: this is a child of the process that opened.
            ClosedError: it was closed.
            SpoolError: the disk failed.
        """
        # Before the lock: in a child it may be held by a thread that is not there.
        if os.getpid() != self._pid:
            raise ForkedError("The spool was opened before fork(), in the parent process.")
        with self._lock, files.told(doing):
            if self.closed:
                raise ClosedError("The spool is closed.")
            yield
