"""The backend on a store: this process writes, signs and verifies by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from counterfoil.clock import Clock, id_of_report
from counterfoil.errors import (
    ConfigurationError,
    CounterfoilError,
    InputError,
    RollbackError,
    WriteError,
    WriteTimeoutError,
)
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.instant import MILLISECOND
from counterfoil.record.spooled import draft_of, encode
from counterfoil.search.indexer import Indexer
from counterfoil.search.opening import text_index as open_index
from counterfoil.store import Store

from .backend import SEALED_BY_OWNER, Abandoned
from .commits import Commits
from .company_logs import DEFAULT_LOG, CompanyLogs
from .limits import Limits
from .proving.checkpointer import Checkpointer
from .proving.evidence import SignedCheckpoint
from .proving.identity import Identity
from .proving.prover import Prover
from .proving.published import PublishedCheckpoints
from .proving.rollback import RollbackGuard
from .proving.token_keys import rotate_token_key
from .read.reader import Reader
from .seal import SEALED, Seal
from .sealing import Sealing
from .stats import Stats, take_stats
from .verification.verifier import Verifier
from .write.admission import Admission
from .write.direct_append import DirectAppend
from .write.intake import Intake
from .write.writer import Writer

CONFLICT_TYPE = "audit.conflict"

logger = logging.getLogger("counterfoil")


class StoreBackend:
    """A log in a database. Satisfies ``Backend``.

    Args:
        store: an open store, which is closed with the backend.
        identity: the database's.
        intake: makes the log's own events.
        clock: gives times.
        limits: bounds of the queue and of waiting.
        checkpoint_interval: seconds between signed checkpoints; None signs only when asked.
        url: the store's address, for processes that verify.
        text_index: whether a text index is kept, and in which file.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        intake: Intake,
        *,
        clock: Clock,
        limits: Limits,
        checkpoint_interval: float | None,
        url: str | None = None,
        text_index: str | Path | bool = False,
    ) -> None:
        self.store = store
        self.identity = identity
        self._intake = intake
        self._clock = clock
        self._limits = limits
        self._abandoned: Abandoned | None = None
        key_file = identity.key_file
        published = PublishedCheckpoints(None if key_file is None else key_file.published_folder)
        self._commits = Commits()
        self.company_logs = CompanyLogs(store)
        self._writer = Writer(
            store,
            clock,
            limits,
            self._origin,
            self._commits.notify,
            abandoned=self._abandon,
            conflict=self._conflict,
        )
        self._guard = RollbackGuard(store, identity, published, clock, self._origin)
        self._cleared = self._guard.cleared
        self._admission = Admission(self._writer, self._clear, self._abandon, limits.queue_events)
        self._direct = DirectAppend(
            store,
            clock,
            self._origin,
            self._guard.check,
            self._commits.notify,
            limits.write_timeout,
        )
        self._url = url
        self.indexer = None if text_index is False else self.make_indexer(text_index)
        texts = None if self.indexer is None else self.indexer.index
        self.reader = Reader(store, self._commits, self.company_logs, texts=texts)
        self.prover = Prover(store, identity, published, clock)
        self._sealing = Sealing(store, self.prover, clock, self._own)
        self.verifier = Verifier(store, identity, published, self._origin, url)
        self.checkpointer = Checkpointer(store, identity, self.prover, checkpoint_interval)

    def make_indexer(self, place: str | Path | bool) -> Indexer:
        """What keeps a text index of these logs, not opened yet.

        Args:
            place: its file; True for the default.

        Raises:
            ConfigurationError: False was given.
        """
        if place is False:
            raise ConfigurationError(
                "The settings say that there is no text index.",
                remedy="Set text_index to true, or to a file.",
            )
        index = open_index(
            self._url or "",
            self.store,
            self.identity.database,
            None if place is True else place,
            timeout=self._limits.write_timeout,
        )
        return Indexer(self.store, index)

    @property
    def waiting(self) -> int:
        """Events that are queued or being written."""
        return self._writer.waiting + self._admission.waiting

    async def look_back(self) -> None:
        """Say at once, and not at the first write, that the database is an older copy."""
        try:
            await self._guard.check(DEFAULT_LOG)
        except RollbackError as error:
            # Reading and verifying go on; every write is refused with the same error.
            logger.error("%s", error)

    def start(self, abandoned: Abandoned) -> None:
        """Begin to sign checkpoints, and to keep the text index."""
        self._abandoned = abandoned
        self.checkpointer.start()
        if self.indexer is not None:
            self.indexer.start()

    def queue(self, entry: UntimedEntry) -> asyncio.Future[str] | None:
        """Queue an entry; None where it has to wait for its log or for room."""
        if not entry.log:
            self.company_logs.place(entry)
        writer = self._writer
        if entry.log in self._cleared and writer.has_room:
            return writer.put(entry)
        return None

    def left(self, entry: UntimedEntry, future: asyncio.Future[str]) -> None:
        """Nobody waits for what a queued entry comes to."""
        self._writer.left(entry, future)

    async def put(self, entry: UntimedEntry) -> str:
        """Queue an entry, and return its id once it is committed and synced."""
        future = self.queue(entry) or await self._admission.place(entry)
        return await self._writer.outcome(entry, future)

    async def put_all(self, entries: Sequence[UntimedEntry]) -> list[str | CounterfoilError]:
        """Queue entries together; each one's id once it is committed, or why it is not."""
        outcomes: list[Any] = []
        try:
            for entry in entries:
                outcomes.append(await self._queued(entry))  # noqa: PERF401 - kept as they come
            futures = [one for one in outcomes if isinstance(one, asyncio.Future)]
            # Waited for and not gathered: one callback for each is all that it costs.
            if futures:
                await asyncio.wait(futures)
        except asyncio.CancelledError:
            for entry, one in zip(entries, outcomes, strict=False):
                if isinstance(one, asyncio.Future):
                    self._writer.left(entry, one)
            raise
        return [_outcome(one) for one in outcomes]

    async def append(self, entries: Sequence[UntimedEntry]) -> list[int]:
        """Append a group in one transaction; the places of those that were there already."""
        await self.company_logs.place_all(entries)
        return await self._direct.append(entries)

    async def company_log(self, company_id: str) -> str | None:
        """The name of a company's own log; None where it has none."""
        return (await self.company_logs.find([company_id])).get(company_id)

    async def rotate_token_key(self) -> str:
        """Make a new token key in the key file, and record that."""
        key_id = await rotate_token_key(self.identity, self._clock)
        await self.put(self._intake.own("audit.key", audit={"kind": "token_key", "key": key_id}))
        return key_id

    async def seal_logs(self, reason: str = SEALED_BY_OWNER) -> dict[str, SignedCheckpoint]:
        """Close every log to every writer; returns the last checkpoints, by log."""
        return await self._sealing.seal(Seal(SEALED, reason))

    async def unseal_logs(self) -> list[str]:
        """Open the logs again; returns their names."""
        return await self._sealing.unseal()

    async def continue_restored(self, log: str = DEFAULT_LOG) -> str:
        """Go on under a new origin, with an ``audit.restored`` event first."""
        return await self._guard.continue_restored(log, self._own)

    async def stats(self) -> Stats:
        """What the store holds, and what waits in this process."""
        return await take_stats(self.store, self.waiting)

    async def finish(self) -> None:
        """Take no more entries, and write those that are queued."""
        await self._admission.close(self._limits.write_timeout / 4)
        await self._writer.close()
        await self._admission.settle()

    async def seal(self) -> None:
        """Sign a last checkpoint."""
        if self.indexer is not None:
            await self.indexer.close()
        try:
            await self.checkpointer.close()
        finally:
            self._commits.close()

    async def close(self) -> None:
        """Let go of the store."""
        await self.store.close()

    async def _queued(self, entry: UntimedEntry) -> asyncio.Future[str] | CounterfoilError:
        try:
            return self.queue(entry) or await self._admission.place(entry)
        except CounterfoilError as error:
            return error

    async def _clear(self, entry: UntimedEntry) -> None:
        if entry.log in self._cleared:
            return
        try:
            async with asyncio.timeout(self._limits.write_timeout):
                await self.company_logs.place_all([entry])
                await self._guard.check(entry.log)
        except TimeoutError:
            raise WriteTimeoutError(event_id=entry.event_id) from None

    def _abandon(self, entry: UntimedEntry, error: WriteError) -> None:
        if self._abandoned is not None:
            self._abandoned(entry, error)

    def _conflict(self, entry: UntimedEntry) -> UntimedEntry:
        facts = {"kind": "conflict", "event_id": entry.event_id}
        return self._intake.own(
            CONFLICT_TYPE, log=entry.log, audit=facts, event_id=_conflict_id(entry)
        )

    def _own(self, kind: str, log: str, facts: dict[str, Any]) -> UntimedEntry:
        return self._intake.own(kind, log=log, audit=facts)

    def _origin(self, log: str) -> str:
        return f"{self.identity.database}/{log}"


def _conflict_id(entry: UntimedEntry) -> str | None:
    """The id of a conflict's report: what is delivered again after a crash has it again.

    Another call has another one, if only because it is made at another time.
    """
    try:
        draft = encode(draft_of(entry))
    except InputError:
        # Of no form that is kept anywhere, and so never delivered again.
        return None
    return id_of_report(entry.occurred_at // MILLISECOND, b"conflict", draft)


def _outcome(one: Any) -> str | CounterfoilError:
    if not isinstance(one, asyncio.Future):
        refused: CounterfoilError = one
        return refused
    failure = one.exception()
    if failure is None:
        event_id: str = one.result()
        return event_id
    if isinstance(failure, CounterfoilError):
        return failure
    raise failure
