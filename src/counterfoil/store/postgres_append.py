"""Appending to PostgreSQL: a whole batch as one statement, one way to the server and back.

A batch is built on the heads as this process last left them, and sent to a function of the
database that checks, locks and moves them and writes everything else: the heads are held only
while the server writes and commits. Where somebody else has moved a head nothing is written, and
the batch is built anew under the lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import asyncpg

from counterfoil.errors import StoreUnavailableError
from counterfoil.record.row import LOG_SPAN, EventRow

from .interface import TILE_WIDTH, Batch, Build, Head, HeadRequest
from .postgres_connection import Backend, Session
from .postgres_error import FAILURES, is_elsewhere, is_lost, store_error
from .postgres_select import COLUMN_LIST
from .postgres_session import Sessions
from .statement import read_statement

#: After somebody else has moved a head, how many batches take the lock first.
_CAREFUL = 32
#: How often a batch is built anew because one of its ids came from elsewhere meanwhile.
_TRIES = 3
#: Seconds to find out, on another connection, what became of a batch whose answer was lost.
_SETTLING = 3.0
_PAUSE = 0.05

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


class LostAnswerError(Exception):
    """A batch was sent to be committed, and the answer was lost.

    Attributes:
        batch: what may be recorded or not.
        backend: the server's process that may still be at it.
        error: how the connection was lost.
    """

    def __init__(self, batch: Batch, backend: Backend, error: Exception) -> None:
        super().__init__()
        self.batch = batch
        self.backend = backend
        self.error = error


class Appender:
    """Appends batches: those of one log one after the other, those of different logs at once.

    Args:
        sessions: connections to write through.
        name: the database's address without secrets, for messages.
        timeout: the most seconds to look for a batch whose answer was lost.
    """

    def __init__(self, sessions: Sessions, name: str, timeout: float) -> None:
        self.sessions = sessions
        self._name = name
        self._settling = min(_SETTLING, timeout)
        #: The heads as this process last left them: right for as long as nobody else writes.
        self._heads: dict[str, Head] = {}
        self._careful: dict[str, int] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

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
        async with self._turn(work.logs):
            try:
                batch = await self._append(work)
            except FAILURES as error:
                if not is_lost(error):
                    raise
                batch = await self._append(work, careful=True)
        for head in batch.heads:
            head.tail = None
            self._heads[head.log] = head
        return len(batch.rows)

    @asynccontextmanager
    async def _turn(self, logs: Sequence[str]) -> AsyncIterator[None]:
        """Wait for this process's other batches of these logs, in the order of their names."""
        async with AsyncExitStack() as held:
            for log in logs:
                turn = self._turns.get(log)
                if turn is None:
                    turn = self._turns[log] = asyncio.Lock()
                await held.enter_async_context(turn)
            yield

    async def _append(self, work: Work, careful: bool = False) -> Batch:
        """Append a batch, or raise: then nothing of it is there, unless the error says so."""
        known = None if careful else self._known_heads(work)
        for log in work.logs:
            self._heads.pop(log, None)
        try:
            async with self.sessions.one() as session:
                if known is not None:
                    batch = await self._append_built(session, work, known)
                    if batch is not None:
                        return batch
                return await self._append_locked(session, work)
        except LostAnswerError as lost:
            if await self._is_recorded(work, lost):
                return lost.batch
            raise lost.error from None

    async def _append_built(
        self, session: Session, work: Work, known: dict[str, Head]
    ) -> Batch | None:
        """Append what is built without a lock; None where that was in vain."""
        before = {name: replace(head) for name, head in known.items()}
        batch = work.build(known, await rows_by_id(session, work.ids))
        try:
            if not batch.heads:
                await _await_standbys(session, work)
                return batch
            if await _write(session, batch, before):
                return batch
        except asyncpg.UniqueViolationError:
            if not work.ids:
                raise
        except FAILURES as error:
            if is_lost(error) or isinstance(error, TimeoutError):
                session.terminate()
                raise LostAnswerError(batch, session.backend, error) from error
            raise
        self._careful.update(dict.fromkeys(work.logs, _CAREFUL))
        return None

    async def _append_locked(self, session: Session, work: Work) -> Batch:
        for tries in range(_TRIES):
            try:
                return await self._transact(session, work)
            except asyncpg.UniqueViolationError:
                # Another log's writer was a moment earlier with an id that may be there already.
                if not work.ids or tries == _TRIES - 1:
                    raise
        raise AssertionError

    async def _transact(self, session: Session, work: Work) -> Batch:
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
        return batch

    def _known_heads(self, work: Work) -> dict[str, Head] | None:
        heads = {}
        careful = False
        for request in work.requests:
            batches = self._careful.pop(request.log, 0)
            if batches > 1:
                self._careful[request.log] = batches - 1
            head = self._heads.get(request.log)
            careful |= batches > 0 or head is None or request.wants_tail(head.size)
            if head is not None:
                heads[request.log] = replace(head)
        return None if careful else heads

    async def _is_recorded(self, work: Work, lost: LostAnswerError) -> bool:
        """Whether a batch is there after all, once nobody can still be writing it.

        Raises:
            StoreUnavailableError: that cannot be found out.
        """
        try:
            async with asyncio.timeout(self._settling):
                while True:
                    try:
                        async with self.sessions.one() as session:
                            return await _find_lost(session, work, lost)
                    except FAILURES as error:
                        # A standby may not have it yet, and may soon take the place of the other.
                        if not is_lost(error) and not is_elsewhere(error):
                            raise
                        await asyncio.sleep(_PAUSE)
        except FAILURES as error:
            failure = store_error(error, self._name)
            if isinstance(error, TimeoutError):
                failure = StoreUnavailableError(
                    f"The connection to the database {self._name} was lost during a commit.",
                    remedy="A retry with the same event_id is safe: it is recorded once.",
                )
            failure.outcome_known = False
            raise failure from lost.error


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
    rows = await session.fetch(read_statement("postgres", "lock_heads"), *_named(requests))
    heads = {row["name"]: head_of(row) for row in rows}
    for request in requests:
        head = heads[request.log]
        if request.wants_tail(head.size):
            end = head.number * LOG_SPAN + head.size
            start = end - head.size % TILE_WIDTH
            tail = await session.fetchval(read_statement("postgres", "tail"), start, end)
            head.tail = tail or b""
    return heads


def _named(requests: Sequence[HeadRequest]) -> tuple[list[str], list[str]]:
    return [one.log for one in requests], [one.origin for one in requests]


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


def _moved(old: Head, new: Head) -> tuple[Any, ...]:
    return (
        new.number, old.size, old.frontier, old.sealed,
        new.origin, new.size, new.recorded_at, new.frontier, new.sealed,
    )  # fmt: skip


async def _find_lost(session: Session, work: Work, lost: LostAnswerError) -> bool:
    statement = read_statement("postgres", "end_session")
    while True:
        if not await session.fetchval(statement, *lost.backend):
            break
        await asyncio.sleep(_PAUSE)
    await _await_standbys(session, work)
    if not lost.batch.rows:
        return not lost.batch.heads
    # All of a batch is there or nothing; and no other event has its leaf, which is salted.
    row = EventRow._make(lost.batch.rows[-1])
    leaf = read_statement("postgres", "leaf")
    found: bytes | None = await session.fetchval(leaf, row.position)
    return found == row.leaf


async def _await_standbys(session: Session, work: Work) -> None:
    """Wait until what can be read is where it has to be, on this server and its standbys.

    A commit that was cut short while it waited for a standby can be read all the same. To lock the
    heads is a write of its own: its commit waits as that one did, and no standby allows it.
    """
    await session.fetch(read_statement("postgres", "lock_heads"), *_named(work.requests))
