"""An event id that comes again: the same event once, another one never in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil import AuditLog
from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.errors import ConflictError


async def test_another_event_under_a_used_id_is_refused_and_recorded_as_a_conflict(
    tmp_path: Path,
) -> None:
    event_id = SYSTEM_CLOCK.event_id()
    async with AuditLog.open(f"sqlite:///{tmp_path}/audit.db") as audit:
        assert await audit.log_event("user_login", user_id="u-1", event_id=event_id) == event_id
        assert await audit.log_event("user_login", user_id="u-1", event_id=event_id) == event_id
        with pytest.raises(ConflictError) as refused:
            await audit.log_event("user_login", user_id="u-2", event_id=event_id)

        assert refused.value.event_id == event_id
        events = [event async for event in audit.events()]
        assert [event.type for event in events] == ["user_login", "audit.conflict"]
        assert events[0].user_id == "u-1"
        assert events[1].level.value == "critical"
        assert events[1].audit == {"kind": "conflict", "event_id": event_id}
        assert (await audit.verify()).ok


async def test_a_retry_without_its_ambient_details_is_the_same_event(tmp_path: Path) -> None:
    event_id = SYSTEM_CLOCK.event_id()
    async with AuditLog.open(f"sqlite:///{tmp_path}/audit.db") as audit:
        await audit.log_event("user_login", user_id="u-1", details={"n": 1}, event_id=event_id)
        await audit.log_event("user_login", user_id="u-1", event_id=event_id)
        assert await audit.count() == 1
