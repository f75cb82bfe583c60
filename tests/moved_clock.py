"""The system's clock, moved by what a test says."""

from __future__ import annotations

from counterfoil.clock import SYSTEM_CLOCK


class MovedClock:
    """As many microseconds ahead of the system's clock as a test says."""

    def __init__(self) -> None:
        self.ahead = 0

    def now(self) -> int:
        return SYSTEM_CLOCK.now() + self.ahead

    def event_id(self) -> str:
        return SYSTEM_CLOCK.event_id()
