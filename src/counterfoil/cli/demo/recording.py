"""Writing the shop's year through the public interface."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from counterfoil import AuditEventType, AuditLog
from counterfoil.cli.terminal import progress

from .shop import DAYS, Shop
from .shop_clock import ShopClock

#: Days after the last visit until which its order is packed, and one to spare.
_AFTERMATH = 2


class Recorded(NamedTuple):
    """What was written.

    Attributes:
        events: how many.
        types: of how many types.
        event_id: the newest change of a price.
    """

    events: int
    types: int
    event_id: str


async def record_year(url: str) -> Recorded:
    """Record the year that ends today, each event committed before the next is made."""
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start -= timedelta(days=DAYS + _AFTERMATH)
    calls = Shop(start).year()
    clock = ShopClock(start)
    event_id = ""
    async with AuditLog.open(url, clock=clock, checkpoint_interval=1.0) as audit:
        with progress() as shown:
            for call in shown.track(calls, description="Recording"):
                clock.put_forward(call.moment)
                recorded = await audit.log_event(**call.arguments)
                if call.arguments["event_type"] is AuditEventType.PRICE_CHANGED:
                    event_id = recorded
    types = {call.arguments["event_type"] for call in calls}
    return Recorded(len(calls), len(types), event_id)


async def verifier_key(url: str) -> str:
    """The key that verifies the log's checkpoints."""
    async with AuditLog.open(url, checkpoint_interval=None) as audit:
        return str((await audit.checkpoint("default")).verifier_key)
