"""Follow: a log's events as they are recorded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from types import TracebackType

from counterfoil.errors import ClosedError, QueryError
from counterfoil.log.commits import Commits
from counterfoil.record import Event
from counterfoil.store import Store

from .cursor import Cursor
from .filter import Filter
from .places import AnyPlace
from .scan import Scan

PIECE = 100


class Follow(ABC):
    """An async iterator of matching events, in the order of recording, each once.

    What this process records arrives at once, what others record soon after. It holds one
    piece of at most 100 events, however slow its reader is. It ends when the log is closed, or
    once the log has passed the filter's ``until``; a step that is cancelled loses nothing, and
    :attr:`cursor` is where another ``follow`` can go on.
    """

    @property
    @abstractmethod
    def cursor(self) -> str:
        """The place behind the last event that was handed out.

        Raises:
            QueryError: the iterator has not begun, so that it has no place yet.
        """

    @abstractmethod
    async def start(self) -> None:
        """Settle where to begin. The first step does it otherwise.

        Raises:
            CursorError: the cursor points behind the log's end.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """End the iteration. Idempotent."""

    @abstractmethod
    async def __anext__(self) -> Event:
        """The next event, once there is one."""

    def __aiter__(self) -> Follow:
        return self

    async def __aenter__(self) -> Follow:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def no_place() -> QueryError:
    """The error for a cursor that is asked for before the first step."""
    return QueryError(
        "There is no cursor before the first step.",
        remedy="Enter the iterator with `async with`, or ask for its first event.",
    )


class PiecewiseFollow(Follow):
    """Follows logs in a store: reads a piece, or waits until there is one.

    Args:
        store: where the logs are.
        commits: what this process commits.
        where: what events must be like.
        poll: seconds between looks for what other processes recorded.
    """

    def __init__(self, store: Store, commits: Commits, where: Filter, poll: float) -> None:
        self._store = store
        self._commits = commits
        self._where = where
        self._poll = poll
        self._started = False
        self._closed = False
        self._ready: deque[Event] = deque()

    @property
    def cursor(self) -> str:
        if not self._started:
            raise no_place()
        return self._place().text(self._where.digest())

    async def aclose(self) -> None:
        self._closed = True
        self._ready.clear()

    async def __anext__(self) -> Event:
        try:
            while not self._ready:
                if self._closed or self._commits.closed:
                    raise StopAsyncIteration
                await self.start()
                if not await self._step():
                    await self.aclose()
        except ClosedError:
            # The store was closed under a call of ours: the end, where the log was closed too.
            if not self._commits.closed:
                raise
            raise StopAsyncIteration from None
        return self._ready.popleft()

    @abstractmethod
    def _place(self) -> AnyPlace:
        """Behind the last event that was handed out."""

    @abstractmethod
    async def _step(self) -> bool:
        """Read a piece, or wait for one; False where nothing can come any more."""


class StoreFollow(PiecewiseFollow):
    """Follows a log in a store. What others record is found within the polling interval.

    Args:
        store: where the log is.
        commits: what this process commits.
        where: what events must be like.
        after: where to begin; None begins at the filter's ``since``, or else with what is
            recorded from the first step on (``async with`` takes that step early).
        poll: seconds between looks for what other processes recorded.
    """

    def __init__(
        self, store: Store, commits: Commits, where: Filter, after: Cursor | None, poll: float
    ) -> None:
        super().__init__(store, commits, where, poll)
        self._after = after
        self._number: int | None = None  # None while nothing was ever written to the log
        self._size = 0
        self._next = 0
        self._scan: Scan | None = None

    def _place(self) -> Cursor:
        return Cursor(self._ready[0].index if self._ready else self._next)

    async def start(self) -> None:
        if self._started:
            return
        await self._look()
        if self._after is not None:
            self._after.check(self._size)
            self._next = self._after.index
        elif self._where.since is not None and self._number is not None:
            self._next = await self._store.boundary(self._number, self._size, self._where.since)
        else:
            self._next = self._size
        self._started = True

    async def _step(self) -> bool:
        if self._number is None or self._next >= self._size:
            size = await self._commits.wait(self._where.log, self._size, self._poll)
            if size is None or self._number is None:
                await self._look()
            else:
                self._size = size
            return True
        end = self._size
        if self._where.until is not None:
            end = await self._store.boundary(self._number, self._size, self._where.until)
            if self._next >= end:
                return False
        if self._scan is None:
            self._scan = Scan(
                self._store, self._number, self._where, self._next, end, newest_first=False
            )
        self._scan.end = end
        self._ready.extend(await self._scan.step(PIECE))
        self._next = self._scan.first
        return True

    async def _look(self) -> None:
        head = await self._store.head(self._where.log)
        if head is not None:
            self._number = head.number
            self._size = max(self._size, head.size)
