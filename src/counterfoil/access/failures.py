"""Failures: how often somebody presented what is no valid key, by where they are."""

from __future__ import annotations

from typing import Final

from counterfoil.clock import Clock
from counterfoil.errors import ThrottledError
from counterfoil.record.instant import SECOND

#: Failures that one address is allowed in a minute.
ALLOWED: Final = 30
WINDOW: Final = 60 * SECOND
_KEPT: Final = 10_000


class Failures:
    """Counts failed tries in this process, and slows down who tries on.

    Args:
        clock: gives times.
    """

    def __init__(self, clock: Clock) -> None:
        self._now = clock.now
        #: Address -> when its minute began, and failures in it.
        self._counts: dict[str, tuple[int, int]] = {}

    def note(self, address: str | None) -> None:
        """An address failed.

        It is asked only of those who failed: whoever presents a valid key is let in wherever
        they are, or one broken client would shut out all that share its address.

        Raises:
            ThrottledError: it failed too often.
        """
        now = self._now()
        key = address or ""
        began, count = self._counts.pop(key, (now, 0))
        if now >= began + WINDOW:
            began, count = now, 0
        if len(self._counts) >= _KEPT:
            self._counts.pop(next(iter(self._counts)))
        self._counts[key] = (began, count + 1)
        if count >= ALLOWED:
            error = ThrottledError("There were too many failed tries from this address.")
            error.retry_after = -(-(began + WINDOW - now) // SECOND)
            raise error
