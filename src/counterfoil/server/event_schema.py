"""The shape of an event that a writer sends, for the API's description.

It says what ``event_call`` reads; a test has answers compared with it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from .schema import Level, Outcome, Shape


class ContextShape(Shape):
    """The contract's `AuditContext`."""

    user_id: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None
    session_id: str | None = None
    request_id: str | None = None
    company_id: str | None = None
    resource_id: str | None = None
    resource_type: str | None = None
    before_state: dict[str, Any] | None = None
    after_state: dict[str, Any] | None = None
    changes: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None


class OptionsShape(Shape):
    """The contract's `AuditOptions`."""

    include_request_body: bool = False
    sensitive_fields: list[str] = Field([], max_length=1_000)
    anonymize_data: bool = False
    capture_before_after: bool = False
    retention_period: int = Field(90, ge=0, lt=1 << 31)


class NewEvent(Shape):
    """The arguments of `log_event`, by name."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event_type": "price_changed",
                    "user_id": "u-42",
                    "resource_type": "product",
                    "resource_id": "p-9",
                    "details": {"reason": "supplier"},
                    "context": {
                        "company_id": "c-1",
                        "before_state": {"price": "12.50"},
                        "after_state": {"price": "13.00"},
                    },
                }
            ]
        }
    )

    event_type: str
    user_id: str | None = None
    ip_address: str | None = None
    resource_id: str | None = None
    resource_type: str | None = None
    details: dict[str, Any] | None = None
    context: ContextShape | None = None
    level: Level | None = None
    options: OptionsShape | None = None
    event_id: str | None = Field(None, description="A UUIDv7 of your own: a retry is safe.")
    occurred_at: datetime | None = Field(None, description="RFC 3339, with its zone.")
    outcome: Outcome | None = None
    subjects: list[str] | None = Field(None, max_length=1_000)
    log: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    on_behalf_of: str | None = None
    impersonator: str | None = None
