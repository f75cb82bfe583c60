"""Events as they would be read back, without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from counterfoil.base import AuditLogLevel
from counterfoil.record import Event

NOON = datetime(2026, 11, 2, 12, 3, 11, tzinfo=UTC)


def event(event_type: str, **fields: Any) -> Event:
    """An event of a known user, unless the fields say otherwise."""
    given: dict[str, Any] = {
        "id": "01920000-0000-7000-8000-000000000000",
        "log": "default",
        "index": 0,
        "level": AuditLogLevel.INFO,
        "outcome": "success",
        "occurred_at": NOON,
        "recorded_at": NOON,
        "actor_kind": "user",
        "user_id": "u-42",
    }
    return Event(type=event_type, **{**given, **fields})
