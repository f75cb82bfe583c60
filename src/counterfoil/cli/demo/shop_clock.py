"""The demo's clock: a year goes by in seconds."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from counterfoil.record.instant import to_micros


class ShopClock:
    """A clock that is put forward from event to event, so that recording times are the shop's.

    Satisfies ``counterfoil.clock.Clock``.
    """

    def __init__(self, moment: datetime) -> None:
        self._now = to_micros(moment)

    def put_forward(self, moment: datetime) -> None:
        """Set it to a moment; it never goes back."""
        self._now = max(self._now, to_micros(moment))

    def now(self) -> int:
        return self._now

    def event_id(self) -> str:
        """A UUIDv7 of the shop's time (RFC 9562 section 5.7)."""
        high = self._now // 1000 << 16 | 0x7000 | secrets.randbits(12)
        return str(UUID(int=high << 64 | 0b10 << 62 | secrets.randbits(62)))
