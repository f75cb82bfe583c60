"""An event loop in a thread of its own, for callers that have none."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from counterfoil.errors import ClosedError, ConfigurationError, ForkedError

R = TypeVar("R")


class BackgroundLoop:
    """Runs coroutines in a daemon thread and waits for their results.

    Each runs in a copy of the calling thread's context, so that the ambient context of the
    caller is seen.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="counterfoil-loop", daemon=True
        )
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        """Run a coroutine to its end and return its result.

        Raises:
            ClosedError: the loop was stopped. ForkedError: it was started in the parent.
            ConfigurationError: called from the loop's own thread, which would wait for itself.
        """
        try:
            self._check()
        except Exception:
            work.close()
            raise
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def stop(self) -> None:
        """Stop the loop and wait for its thread."""
        self._check()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _check(self) -> None:
        if os.getpid() != self._pid:
            raise ForkedError
        if self._loop.is_closed():
            raise ClosedError
        if threading.current_thread() is self._thread:
            raise ConfigurationError(
                "The sync facade was called from its own event loop.",
                remedy="Use the async AuditLog inside coroutines.",
            )
