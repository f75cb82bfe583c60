"""Rates: how many requests a key may make, told by headers (RateLimit header fields).

Counted in each process by itself: several workers together let through as many times more.
"""

from __future__ import annotations

import time
from typing import Any, Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from counterfoil.access import Permission, Principal

from .problem import ProblemError

_MINUTE: Final = 60


class Rates:
    """Counts the requests of each key, and of each viewer token, by the minute.

    Args:
        reads: requests a minute that one key may read and manage with; 0 for any number.
        writes: the same for writing.
    """

    def __init__(self, reads: int, writes: int) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._items = {
            False: RateLimitItemPerMinute(reads) if reads else None,
            True: RateLimitItemPerMinute(writes) if writes else None,
        }

    def count(self, principal: Principal, permission: Permission | None) -> dict[str, str]:
        """Count a request; the headers that tell what is left.

        Raises:
            ProblemError: nothing is.
        """
        item = self._items[permission is Permission.WRITE]
        if item is None:
            return {}
        allowed = self._limiter.hit(item, principal.id)
        reset, left = self._limiter.get_window_stats(item, principal.id)
        seconds = max(1, -(-int((reset - time.time()) * 1000) // 1000))
        headers: dict[str, Any] = {
            "RateLimit-Limit": str(item.amount),
            "RateLimit-Remaining": str(left),
            "RateLimit-Reset": str(seconds),
            "RateLimit-Policy": f"{item.amount};w={_MINUTE}",
        }
        if not allowed:
            raise ProblemError(
                "rate_limited",
                f"At most {item.amount:,} requests a minute for each key.",
                headers={**headers, "Retry-After": str(seconds)},
            )
        return headers
