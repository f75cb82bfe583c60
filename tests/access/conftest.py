"""A keyring on a log, under a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from counterfoil import AuditLog
from counterfoil.access import Services
from counterfoil.clock import SYSTEM_CLOCK


class MovedClock:
    """The system's clock, moved by what a test says."""

    def __init__(self) -> None:
        self.ahead = 0

    def now(self) -> int:
        return SYSTEM_CLOCK.now() + self.ahead

    def event_id(self) -> str:
        return SYSTEM_CLOCK.event_id()


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def services(clock: MovedClock) -> AsyncIterator[Services]:
    async with AuditLog.open("memory:") as audit:
        yield Services.of(audit, clock=clock)
