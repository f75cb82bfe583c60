"""Time and identifiers, behind one small Protocol so that tests can fix both."""

from __future__ import annotations

import time
import uuid
from hashlib import sha256
from typing import Final, Protocol

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

_MILLISECONDS: Final = 1 << 48


def id_of_report(made_at: int, *about: bytes) -> str:
    """The id of a report, the same whenever the same is reported: so it is recorded once.

    A UUIDv7 (RFC 9562 section 5.7) with a hash in its random bits.

    Args:
        made_at: when what it is about was made, milliseconds since the Unix epoch.
        about: what it is about, without lines in any part but the last.
    """
    time_bits = min(max(made_at, 0), _MILLISECONDS - 1).to_bytes(6, "big")
    raw = bytearray(time_bits + sha256(b"\n".join(about)).digest()[:10])
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(raw)))
