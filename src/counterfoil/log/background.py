"""An event loop in a thread of its own, for callers that have none."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future, wait
from typing import Any, TypeVar

from counterfoil.errors import ClosedError, ConfigurationError, ForkedError

R = TypeVar("R")

PATIENCE = 1.0
"""Seconds that calls which are under way may go on while the loop is stopped."""


class BackgroundLoop:
    """Runs coroutines in a daemon thread and waits for their results.

    Each runs in a copy of the calling thread's context, so that the ambient context of the
    caller is seen.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._stopped = False
        #: Calls whose threads wait.
        self._running: set[Future[Any]] = set()
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
            with self._lock:
                if self._stopped:
                    raise ClosedError
                call = asyncio.run_coroutine_threadsafe(work, self._loop)
                self._running.add(call)
        except Exception:
            work.close()
            raise
        try:
            return call.result()
        except CancelledError:
            if self._stopped:
                raise ClosedError from None
            raise
        finally:
            self._running.discard(call)

    @property
    def stopped(self) -> bool:
        """Whether it was stopped by this process."""
        return self._stopped and os.getpid() == self._pid

    def stop(self) -> None:
        """Stop the loop and wait for its thread. Idempotent.

        Who waits for a call that does not end within a second is told that the log is closed:
        a loop that does not run answers nobody.
        """
        if self.stopped:
            self._thread.join()
            return
        self._check()
        with self._lock:
            self._stopped = True
            running = set(self._running)
        for call in wait(running, timeout=PATIENCE).not_done:
            call.cancel()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _check(self) -> None:
        if os.getpid() != self._pid:
            raise ForkedError
        if self._stopped:
            raise ClosedError
        if threading.current_thread() is self._thread:
            raise ConfigurationError(
                "The sync facade was called from its own event loop.",
                remedy="Use the async AuditLog inside coroutines.",
            )
