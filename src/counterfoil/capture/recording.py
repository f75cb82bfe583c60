"""Recording around somebody else's code: what that code raised always comes first."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from counterfoil.errors import CounterfoilError

logger = logging.getLogger("counterfoil")

#: A loop holds its tasks weakly; these are still recording after their caller was cancelled.
_running: set[asyncio.Task[Any]] = set()


class EventLog(Protocol):
    """What records: an ``AuditLog``, a ``SyncAuditLog``, a bound logger, or a test's double.

    ``log_event`` takes the contract's parameters and ``outcome``.
    """

    @property
    def log_event(self) -> Callable[..., Any]: ...


LogSource = EventLog | Callable[[], EventLog]


def resolve(source: LogSource) -> EventLog:
    """The log itself, from the log or from a function that gives it."""
    return source if hasattr(source, "log_event") else source()


def is_async(log: EventLog) -> bool:
    """Whether the log's ``log_event`` is to be awaited."""
    return inspect.iscoroutinefunction(log.log_event)


async def record(log: EventLog, arguments: dict[str, Any]) -> None:
    """Record an event, and go on recording it where the caller is cancelled meanwhile.

    Raises:
        WriteError: it could not be recorded.
    """
    work: Coroutine[Any, Any, Any]
    if is_async(log):
        work = log.log_event(**arguments)
    else:
        work = asyncio.to_thread(log.log_event, **arguments)
    await _to_its_end(work)


async def record_failure(log: EventLog, arguments: dict[str, Any], error: BaseException) -> None:
    """Record that a call failed. The caller then raises ``error`` again.

    Where the event cannot be recorded, that is logged and noted on ``error``.
    """
    if isinstance(error, GeneratorExit):
        # The coroutine was closed, not cancelled: nothing may be awaited in it any more.
        logger.error("An audited call was abandoned by its event loop; its event is missing.")
        return
    try:
        await record(log, arguments)
    except CounterfoilError as failure:
        unrecorded(error, failure)
    except asyncio.CancelledError:
        if not isinstance(error, asyncio.CancelledError):
            raise


def unrecorded(error: BaseException, failure: CounterfoilError) -> None:
    """The call's own error comes first; that its event is missing must be seen too."""
    logger.error("An audited call failed, and its event could not be recorded: %s", failure)
    error.add_note(f"Its audit event could not be recorded: {failure}")


async def _to_its_end(work: Coroutine[Any, Any, Any]) -> None:
    task = asyncio.ensure_future(work)
    _running.add(task)
    task.add_done_callback(_running.discard)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(_report)
        raise


def _report(task: asyncio.Task[Any]) -> None:
    failure = None if task.cancelled() else task.exception()
    if task.cancelled() or failure is not None:
        logger.error(
            "The event of a cancelled call could not be recorded: %s",
            "the event loop was stopped" if failure is None else failure,
        )
