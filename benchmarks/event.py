"""The event that is measured: one fixed, everyday change of a record, about 1.1 KiB stored."""

from __future__ import annotations

from collections.abc import Awaitable

from counterfoil.base import AuditContext, AuditEventType
from counterfoil.log import AuditLog

CONTEXT = AuditContext(
    user_id="u-20417",
    ip_address="192.0.2.44",
    user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    session_id="s-0197f6a3c1d27b4e",
    request_id="req-8f14e45fceea167a",
    company_id="acme-eu",
    resource_id="product-58213",
    resource_type="product",
    before_state={"price": "39.90", "active": True},
    after_state={"price": "42.50", "active": True},
)
DETAILS = {"reason": "supplier raised prices", "ticket": "T-10243"}


def record(audit: AuditLog, log: str | None = None) -> Awaitable[str]:
    """Record the event once."""
    return audit.log_event(AuditEventType.PRICE_CHANGED, details=DETAILS, context=CONTEXT, log=log)
