"""AuditLog: the one class that an application holds."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from counterfoil.base import AuditContext, AuditEventType, AuditLogLevel, AuditOptions
from counterfoil.clock import SYSTEM_CLOCK, Clock
from counterfoil.errors import (
    ConfigurationError,
    ForkedError,
    KeyFileError,
    RollbackError,
    StoreError,
    WriteError,
    WriteTimeoutError,
)
from counterfoil.policy.catalogue import Catalogue
from counterfoil.policy.chain import default_chain
from counterfoil.policy.link import Chain
from counterfoil.policy.redaction import Rules, Tokeniser
from counterfoil.record.entry import UntimedEntry
from counterfoil.spool import Spool
from counterfoil.store import Store, open_store
from counterfoil.store.thread import ConnectionThread

from .commits import Commits
from .delegate import offered_by
from .limits import Limits
from .opening import Opening
from .proving.checkpointer import Checkpointer
from .proving.identity import Identity
from .proving.key_file import KeyFile
from .proving.prover import Prover
from .proving.published import PublishedCheckpoints
from .proving.rollback import RollbackGuard
from .proving.token_keys import load_tokeniser, rotate_token_key
from .read.reader import Reader
from .stats import Stats, take_stats
from .verification.verifier import Verifier
from .write.direct_append import DirectAppend
from .write.drain import Drain
from .write.fallback import GAP_TYPE, Fallback
from .write.intake import DEFAULT_LOG, Intake
from .write.writer import Writer, write_error

CONFLICT_TYPE = "audit.conflict"
DEFAULT_URL = "sqlite:///audit.db"

logger = logging.getLogger("counterfoil")


class AuditLog:
    """An open audit log. Satisfies ``counterfoil.AuditLogger``.

    It belongs to the event loop that opened it, and to the process. Make one with
    :meth:`open`, and close it: closing writes what is queued and signs a last checkpoint.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        *,
        catalogue: Catalogue,
        chain: Chain,
        tokens: Tokeniser | None,
        clock: Clock,
        limits: Limits,
        checkpoint_interval: float | None,
        url: str | None = None,
        spool: Spool | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._pid = os.getpid()
        self._store = store
        self._identity = identity
        self._tokens = tokens
        self._clock = clock
        key_file = identity.key_file
        published = PublishedCheckpoints(None if key_file is None else key_file.published_folder)
        self._commits = Commits()
        self._intake = Intake(catalogue, chain, clock, limits.replay_days)
        self._limits = limits
        self._writer = Writer(
            store,
            clock,
            limits,
            self._origin,
            self._commits.notify,
            abandoned=self._abandon,
            conflict=self._conflict,
        )
        self._reader = Reader(store, self._commits)
        self._prover = Prover(store, identity, published, clock)
        self._guard = RollbackGuard(store, identity, published, clock, self._origin)
        self._cleared = self._guard.cleared
        self._verifier = Verifier(store, identity, published, self._origin, url)
        self._spool: ConnectionThread[Spool] | None = None
        self._fallback: Fallback | None = None
        self._drain: Drain | None = None
        if spool is not None:
            self._spool = ConnectionThread(lambda: spool, Spool.close, "counterfoil-spool")
            self._fallback, self._drain = self._bridge(self._spool, catalogue)
        self._checkpointer = Checkpointer(store, identity, self._prover, checkpoint_interval)

    @classmethod
    def open(
        cls,
        url: str = DEFAULT_URL,
        *,
        key_file: str | Path | None = None,
        profile: str = "baseline",
        catalogue: Catalogue | None = None,
        redaction: Rules | None = None,
        chain: Chain | None = None,
        clock: Clock = SYSTEM_CLOCK,
        limits: Limits | None = None,
        checkpoint_interval: float | None = 10.0,
        spool: str | Path | bool = True,
    ) -> Opening[AuditLog]:
        """Open a log, and make it where there is none yet.

        ``audit = await AuditLog.open(url)`` or ``async with AuditLog.open(url) as audit``.

        Args:
            url: ``sqlite:///audit.db`` or ``memory:``.
            key_file: the file of the signing key; by default beside the database file, with
                ``.key`` after its name. It is made together with the database.
            profile: the retention profile, where no ``catalogue`` is given.
            catalogue: the rules by event type.
            redaction: redaction rules of the application's own, added to the built-in ones.
            chain: the policy chain in place of all of ours, redaction included.
            clock: gives times and event ids.
            limits: bounds of the queue and of waiting.
            checkpoint_interval: seconds between signed checkpoints while the log grows, above
                0; None signs only when asked.
            spool: the folder where events wait while the database is away, for types whose
                rule allows it; True puts it beside the database file, with ``.spool`` after
                its name; False refuses such events with an error instead.

        Raises:
            ConfigurationError: an argument cannot be used.
            KeyFileError: the key file cannot be used.
            StoreError: the database cannot be opened.
        """

        async def start() -> AuditLog:
            rules = catalogue or Catalogue.under(profile)
            bounds = limits or Limits()
            store = open_store(url, timeout=bounds.write_timeout)
            await store.open()
            try:
                identity = await Identity.establish(store, _key_file(key_file, store), clock)
                tokens = await load_tokeniser(identity, clock)
                log = cls(
                    store,
                    identity,
                    catalogue=rules,
                    chain=chain or default_chain(rules, rules=redaction, tokens=tokens),
                    tokens=tokens,
                    clock=clock,
                    limits=bounds,
                    checkpoint_interval=checkpoint_interval,
                    url=url,
                    spool=_spool(spool, store),
                )
                await log._start()
            except BaseException:
                await store.close()
                raise
            return log

        return Opening(start)

    async def _start(self) -> None:
        try:
            await self._guard.check(DEFAULT_LOG)
        except RollbackError as error:
            # Reading and verifying go on; every write is refused with the same error.
            logger.error("%s", error)
        if self._spool is not None and self._drain is not None:
            await self._spool.open()
            self._drain.start()
        self._checkpointer.start()

    async def close(self) -> None:
        """Write what is queued, sign a last checkpoint, let go of the store. Idempotent.

        Bounded: a store that hangs is given up after twice ``write_timeout`` at most. Callers
        that still wait are told by then, and what is spooled is delivered by the next process.

        Raises:
            SpoolError: the spool's disk failed, so that a count of lost events is lost too.
        """
        self._check_place()
        limit = self._limits.write_timeout
        if self._drain is not None:
            await self._drain.close(limit / 4)
        deadline = self._loop.time() + limit * 1.5
        async with _given_up(deadline, "The store hangs: it may hold events that were spooled."):
            await self._writer.close()
        if self._fallback is not None:
            async with _given_up(deadline, "The spool's disk hangs."):
                await self._fallback.close()
        async with _given_up(deadline, "The store hangs: no last checkpoint was signed."):
            await self._checkpointer.close()
        self._commits.close()
        deadline = max(deadline, self._loop.time() + limit / 4)
        try:
            if self._spool is not None:
                async with _given_up(deadline, "The spool's disk hangs: it was left open."):
                    await self._spool.close()
        finally:
            async with _given_up(deadline, "The store hangs: it was left open."):
                await self._store.close()

    async def log_event(
        self,
        event_type: AuditEventType | str,
        user_id: str | None = None,
        ip_address: str | None = None,
        resource_id: str | None = None,
        resource_type: str | None = None,
        details: dict[str, Any] | None = None,
        context: AuditContext | None = None,
        level: AuditLogLevel | None = None,
        options: AuditOptions | None = None,
        *,
        event_id: str | None = None,
        occurred_at: datetime | None = None,
        outcome: str | None = None,
        subjects: Iterable[str] = (),
        log: str | None = None,
        on_behalf_of: str | None = None,
        impersonator: str | None = None,
    ) -> str:
        """Record an event, and return its id once it is committed and synced.

        Arguments are read before the first await. Cancelling the call after that does not
        withdraw the event.
        """
        self._check_place()
        entry = self._intake.take(
            event_type,
            user_id,
            ip_address,
            resource_id,
            resource_type,
            details,
            context,
            level,
            options,
            event_id,
            occurred_at,
            outcome,
            subjects,
            log,
            on_behalf_of,
            impersonator,
        )
        return await self._write(entry)

    get = offered_by("_reader", Reader.get)
    query = offered_by("_reader", Reader.query)
    events = offered_by("_reader", Reader.events)
    user_activity = offered_by("_reader", Reader.user_activity)
    resource_history = offered_by("_reader", Reader.resource_history)
    count = offered_by("_reader", Reader.count)
    timeline = offered_by("_reader", Reader.timeline)
    follow = offered_by("_reader", Reader.follow)

    checkpoint = offered_by("_prover", Prover.checkpoint)
    prove = offered_by("_prover", Prover.prove)
    consistency = offered_by("_prover", Prover.consistency)
    verify = offered_by("_verifier", Verifier.verify)

    async def stats(self) -> Stats:
        """How much there is, where it is, and what waits."""
        return await take_stats(self._store, self._writer.waiting)

    def tokens(
        self, value: str, *, kind: str = "session_id", company_id: str | None = None
    ) -> list[str]:
        """What stands in the log for a value that was made a token, the newest key's first.

        To find a session's events: ``await audit.query(session_id=audit.tokens(session))``.

        Args:
            value: the value in clear.
            kind: what it is: ``session_id``, or under ``anonymize_data`` also ``user_id``,
                ``request_id``, ``email`` and ``phone``, or the name of a rule.
            company_id: the company whose events are meant; each has keys of its own.

        Raises:
            KeyFileError: this process may not read the key file.
        """
        if self._tokens is None:
            raise KeyFileError(
                "This process holds no token keys.",
                remedy="Ask in a process that may read the key file.",
            )
        return self._tokens.tokens(kind, value, company_id)

    async def rotate_token_key(self) -> str:
        """Make a new token key, used from the next opening on; older ones are kept.

        Returns:
            The new key's id.

        Raises:
            KeyFileError: this process may not write the key file.
        """
        key_id = await rotate_token_key(self._identity, self._clock)
        await self._put(self._intake.own("audit.key", audit={"kind": "token_key", "key": key_id}))
        return key_id

    async def continue_restored(self, log: str = DEFAULT_LOG) -> str:
        """Go on writing to a log whose database was restored from a backup.

        The log gets a new origin and continues the same tree and indexes; its next entry is
        an ``audit.restored`` event that holds the checkpoint which it is behind of.

        Returns:
            The new origin, under which its checkpoints are signed from now on.

        Raises:
            InputError: the log is not behind what it published.
        """
        return await self._guard.continue_restored(
            log, lambda kind, name, facts: self._intake.own(kind, log=name, audit=facts)
        )

    async def _write(self, entry: UntimedEntry) -> str:
        fallback = self._fallback
        if fallback is not None and fallback.store_is_away and fallback.takes(entry):
            return await fallback.keep(entry, None)
        try:
            return await self._put(entry)
        except (WriteError, StoreError) as error:
            if fallback is not None and fallback.takes(entry, error):
                return await fallback.keep(entry, error)
            if isinstance(error, WriteError):
                raise
            raise write_error(entry, error) from error

    async def _put(self, entry: UntimedEntry) -> str:
        if entry.log not in self._cleared:
            await self._clear(entry)
        writer = self._writer
        if not writer.has_room:
            await writer.room(entry.event_id)
        future = writer.put(entry)
        try:
            return await future
        except asyncio.CancelledError:
            # It may have failed just before: the cancellation hides that.
            failure = None if future.cancelled() or not future.done() else future.exception()
            if isinstance(failure, WriteError):
                self._abandon(entry, failure)
            raise

    async def _clear(self, entry: UntimedEntry) -> None:
        try:
            async with asyncio.timeout(self._limits.write_timeout):
                await self._guard.check(entry.log)
        except TimeoutError:
            raise WriteTimeoutError(event_id=entry.event_id) from None

    def _abandon(self, entry: UntimedEntry, error: WriteError) -> None:
        """An event was not recorded, and its caller was cancelled: it is not withdrawn."""
        if self._fallback is not None:
            self._fallback.abandon(entry, error)
        else:
            logger.error(
                "An event of type %s was lost after its caller was cancelled. %s",
                entry.event_type,
                error,
            )

    def _bridge(
        self, spool: ConnectionThread[Spool], catalogue: Catalogue
    ) -> tuple[Fallback, Drain]:
        fallback = Fallback(spool, catalogue, self._clock, self._limits, lambda: drain.kept())
        drain = Drain(
            spool,
            DirectAppend(
                self._store,
                self._clock,
                self._origin,
                self._guard.check,
                self._commits.notify,
                self._limits.write_timeout,
            ),
            self._put,
            lambda facts, event_id: self._intake.own(GAP_TYPE, audit=facts, event_id=event_id),
            fallback.store_is_back,
            self._limits,
        )
        return fallback, drain

    def _conflict(self, entry: UntimedEntry) -> UntimedEntry:
        facts = {"kind": "conflict", "event_id": entry.event_id}
        return self._intake.own(CONFLICT_TYPE, log=entry.log, audit=facts)

    def _origin(self, log: str) -> str:
        return f"{self._identity.database}/{log}"

    def _check_place(self) -> None:
        if os.getpid() != self._pid:
            raise ForkedError
        if asyncio.get_running_loop() is not self._loop:
            raise ConfigurationError(
                "The log was opened in another event loop.",
                remedy="Open one log in each event loop, or use the sync facade from threads.",
            )


@asynccontextmanager
async def _given_up(deadline: float, message: str) -> AsyncIterator[None]:
    """Go on at a moment of the loop's time, and say what was left."""
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except TimeoutError:
        logger.error("%s", message)


def _key_file(named: str | Path | None, store: Store) -> KeyFile | None:
    if named is not None:
        return KeyFile(Path(named))
    place = store.path
    return None if place is None else KeyFile(place.with_name(f"{place.name}.key"))


def _spool(named: str | Path | bool, store: Store) -> Spool | None:
    if named is False:
        return None
    if named is not True:
        return Spool(Path(named))
    place = store.path
    return None if place is None else Spool(place.with_name(f"{place.name}.spool"))
