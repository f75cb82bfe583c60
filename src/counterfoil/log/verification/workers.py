"""Where segments are checked: in this process, or by worker processes side by side."""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Protocol, Self

from counterfoil.errors import StoreError
from counterfoil.store import Store

from .segment import Segment, SegmentResult, check_segment
from .worker import LENGTH_BYTES, encode


class Checkers(Protocol):
    """Checks segments, and gives the results in their order."""

    def run(self, segments: Iterable[Segment]) -> AsyncIterator[SegmentResult]: ...


class InProcess:
    """Checks one segment after the other, off the event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self, segments: Iterable[Segment]) -> AsyncIterator[SegmentResult]:
        """The results, in order."""
        for segment in segments:
            yield await check_segment(self._store, segment)


class Workers:
    """Processes that open the store themselves; to be used in ``async with``.

    Fresh interpreters that import this package alone: the application's own main module is
    not run again. Leaving the block ends them, whatever they are at.

    Args:
        url: the store's address.
        count: how many, at least 1.
    """

    def __init__(self, url: str, count: int) -> None:
        self._url = url
        self._count = count
        self._processes: list[Process] = []
        self._idle: asyncio.Queue[Process] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        try:
            for _ in range(self._count):
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "counterfoil.log.verification.worker",
                    stdin=PIPE,
                    stdout=PIPE,
                    env=environment,
                )
                self._processes.append(process)
                await _send(process, self._url)
                self._idle.put_nowait(process)
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._end()

    async def run(self, segments: Iterable[Segment]) -> AsyncIterator[SegmentResult]:
        """The results, in order.

        Raises:
            StoreError: a worker ended, or could not read.
        """
        # Twice as many under way as there are workers: none waits for the slowest one, and
        # results do not pile up.
        window: deque[asyncio.Task[SegmentResult]] = deque()
        try:
            for segment in segments:
                window.append(asyncio.create_task(self._check(segment)))
                if len(window) >= 2 * self._count:
                    yield await window.popleft()
            while window:
                yield await window.popleft()
        finally:
            for task in window:
                task.cancel()
            await asyncio.gather(*window, return_exceptions=True)

    async def _check(self, segment: Segment) -> SegmentResult:
        process = await self._idle.get()
        assert process.stdout is not None
        try:
            await _send(process, segment)
            header = await process.stdout.readexactly(LENGTH_BYTES)
            data = await process.stdout.readexactly(int.from_bytes(header, "big"))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise StoreError("A worker process of the verification ended.") from error
        answer = pickle.loads(data)  # noqa: S301 - written by this program
        self._idle.put_nowait(process)
        if isinstance(answer, SegmentResult):
            return answer
        raise StoreError(f"A worker process could not read: {answer}")

    async def _end(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.kill()
            if process.stdin is not None:
                process.stdin.close()
        for process in self._processes:
            await process.communicate()


async def _send(process: Process, message: object) -> None:
    assert process.stdin is not None
    process.stdin.write(encode(message))
    await process.stdin.drain()
