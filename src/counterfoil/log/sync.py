"""The sync facade: ``AuditLog`` for callers without an event loop.

Every method is the async one, run to its end in a background loop. There is no second
implementation of anything here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

from counterfoil.outbox import blocking_adapter_of, through_own_thread

from .audit_log import AuditLog
from .background import BackgroundLoop
from .opening import Opening

P = ParamSpec("P")
R = TypeVar("R")


def _blocking(
    method: Callable[Concatenate[AuditLog, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[SyncAuditLog, P], R]:
    def call(self: SyncAuditLog, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._loop.run(method(self._log, *args, **kwargs))

    call.__doc__ = method.__doc__
    call.__name__ = method.__name__
    return call


def _iterating(
    method: Callable[Concatenate[AuditLog, P], AsyncIterator[R]],
) -> Callable[Concatenate[SyncAuditLog, P], Iterator[R]]:
    def call(self: SyncAuditLog, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[R]:
        found = self._loop.run(_begin(lambda: method(self._log, *args, **kwargs)))
        while True:
            try:
                yield self._loop.run(_next(found))
            except StopAsyncIteration:
                return

    call.__doc__ = method.__doc__
    call.__name__ = method.__name__
    return call


async def _begin(method: Callable[[], AsyncIterator[R]]) -> AsyncIterator[R]:
    """Within the loop, which an iterator may belong to from the first."""
    return method()


async def _next(iterator: AsyncIterator[R]) -> R:
    return await anext(iterator)


class SyncAuditLog:
    """An open audit log for threads: ``with SyncAuditLog.open(url) as audit``.

    May be shared by any number of threads of one process.
    """

    def __init__(self, opening: Opening[AuditLog]) -> None:
        self._loop = BackgroundLoop()
        try:
            self._log = self._loop.run(_open(opening))
        except BaseException:
            self._loop.stop()
            raise

    @classmethod
    def open(cls, *args: Any, **kwargs: Any) -> SyncAuditLog:
        """Open a log; takes what :meth:`AuditLog.open` takes."""
        return cls(AuditLog.open(*args, **kwargs))

    log_event = through_own_thread(_blocking(AuditLog.log_event))

    def create_outbox(self, connection: Any) -> None:
        """As :meth:`AuditLog.create_outbox`, in the calling thread."""
        blocking_adapter_of(connection).create(connection)

    get = _blocking(AuditLog.get)
    query = _blocking(AuditLog.query)
    events = _iterating(AuditLog.events)
    user_activity = _blocking(AuditLog.user_activity)
    resource_history = _blocking(AuditLog.resource_history)
    count = _blocking(AuditLog.count)
    timeline = _blocking(AuditLog.timeline)
    follow = _iterating(AuditLog.follow)
    checkpoint = _blocking(AuditLog.checkpoint)
    prove = _blocking(AuditLog.prove)
    consistency = _blocking(AuditLog.consistency)
    verify = _blocking(AuditLog.verify)
    company_log = _blocking(AuditLog.company_log)
    rotate_token_key = _blocking(AuditLog.rotate_token_key)
    stats = _blocking(AuditLog.stats)
    spooled = _blocking(AuditLog.spooled)
    outboxes = _blocking(AuditLog.outboxes)
    seal = _blocking(AuditLog.seal)
    unseal = _blocking(AuditLog.unseal)
    continue_restored = _blocking(AuditLog.continue_restored)

    def tokens(self, value: str, **names: Any) -> list[str]:
        """As :meth:`AuditLog.tokens`."""
        return self._log.tokens(value, **names)

    def close(self) -> None:
        """As :meth:`AuditLog.close`. Idempotent."""
        if self._loop.stopped:
            return
        try:
            self._loop.run(self._log.close())
        finally:
            self._loop.stop()

    def __enter__(self) -> SyncAuditLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


async def _open(opening: Opening[AuditLog]) -> AuditLog:
    return await opening
