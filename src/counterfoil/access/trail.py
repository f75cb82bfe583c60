"""The trail: who read, and who changed what the log's readers may do, as events of the log.

A page view asks several questions, and a live tail asks all day. So the first question of a
key to a log is recorded at once, and what it asks in the quarter of an hour after that is
counted and recorded as one more event. Recording them asks nothing, so that nothing recurs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from counterfoil.clock import Clock
from counterfoil.errors import CounterfoilError, NotFoundError
from counterfoil.record.instant import SECOND

from .principal import Principal

if TYPE_CHECKING:
    from counterfoil.log.host import Host

    from .key import AccessKey

#: How long reads of one key, log and sort are counted together.
WINDOW: Final = 15 * 60 * SECOND
#: Different questions that are written down of one window; more are only counted.
MAX_QUESTIONS: Final = 20
#: Seconds that a reader waits for the event that tells of them.
PATIENCE: Final = 1.0
_MAX_OPEN: Final = 10_000

logger = logging.getLogger("counterfoil")


@dataclass(slots=True)
class _Window:
    """What one key read of one log since the event that began the window."""

    principal: Principal
    log: str
    what: str
    ends: int
    requests: int = 0
    events: int = 0
    questions: list[Any] = field(default_factory=list)


class Trail:
    """Records what is done with the log itself.

    Args:
        host: the log.
        clock: gives times.
        log: the log in which changes of keys stand.
    """

    def __init__(self, host: Host, clock: Clock, log: str = "default") -> None:
        self._host = host
        self._now = clock.now
        self._log = log
        self._open: dict[tuple[str | None, ...], _Window] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def read(
        self, principal: Principal, what: str, log: str, events: int, question: Any = None
    ) -> None:
        """Somebody read something.

        Args:
            what: ``query``, ``event``, ``proof``, ``stream`` and so on; ``viewer_token`` where
                a token to read by was made for them.
            log: the log that was read.
            events: how many events they saw.
            question: what they asked for, as plain JSON; redacted like any event's details.
        """
        person = _person(principal)
        key = (principal.key_id, log, what, principal.company, person)
        now = self._now()
        window = self._open.get(key)
        if window is not None and now < window.ends:
            window.requests += 1
            window.events += events
            fresh = question and question not in window.questions
            if fresh and len(window.questions) < MAX_QUESTIONS:
                window.questions.append(question)
            return
        if len(self._open) >= _MAX_OPEN:
            await self.flush()
        self._open[key] = _Window(principal, log, what, now + WINDOW)
        if window is not None:
            await self._close(window)
        await self._soon(
            self._write_read(principal, log, what, 1, events, [question] if question else [])
        )

    async def key_changed(self, what: str, key: AccessKey, by: Principal | None) -> None:
        """An access key was created, rotated or revoked.

        Raises:
            WriteError, StoreError: it could not be recorded; the change must not be made then.
        """
        await self._host.record(
            "audit.key",
            log=self._log,
            company_id=key.company,
            user_id=None if by is None else by.key_id,
            audit={"kind": f"access_key_{what}", "key": key.id, "role": key.role.value},
            details={"name": key.name, "logs": None if key.logs is None else list(key.logs)},
        )

    async def configured(self, what: str, settings: list[str]) -> None:
        """The server was started with other settings.

        Args:
            settings: the names of those that differ.

        Raises:
            WriteError, StoreError: it could not be recorded.
        """
        await self._host.record(
            "audit.config", log=self._log, audit={"kind": what, "settings": settings}
        )

    async def verified(self, principal: Principal, log: str, *, passed: bool) -> None:
        """Somebody had a log verified."""
        try:
            await self._host.record(
                "audit.verify",
                log=log,
                company_id=principal.company,
                user_id=principal.key_id,
                audit={"kind": "verified", "passed": passed},
            )
        except CounterfoilError as error:
            # What was found is wanted most where the log can no longer be written to.
            logger.error("A verification was not recorded in the trail. %s", error)

    async def flush(self, *, expired: bool = False) -> None:
        """Record what was counted and is not recorded yet.

        Args:
            expired: only of windows that have ended.
        """
        now = self._now()
        ended = [key for key, window in self._open.items() if not expired or window.ends <= now]
        for window in [self._open.pop(key) for key in ended]:
            await self._close(window)
        if self._tasks and not expired:
            await asyncio.wait(self._tasks)

    async def _soon(self, writing: Coroutine[Any, Any, None]) -> None:
        """Wait for an event, but not for long: a reader is not to hang with the store."""
        task = asyncio.create_task(writing, name="counterfoil-trail")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.wait({task}, timeout=PATIENCE)

    async def _close(self, window: _Window) -> None:
        if window.requests:
            await self._write_read(
                window.principal,
                window.log,
                window.what,
                window.requests,
                window.events,
                window.questions,
            )

    async def _write_read(
        self,
        principal: Principal,
        log: str,
        what: str,
        requests: int,
        events: int,
        questions: list[Any],
    ) -> None:
        person = _person(principal)
        details: dict[str, Any] = {"questions": questions} if questions else {}
        if person:
            details["person"] = person
        try:
            await self._host.record(
                "audit.read",
                log=await self._beside(log),
                company_id=principal.company,
                user_id=principal.key_id,
                audit={
                    "kind": what,
                    "key": principal.key_id,
                    "requests": requests,
                    "events": events,
                },
                details=details or None,
            )
        except CounterfoilError as error:
            # Reading goes on while the log cannot be written to: it may be all that is left.
            logger.error("A read was not recorded in the trail. %s", error)

    async def _beside(self, log: str) -> str:
        """Where it is recorded that a log was asked: one that is not there is not made by that."""
        if log != self._log:
            try:
                await self._host.size(log)
            except NotFoundError:
                return self._log
        return log


def _person(principal: Principal) -> str:
    """Who looks through a viewer token, as the application said."""
    return "" if principal.viewing is None else principal.viewing.person
