"""The standing of the access key: whether the server takes it, and when to ask again.

A key that was revoked, has expired or may not write is refused for good, and only the server can
tell whether that has changed. So it is presented again after growing pauses: servers shut out an
address that presents a refused key too often, and others may work from the same one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from counterfoil.errors import AccessError, ThrottledError

#: The longest pause before a refused key is presented again, in seconds.
MAX_PAUSE: Final = 30.0
#: The shortest one.
_MIN_PAUSE: Final = 0.01

logger = logging.getLogger("counterfoil")


class Standing:
    """What the server makes of the access key.

    Args:
        retry_after: seconds before a refused key is presented again; each further time twice
            as many, up to ``MAX_PAUSE``.
        regained: called when the key is taken after it was refused.
    """

    def __init__(self, retry_after: float, regained: Callable[[], None]) -> None:
        self._regained = regained
        self._first = min(max(retry_after, _MIN_PAUSE), MAX_PAUSE)
        self._loop = asyncio.get_running_loop()
        self._pause = self._first
        self._again_at = 0.0
        #: Why the key is refused; None while it is not known to be.
        self.refusal: AccessError | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the key is refused, and is not to be presented again yet."""
        return self.refusal is not None and self._loop.time() < self._again_at

    def refused(self, error: AccessError) -> None:
        """The server has refused the key. It is said once, and again for another reason."""
        if self.refusal is None:
            self._pause = self._first
        else:
            self._pause = min(self._pause * 2, MAX_PAUSE)
        if isinstance(error, ThrottledError):
            self._pause = max(self._pause, min(float(error.retry_after), MAX_PAUSE))
            # So it answers keys that it refuses: why it refuses this one, it said before.
            error = self.refusal or error
        if self.refusal is None or str(self.refusal) != str(error):
            logger.error(
                "The server takes no events with this access key: %s Until it does, events that "
                "may wait are kept in the spool, where there is one, and all others are refused.",
                error,
            )
        self.refusal = error
        self._again_at = self._loop.time() + self._pause

    def taken(self) -> None:
        """The server has taken events with the key."""
        if self.refusal is not None:
            self.refusal = None
            self._regained()
            logger.warning("The server takes events with this access key again.")
