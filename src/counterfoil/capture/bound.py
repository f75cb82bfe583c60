"""Loggers that carry a context, and fields of their own, wherever they are handed to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from counterfoil.ambient import AMBIENT
from counterfoil.base import AuditContext
from counterfoil.errors import ConfigurationError
from counterfoil.log import AuditLog
from counterfoil.outbox import through_own_thread

from .context import Surroundings, entered, given_fields

P = ParamSpec("P")
R = TypeVar("R")


def _async(
    method: Callable[Concatenate[AuditLog, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[BoundAuditLog, P], Coroutine[Any, Any, R]]:
    async def call(self: BoundAuditLog, /, *args: P.args, **kwargs: P.kwargs) -> R:
        found: Coroutine[Any, Any, R] = getattr(self._log, method.__name__)(*args, **kwargs)
        with entered(self._surroundings()):
            return await found

    call.__doc__ = method.__doc__
    call.__name__ = method.__name__
    vars(call)["__wrapped__"] = method
    return call


def _blocking(
    method: Callable[Concatenate[AuditLog, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[BlockingAuditLog, P], R]:
    def call(self: BlockingAuditLog, /, *args: P.args, **kwargs: P.kwargs) -> R:
        self._check_thread()
        # The coroutine runs in a copy of this thread's context.
        work = getattr(self._log, method.__name__)(*args, **kwargs)
        found: R = asyncio.run_coroutine_threadsafe(work, self._loop).result()
        return found

    call.__doc__ = method.__doc__
    call.__name__ = method.__name__
    vars(call)["__wrapped__"] = method
    return call


class BoundAuditLog:
    """An open log, the context that it was bound in, and fields for each of its events.

    Satisfies ``counterfoil.AuditLogger``. Where it is used inside a context, that one counts;
    where it is used outside of any, as in a thread of a pool, the one it was bound in. Bound
    fields win over both, and what a call says wins over the bound fields.

    Args:
        log: the open log.
        fields: see :meth:`bind`.
    """

    def __init__(self, log: AuditLog, fields: Mapping[str, Any] | None = None) -> None:
        self._log = log
        self._fields = dict(fields or {})
        self._origin = AMBIENT.get()

    def bind(self, context: AuditContext | None = None, /, **fields: Any) -> BoundAuditLog:
        """A further logger, with these fields added; this one stays as it is.

        Args:
            context, fields: as for ``audit_context``.

        Raises:
            InputError: a field that there is not.
        """
        bound = BoundAuditLog(self._log, self._fields | given_fields(context, fields))
        bound._origin = self._origin
        return bound

    log_event = _async(AuditLog.log_event)

    def _surroundings(self) -> Surroundings:
        return Surroundings(self._fields, AMBIENT.get() or self._origin)


class BlockingAuditLog:
    """A bound logger for functions that run in a thread beside the log's event loop.

    Args:
        log: the logger whose events are recorded.
        loop: the running event loop that opened its log.
    """

    def __init__(self, log: BoundAuditLog, loop: asyncio.AbstractEventLoop) -> None:
        self._log = log
        self._loop = loop

    def bind(self, context: AuditContext | None = None, /, **fields: Any) -> BlockingAuditLog:
        """A further logger, as :meth:`BoundAuditLog.bind` has it."""
        return BlockingAuditLog(self._log.bind(context, **fields), self._loop)

    log_event = through_own_thread(_blocking(AuditLog.log_event))

    def _check_thread(self) -> None:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            return
        if running is self._loop:
            raise ConfigurationError(
                "A blocking logger was called in the event loop that it waits for.",
                remedy="Use the async logger inside coroutines.",
            )
