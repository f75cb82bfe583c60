"""The bounds that keep a slow store, and large events, from hurting the application."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.errors import ConfigurationError
from counterfoil.policy.redaction import LIMIT
from counterfoil.spool.spool import MAX_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may wait, and for how long.

    Attributes:
        queue_events: events that may wait to be written, at least 1.
        queue_bytes: bytes that they may take together, at least 65,536.
        queue_timeout: seconds that a caller waits for room in a full queue.
        write_timeout: seconds from queueing to commit, after which a caller gets an error.
        batch_events: the most events in one transaction, 1 to 10,000.
        batch_logs: the most logs in one transaction, 1 to 64.
        retry_after: seconds after a failure before the store is tried again for what is
            spooled, and for events that could not be spooled either.
        replay_days: the oldest event id that a caller may give, in days.
        part_bytes: bytes of JSON that each part of an event may have (details, states, changes,
            metadata, body); of a larger one the largest members are left out, and marked. From
            1,024 to 16 MiB; an application's own ``chain`` has a limit of its own.
        spool_bytes: bytes that may wait in the spool's folder, of all processes together, at
            least 65,536; events beyond are refused, and counted.

    Raises:
        ConfigurationError: a limit is out of its range.
    """

    queue_events: int = 10_000
    queue_bytes: int = 64 * 1024 * 1024
    queue_timeout: float = 5.0
    write_timeout: float = 10.0
    batch_events: int = 256
    batch_logs: int = 64
    retry_after: float = 1.0
    replay_days: int = 30
    part_bytes: int = LIMIT
    spool_bytes: int = MAX_BYTES

    def __post_init__(self) -> None:
        ranges = {
            "queue_events": (1, 10_000_000),
            "queue_bytes": (65_536, 1 << 40),
            "queue_timeout": (0.0, 3600.0),
            "write_timeout": (0.001, 3600.0),
            "retry_after": (0.0, 3600.0),
            "batch_events": (1, 10_000),
            "batch_logs": (1, 64),
            "replay_days": (1, 3650),
            "part_bytes": (1_024, 16 * 1024 * 1024),
            "spool_bytes": (65_536, 1 << 40),
        }
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise ConfigurationError(
                    f"The limit {name} is out of range.",
                    remedy=f"Choose a value from {low} to {high}.",
                )
