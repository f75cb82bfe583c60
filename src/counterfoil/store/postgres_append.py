"""Appending to PostgreSQL: a whole batch as one statement, one way to the server and back.

A batch is built on the heads as this process last left them, and sent to a function of the
database that locks, checks and moves them and writes everything else: the heads are held only
while the server writes and commits. The next batch is sent on another connection meanwhile, built
on the heads as the one before will leave them. Where somebody else has moved a head nothing is
written, and the batch is built anew under the lock.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import asyncpg

from counterfoil.record.row import LOG_SPAN, EventRow

from .interface import TILE_WIDTH, Batch, Build, Head, HeadRequest
from .postgres_connection import Session
from .postgres_error import FAILURES, is_lost
from .postgres_lost import LostAnswerError, await_standbys, is_recorded, named
from .postgres_select import COLUMN_LIST
from .postgres_session import Sessions
from .postgres_turns import Turns
from .statement import read_statement

#: After somebody else has moved a head, how many batches wait for a turn or take the lock first.
_CAREFUL = 32
#: How often a batch is built anew because one of its ids came from elsewhere meanwhile.
_TRIES = 3
#: Seconds to find out, on another connection, what became of a batch whose answer was lost.
_SETTLING = 3.0

_FIND = (
    f"SELECT {COLUMN_LIST} FROM counterfoil.id CROSS JOIN LATERAL (SELECT * "  # noqa: S608 - no values
    "FROM counterfoil.event WHERE event.position = id.position AND event.slice = id.slice "
    "AND event.id = id.id LIMIT 1) AS event WHERE id.id = ANY ($1)"
)


class Work(NamedTuple):
    """What an append was asked for."""

    requests: Sequence[HeadRequest]
    ids: Sequence[bytes]
    build: Build

    @property
    def logs(self) -> list[str]:
        """The names of the logs touched, in order."""
        return [request.log for request in self.requests]


class Appender:
    """Appends batches: those of one log in order, those of different logs at once.

    Args:
        sessions: connections to write through.
        turns: this process's turns at logs that others write to.
        name: the database's address without secrets, for messages.
        timeout: the most seconds to look for a batch whose answer was lost.
    """

    def __init__(self, sessions: Sessions, turns: Turns, name: str, timeout: float) -> None:
        self.sessions = sessions
        self._shared = turns
        self._name = name
        self._settling = min(_SETTLING, timeout)
        #: The heads as this process's last batches leave them, once those are committed: right
        #: for as long as nobody else writes and nothing fails.
        self._heads: dict[str, Head] = {}
        self._careful: dict[str, int] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        #: Batches of each log that are not done.
        self._pending: Counter[str] = Counter()
        #: Whether the last batch sent of a log is written, once it and all before it were answered.
        self._answers: dict[str, asyncio.Future[bool]] = {}

    async def append(
        self, requests: Sequence[HeadRequest], ids: Sequence[bytes], build: Build
    ) -> int:
        """Append one batch; see :meth:`counterfoil.store.interface.Store.append`.

        Where the connection is lost the batch is looked for on another one, and written again
        if it is not there.

        Returns:
            How many events it had.
        """
        work = Work(requests, ids, build)
        self._pending.update(work.logs)
        try:
            batch = await self._append(work)
        except FAILURES as error:
            if not is_lost(error):
                raise
            batch = await self._append(work, careful=True)
        finally:
            for log in work.logs:
                self._pending[log] -= 1
                if not self._pending[log]:
                    del self._pending[log]
                    if self._shared.has(log):
                        self._shared.end()
        return len(batch.rows)

    @asynccontextmanager
    async def _turn(self, logs: Sequence[str]) -> AsyncIterator[None]:
        """Wait until this process's other batches of these logs are sent, in the names' order."""
        async with AsyncExitStack() as held:
            for log in logs:
                turn = self._turns.get(log)
                if turn is None:
                    turn = self._turns[log] = asyncio.Lock()
                await held.enter_async_context(turn)
            yield

    async def _append(self, work: Work, careful: bool = False) -> Batch:
        """Append a batch, or raise: then nothing of it is there, unless the error says so."""
        try:
            async with AsyncExitStack() as held:
                async with self._turn(work.logs):
                    known = None if careful else await self._known_heads(work)
                    self._forget(work.logs)
                    if known is None:
                        return await self._append_locked(work)
                    before = {name: replace(head) for name, head in known.items()}
                    session = await held.enter_async_context(self.sessions.one())
                    batch = work.build(known, await rows_by_id(session, work.ids))
                    self._remember(batch)
                # The event loop has had no turn since: it is sent before the next one is built.
                if await self._is_written(session, work, batch, before):
                    return batch
            async with self._turn(work.logs):
                self._forget(work.logs)
                return await self._append_locked(work, before)
        except LostAnswerError as lost:
            if await is_recorded(self.sessions, work.requests, lost, self._settling, self._name):
                return lost.batch
            raise lost.error from None

    async def _is_written(
        self, session: Session, work: Work, batch: Batch, before: Mapping[str, Head]
    ) -> bool:
        """Send what was built without a lock; False where that was in vain."""
        earlier = {self._answers[log] for log in work.logs if log in self._answers}
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._answers.update(dict.fromkeys(work.logs, answer))
        written = False
        try:
            if batch.heads:
                written = await _write(session, batch, before)
            else:
                await await_standbys(session, work.requests)
                written = True
            if not written and earlier:
                # It may have overtaken the one that it was built on.
                done, _ = await asyncio.wait(earlier)
                if all(one.result() for one in done):
                    written = await _write(session, batch, before)
        except asyncpg.UniqueViolationError:
            if not work.ids:
                raise
        except FAILURES as error:
            if is_lost(error) or isinstance(error, TimeoutError):
                session.terminate()
                raise LostAnswerError(batch, session.backend, error) from error
            raise
        finally:
            answer.set_result(written)
            for log in work.logs:
                if self._answers.get(log) is answer:
                    del self._answers[log]
            if not written:
                # Nor are the heads right that the next batches were built on.
                self._forget(work.logs)
        return written

    async def _append_locked(self, work: Work, built_on: Mapping[str, Head] | None = None) -> Batch:
        """Append under the heads' locks.

        Args:
            built_on: the heads that it was built on before, in vain.
        """
        async with self.sessions.one() as session:
            for tries in range(_TRIES):
                try:
                    batch, heads = await self._transact(session, work)
                    break
                except asyncpg.UniqueViolationError:
                    # Another log's writer was a moment earlier with an id that may be there
                    # already.
                    if not work.ids or tries == _TRIES - 1:
                        raise
        for log, head in (built_on or {}).items():
            if not _is_same(head, heads[log]):
                self._careful[log] = _CAREFUL
        self._remember(batch)
        return batch

    async def _transact(self, session: Session, work: Work) -> tuple[Batch, Mapping[str, Head]]:
        transaction = session.transaction(isolation="read_committed")
        await transaction.start()
        try:
            heads = await _lock_heads(session, work.requests)
            before = {name: replace(head) for name, head in heads.items()}
            batch = work.build(heads, await rows_by_id(session, work.ids))
            fits = await _write(session, batch, before)
            assert fits, "a head that is locked does not move"
        except BaseException as error:
            if not is_lost(error) and not isinstance(error, TimeoutError):
                await transaction.rollback()
            raise
        try:
            await transaction.commit()
        except FAILURES as error:
            session.terminate()
            raise LostAnswerError(batch, session.backend, error) from error
        return batch, before

    async def _known_heads(self, work: Work) -> dict[str, Head] | None:
        """The heads to build on without a lock; None where they have to be locked first."""
        logs = work.logs
        others = [log for log in logs if self._is_contended(log)]
        contended = bool(others)
        if len(logs) == 1:
            contended = await self._settle_turn(logs[0], contended)
        known = {log: replace(self._heads[log]) for log in logs if log in self._heads}
        if contended or len(known) < len(logs):
            return None
        for request in work.requests:
            head = known[request.log]
            if head.tail is None and request.wants_tail(head.size):
                return None
        return known

    def _is_contended(self, log: str) -> bool:
        """Whether others have written to a log lately; asked once a batch."""
        batches = self._careful.pop(log, 0)
        if batches > 1:
            self._careful[log] = batches - 1
        return batches > 0

    async def _settle_turn(self, log: str, contended: bool) -> bool:
        """Take a turn at a log that others write to, or let go of it.

        Returns:
            Whether the log has to be written to without a turn that it should have.
        """
        if self._shared.has(log):
            if contended and not self._shared.is_over:
                return False
            await self._answered(log)
            self._shared.end()
        if not contended:
            return False
        await self._answered(log)
        left = self._heads.get(log)
        head = await self._shared.take(log)
        if head is None:
            return True
        if left is None or not _is_same(left, head):
            self._careful[log] = _CAREFUL
        self._heads[log] = head
        return False

    async def _answered(self, log: str) -> None:
        answer = self._answers.get(log)
        if answer is not None:
            await asyncio.wait({answer})

    def _remember(self, batch: Batch) -> None:
        for head in batch.heads:
            head.tail = None
            self._heads[head.log] = head

    def _forget(self, logs: Sequence[str]) -> None:
        for log in logs:
            self._heads.pop(log, None)


def head_of(row: Iterable[Any]) -> Head:
    """A head from its columns."""
    log, number, origin, size, recorded_at, frontier, sealed = row
    return Head(log, number, origin, size, recorded_at, frontier, sealed=sealed)


async def rows_by_id(session: Session, ids: Sequence[bytes]) -> dict[bytes, EventRow]:
    """The events that have these ids."""
    if not ids:
        return {}
    return {row["id"]: EventRow._make(row) for row in await session.fetch(_FIND, list(ids))}


async def _lock_heads(session: Session, requests: Sequence[HeadRequest]) -> dict[str, Head]:
    rows = await session.fetch(read_statement("postgres", "lock_heads"), *named(requests))
    heads = {row["name"]: head_of(row) for row in rows}
    for request in requests:
        head = heads[request.log]
        if request.wants_tail(head.size):
            end = head.number * LOG_SPAN + head.size
            start = end - head.size % TILE_WIDTH
            tail = await session.fetchval(read_statement("postgres", "tail"), start, end)
            head.tail = tail or b""
    return heads


async def _write(session: Session, batch: Batch, before: Mapping[str, Head]) -> bool:
    """Have a batch written; False where a head is not as it was before."""
    moved = [_moved(before[head.log], head) for head in batch.heads]
    written: bool = await session.fetchval(
        read_statement("postgres", "append"),
        moved,
        batch.rows,
        batch.mentions,
        batch.tiles,
        batch.counts,
    )
    return written


def _is_same(one: Head, other: Head) -> bool:
    return (one.size, one.frontier, one.sealed) == (other.size, other.frontier, other.sealed)


def _moved(old: Head, new: Head) -> tuple[Any, ...]:
    return (
        new.number, old.size, old.frontier, old.sealed,
        new.origin, new.size, new.recorded_at, new.frontier, new.sealed,
    )  # fmt: skip
