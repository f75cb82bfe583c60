"""Signals: live streams learn of the end when the web server does.

A web server that is told to end waits for open answers before it tells the application. Answers
that go on for ever would keep it waiting, so the application listens too.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def noticed(closing: asyncio.Event) -> Iterator[None]:
    """Set an event on SIGTERM and SIGINT, before the handlers that are there already run."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    earlier = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def handle(number: int, frame: FrameType | None) -> Any:
        loop.call_soon_threadsafe(closing.set)
        before = earlier[signal.Signals(number)]
        if callable(before):
            return before(number, frame)
        return None

    # The default action of a signal is the process's end: that is left to be.
    theirs = [number for number, before in earlier.items() if callable(before)]
    for number in theirs:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in theirs:
            if signal.getsignal(number) is handle:
                signal.signal(number, earlier[number])
