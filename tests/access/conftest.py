"""A keyring on a log, under a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from counterfoil import AuditLog
from counterfoil.access import Services
from tests.moved_clock import MovedClock


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def services(clock: MovedClock) -> AsyncIterator[Services]:
    async with AuditLog.open("memory:") as audit:
        yield Services.of(audit, clock=clock)
