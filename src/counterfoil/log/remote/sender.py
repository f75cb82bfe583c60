"""The sender: events gather in a bounded queue and go to the server a request at a time.

One request is on its way at any time, so that events arrive in the order of their calls. What
gathers meanwhile goes with the next one. A request that fails is tried once more where that may
help; then it and all that waits behind it is given up together, in order: to the spool, or back
to the callers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from counterfoil.errors import (
    AccessError,
    ConflictError,
    CounterfoilError,
    KeyRefusedError,
    RefusedError,
    StoreError,
    StoreUnavailableError,
    WriteError,
)
from counterfoil.log.backend import Abandoned
from counterfoil.log.limits import Limits
from counterfoil.log.write.queue import WriteQueue
from counterfoil.log.write.waiting import Waiting
from counterfoil.log.write.writer import write_error
from counterfoil.record.entry import UntimedEntry

from .drafts import Drafts, Sent, is_failure
from .standing import Standing

#: The part of the time limit within which a request may be tried again.
_PATIENCE: Final = 0.5


class UntakenError(Exception):
    """The server will never take an event of the spool with this access key."""


class Sender(WriteQueue):
    """The queue of a log on a server.

    Args:
        drafts: sends events.
        standing: whether the server takes the access key.
        limits: bounds of the queue and of waiting.
        abandoned: as in ``WriteQueue``.
    """

    FLIGHTS = 1

    def __init__(
        self, drafts: Drafts, standing: Standing, limits: Limits, abandoned: Abandoned
    ) -> None:
        super().__init__(limits, abandoned)
        self._drafts = drafts
        self._standing = standing

    async def append(self, entries: Sequence[UntimedEntry]) -> list[int]:
        """Send a group past the queue, for the drain; the places of those that are in conflict.

        Raises:
            CounterfoilError: the server is away, or refuses the access key; what it has of the
                group is found again.
            UntakenError: it refuses one of the group for good.
        """
        sent = await self._try(entries)
        if sent.failure is not None:
            raise sent.failure
        for error in sent.errors:
            if error is not None and not isinstance(error, ConflictError):
                raise UntakenError from error
        return [place for place, error in enumerate(sent.errors) if error is not None]

    async def _carry(self, batch: Waiting) -> None:
        try:
            sent = await self._send(batch.entries)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, callers must hear of it
            failure = StoreError(f"Sending failed unexpectedly ({type(error).__name__}).")
            failure.__cause__ = error
            failure.outcome_known = False
            sent = Sent([failure] * len(batch), failure)
        failures = {place: one for place, one in enumerate(sent.errors) if one is not None}
        batch.answer(but=failures)
        refused = Waiting()
        errors: dict[int, CounterfoilError] = {}
        for place, one in failures.items():
            refused.add(batch.entries[place], batch.futures[place], batch.queued_at[place])
            errors[id(batch.entries[place])] = one
        self._tell(refused, lambda entry: told(entry, errors[id(entry)]))
        if sent.failure is not None:
            self._give_up(sent.failure)

    async def _send(self, entries: Sequence[UntimedEntry]) -> Sent:
        deadline = self._loop.time() + self._limits.write_timeout * _PATIENCE
        sent = await self._try(entries)
        tried = False
        while (pause := _pause(sent, tried=tried)) is not None:
            if self._loop.time() + pause > deadline:
                break
            tried = True
            await asyncio.sleep(pause)
            done = sent.errors.index(sent.failure)
            again = await self._try(entries[done:])
            sent = Sent(sent.errors[:done] + again.errors, again.failure)
        return sent

    async def _try(self, entries: Sequence[UntimedEntry]) -> Sent:
        """Send once, unless it is known that the access key is refused."""
        refusal = self._standing.refusal
        if refusal is not None and self._standing.is_waiting:
            return Sent([refusal] * len(entries), refusal)
        sent = await self._drafts.send(entries)
        if isinstance(sent.failure, AccessError):
            self._standing.refused(sent.failure)
            refusal = self._standing.refusal
            sent.errors = [refusal if one is sent.failure else one for one in sent.errors]
            sent.failure = refusal
        elif sent.failure is None and entries:
            self._standing.taken()
        return sent

    def _give_up(self, failure: CounterfoilError) -> None:
        """Refuse all that waits: none of it is to pass what was given up before it."""
        waiting = self._queue.cut(len(self._queue))
        self._queued_bytes -= waiting.size
        self._tell(waiting, lambda entry: told(entry, failure, sent=False))
        self._let_in()


def told(entry: UntimedEntry, error: CounterfoilError, *, sent: bool = True) -> WriteError:
    """What the caller of an event that failed is told.

    Args:
        sent: whether it was sent at all.
    """
    if isinstance(error, ConflictError):
        return ConflictError(error.message, remedy=error.remedy, event_id=entry.event_id)
    if isinstance(error, RefusedError) or not is_failure(error):
        kind = type(error) if isinstance(error, RefusedError) else RefusedError
        refusal = kind(error.message, remedy=error.remedy, event_id=entry.event_id)
        refusal.__cause__ = error
        return refusal
    if isinstance(error, AccessError):
        return write_error(entry, error, kind=KeyRefusedError)
    known = error.outcome_known if isinstance(error, (StoreError, WriteError)) else True
    return write_error(entry, error, known or not sent)


def _pause(sent: Sent, *, tried: bool) -> float | None:
    """Seconds after which it may help to send again what failed; None where it will not."""
    failure = sent.failure
    if not isinstance(failure, StoreUnavailableError):
        return None
    if failure.retry_after is not None:
        return failure.retry_after
    return None if tried else 0.0
