"""Time and identifiers, behind one small Protocol so that tests can fix both."""

from __future__ import annotations

import time
from typing import Protocol

import uuid_utils


class Clock(Protocol):
    """Where the log takes its times and its event ids from."""

    def now(self) -> int:
        """Microseconds since the Unix epoch, UTC."""
        ...

    def event_id(self) -> str:
        """A new UUIDv7 (RFC 9562 section 5.7) in lower-case text."""
        ...


class SystemClock:
    """The operating system's clock and random UUIDv7 ids."""

    def now(self) -> int:
        return time.time_ns() // 1000

    def event_id(self) -> str:
        return str(uuid_utils.uuid7())


SYSTEM_CLOCK: Clock = SystemClock()
