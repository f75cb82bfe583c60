"""What ``AuditLog.open`` returns: to be awaited, or used in ``async with``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar


class Closable(Protocol):
    """Something that is closed when its block ends."""

    async def close(self) -> None: ...


L = TypeVar("L", bound=Closable)


class Opening(Generic[L]):
    """An object about to be opened.

    Args:
        start: opens it; called once.
    """

    def __init__(self, start: Callable[[], Awaitable[L]]) -> None:
        self._start = start
        self._opened: L | None = None

    def __await__(self) -> Generator[Any, None, L]:
        return self._start().__await__()

    async def __aenter__(self) -> L:
        self._opened = await self._start()
        return self._opened

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._opened is not None:
            await self._opened.close()
