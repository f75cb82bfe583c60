"""The spool's disk, that can be told to fail and to hang."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from counterfoil.spool import files

from .flaky_store import PATIENCE


class SpoolDisk:
    """Stands before what the spool writes. Made in the event loop of the test."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._loop = asyncio.get_running_loop()
        self._errno: int | None = None
        self._going = threading.Event()
        self._going.set()
        self._hung = asyncio.Event()
        for name in ("create", "write", "sync"):
            patch.setattr(files, name, self._before(getattr(files, name)))

    def fail(self, errno: int) -> None:
        """From now on nothing can be written."""
        self._errno = errno

    def hang(self) -> None:
        """From now on nothing that is written ends."""
        self._hung.clear()
        self._going.clear()

    def heal(self) -> None:
        """From now on all is well, and what hangs goes on."""
        self._errno = None
        self._going.set()

    async def hung(self) -> None:
        """Wait until something hangs."""
        async with asyncio.timeout(PATIENCE):
            await self._hung.wait()

    def _before(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def effect(*args: Any) -> Any:
            if not self._going.is_set():
                self._loop.call_soon_threadsafe(self._hung.set)
                self._going.wait(PATIENCE)
            if self._errno is not None:
                raise OSError(self._errno, os.strerror(self._errno))
            return real(*args)

        return effect
