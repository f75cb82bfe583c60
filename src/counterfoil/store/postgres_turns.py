"""Turns of the processes that write to one log.

Where several do, the head would go from one to the next at each batch, and wait each time until
that process has come to itself, while the others build batches in vain. In a turn a process writes
as if it were alone, for a moment. A turn is a courtesy and protects nothing: the head's row does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress

from .interface import Head
from .postgres_error import FAILURES
from .postgres_session import Sessions
from .statement import read_statement

#: Seconds that a turn lasts where there is more to write.
_LENGTH = 0.03
#: Milliseconds to wait for a turn. Who has it may have been stopped.
_PATIENCE = 1_000
#: Seconds to write without turns, where there was none to be had.
_PAUSE = 5.0


class Turns:
    """This process's turn, at one log at a time.

    Args:
        sessions: connections of which a turn takes one.
        start: has work done to its end, also where the store is closed meanwhile.
    """

    def __init__(
        self, sessions: Sessions, start: Callable[[Awaitable[None]], asyncio.Task[None]]
    ) -> None:
        self._sessions = sessions
        self._start = start
        self._log: str | None = None
        self._over_at = 0.0
        self._again_at = 0.0
        self._held: AsyncExitStack | None = None
        self._ending: asyncio.Task[None] | None = None

    def has(self, log: str) -> bool:
        """Whether it is this process's turn at a log, or was until a moment ago."""
        return self._held is not None and self._log == log

    @property
    def is_over(self) -> bool:
        """Whether others should have their turn."""
        return asyncio.get_running_loop().time() >= self._over_at

    async def take(self, log: str) -> Head | None:
        """Wait for a turn at a log.

        Returns:
            The log's head, with its tail, as the one before has left it. None where there is no
            turn to be had: it is to be written without.
        """
        loop = asyncio.get_running_loop()
        if self._log is not None or loop.time() < self._again_at:
            return None
        self._log = log
        try:
            if self._ending is not None:
                await asyncio.wait({self._ending})
            async with AsyncExitStack() as stack:
                session = await stack.enter_async_context(self._sessions.one())
                await stack.enter_async_context(session.transaction(isolation="read_committed"))
                row = await session.fetchrow(
                    read_statement("postgres", "take_turn"), log, _PATIENCE
                )
                if row is not None:
                    self._held = stack.pop_all()
        except FAILURES:
            self._again_at = loop.time() + _PAUSE
            return None
        finally:
            if self._held is None:
                self._log = None
        if row is None:
            return None
        self._over_at = loop.time() + _LENGTH
        log, number, origin, size, recorded_at, frontier, sealed, tail = row
        return Head(log, number, origin, size, recorded_at, frontier, tail or b"", sealed)

    def end(self) -> None:
        """Let others write. What this process has sent must have been answered."""
        if self._held is not None:
            self._ending = self._start(self._end(self._held))
            self._held = self._log = None

    async def _end(self, held: AsyncExitStack) -> None:
        # A connection that is lost has ended the turn, too.
        with suppress(*FAILURES):
            await held.aclose()
