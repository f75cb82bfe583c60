"""AuditLog: the one class that an application holds."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from counterfoil.base import AuditContext, AuditEventType, AuditLogLevel, AuditOptions
from counterfoil.clock import SYSTEM_CLOCK, Clock
from counterfoil.errors import ClosedError, ConfigurationError, ForkedError, KeyFileError
from counterfoil.outbox import Connect, adapter_of, connector
from counterfoil.policy.catalogue import Catalogue
from counterfoil.policy.link import Chain
from counterfoil.policy.redaction import Rules

from .backend import Backend
from .delegate import offered_by
from .host import Host
from .limits import Limits
from .opening import Opening
from .proving.prover import Prover
from .read.questions import Questions
from .setup import Parts, Setup
from .stats import OutboxStats, SpoolStats, Stats
from .store_backend import StoreBackend
from .verification.verifier import Verifier
from .write import transactional
from .write.path import given_up
from .write.relay import Relay, outbox_stats

DEFAULT_URL = "sqlite:///audit.db"


class AuditLog:
    """An open audit log. Satisfies ``counterfoil.AuditLogger``.

    It belongs to the event loop that opened it, and to the process. Make one with
    :meth:`open`, and close it: closing writes what is queued and signs a last checkpoint.
    """

    def __init__(self, parts: Parts) -> None:
        self._loop = asyncio.get_running_loop()
        self._pid = os.getpid()
        self._backend = parts.backend
        self._intake = parts.intake
        self._path = parts.path
        self._tokens = parts.tokens
        self._limits = parts.limits
        self._relays: list[Relay] = []
        self._closed = False

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
        log_per_company: bool = False,
        outbox: str | Connect | None = None,
        token: str | Callable[[], str] | None = None,
        plain_http: bool = False,
        text_index: str | Path | bool = False,
    ) -> Opening[AuditLog]:
        """Open a log, and make it where there is none yet.

        ``audit = await AuditLog.open(url)`` or ``async with AuditLog.open(url) as audit``.

        Args:
            url: ``sqlite:///audit.db``, ``postgresql://user@host/database``, ``memory:``, or a
                server's ``https://audit.example.com``.
            key_file: the file of the signing key, made together with the database. By default
                it is named after the database, with ``.key`` after that: beside an SQLite
                file, in the working folder for PostgreSQL. For a server: the file that pins its
                key on first use, by default the host's name with ``.known`` after it.
            profile: the retention profile, where no ``catalogue`` is given; a server's own
                counts for its log.
            catalogue: the rules by event type; for a server, in place of the server's.
            redaction: redaction rules of the application's own, added to the built-in ones,
                and to a server's.
            chain: the policy chain in place of all of ours, redaction included.
            clock: gives times and event ids.
            limits: bounds of the queue and of waiting.
            checkpoint_interval: seconds between signed checkpoints while the log grows, above
                0; None signs only when asked.
            spool: the folder where events wait while the database is away, for types whose
                rule allows it; True puts it where the key file is by default, with ``.spool``
                after the name; False refuses such events with an error instead.
            log_per_company: whether the events of each ``company_id`` go to a log of its own,
                whose name is random, where a call names no log. Events without a company go
                to ``default``.
            token: the access key, for a server; or a function that gives the one valid now. It is
                called in a thread: on opening, and again when the server has refused a key.
            plain_http: whether a server's ``http://`` address may leave this machine.
            outbox: an outbox of the application's, moved into the log in the background for as
                long as the log is open; see :meth:`relay`.
            text_index: whether an index is kept for ``text=``, in the background: in PostgreSQL
                in a schema of its own, else in a file, by default beside the database with
                ``.search`` after its name. Without it, texts are found by reading.

        Raises:
            ConfigurationError: an argument cannot be used.
            KeyFileError: the key file cannot be used, or is not that of this server.
            AccessError: the server refuses the access key.
            StoreError: the database cannot be opened. Where it is only away, and was opened with
                this spool before, the log opens without it: it bridges the absence until the
                database is there.
        """

        setup = Setup(
            url=url,
            key_file=key_file,
            profile=profile,
            catalogue=catalogue,
            redaction=redaction,
            chain=chain,
            clock=clock,
            limits=limits,
            checkpoint_interval=checkpoint_interval,
            spool=spool,
            log_per_company=log_per_company,
            token=token,
            plain_http=plain_http,
            text_index=text_index,
        )

        connect = None if outbox is None else connector(outbox)

        async def start() -> AuditLog:
            audit = cls(await setup.open())
            if connect is not None:
                audit.relay(connect).start()
            return audit

        return Opening(start)

    async def close(self) -> None:
        """Write what is queued, sign a last checkpoint, let go of the store. Idempotent.

        Bounded: a store that hangs is given up after twice ``write_timeout`` at most. Callers
        that still wait are told by then, and what is spooled is delivered by the next process.

        Raises:
            SpoolError: the spool's disk failed, so that a count of lost events is lost too.
        """
        self._check_place()
        self._closed = True
        limit = self._limits.write_timeout
        if self._relays:
            await asyncio.gather(self._path.drain(limit / 4), self._end_relays(limit / 4))
        else:
            # Where nothing is to be delivered, those who wait for room hear of it at once.
            await self._path.drain(limit / 4)
        deadline = self._loop.time() + limit * 1.5
        async with given_up(deadline, "The store hangs: it may hold events that were spooled."):
            await self._backend.finish()
        async with given_up(deadline, "The spool's disk hangs."):
            await self._path.finish()
        async with given_up(deadline, "The store hangs: no last checkpoint was signed."):
            await self._backend.seal()
        deadline = max(deadline, self._loop.time() + limit / 4)
        try:
            async with given_up(deadline, "The spool's disk hangs: it was left open."):
                await self._path.close()
        finally:
            async with given_up(deadline, "The store hangs: it was left open."):
                await self._backend.close()

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
        connection: Any = None,
    ) -> str:
        """Record an event, and return its id once it is committed and synced.

        Arguments are read before the first await. Cancelling the call after that does not
        withdraw the event.

        With ``connection``, an asyncpg connection or one of sqlite3 or apsw, the event is
        written into the outbox of that database, in the transaction that the connection is in,
        and becomes part of the log if and only if that is committed; see :meth:`relay`.

        Raises:
            WriteError: the event is not, or is not known to be, recorded.
            OutboxError: it is not in the transaction, which is to be rolled back.
            ClosedError: the log is closed, or is being closed.
            InputError: the connection, the log's name or the event id cannot be used.
        """
        self._check_place()
        if self._closed:
            raise ClosedError
        adapter = None if connection is None else adapter_of(connection)
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
        if adapter is not None:
            event_id = await transactional.put(adapter, connection, entry)
            for relay in self._relays:
                relay.expect()
            return event_id
        return await self._path.write(entry)

    async def create_outbox(self, connection: Any) -> None:
        """Make the table ``counterfoil_outbox`` in the application's database, if need be.

        It stands where the connection makes its tables, and counts once the transaction that
        the connection is in, if any, is committed.

        Args:
            connection: as ``log_event`` takes it.

        Raises:
            InputError: the connection is of no known kind.
            OutboxError: the table could not be made.
        """
        made = adapter_of(connection).create(connection)
        if made is not None:
            await made

    def relay(self, outbox: str | Connect) -> Relay:
        """A relay that moves into this log what is committed in an application's outbox.

        ``async with audit.relay(outbox):`` moves in the background, ``await relay.drain()``
        what is there now. It ends with the log.

        Args:
            outbox: the address of a PostgreSQL database, or a function that opens a new
                connection for the relay alone: ``lambda: sqlite3.connect("shop.db")`` with the
                module that the application uses for the file, or ``lambda: asyncpg.connect(…)``.

        Raises:
            ConfigurationError: it is neither.
        """
        backend = self._backend
        relay = Relay(
            connector(outbox),
            backend.append,
            backend.put,
            self._path.make_gap,
            self._limits,
        )
        self._relays = [*(one for one in self._relays if not one.closed), relay]
        return relay

    get = offered_by("reader", Questions.get)
    query = offered_by("reader", Questions.query)
    events = offered_by("reader", Questions.events)
    user_activity = offered_by("reader", Questions.user_activity)
    resource_history = offered_by("reader", Questions.resource_history)
    count = offered_by("reader", Questions.count)
    timeline = offered_by("reader", Questions.timeline)
    follow = offered_by("reader", Questions.follow)

    checkpoint = offered_by("prover", Prover.checkpoint)
    prove = offered_by("prover", Prover.prove)
    consistency = offered_by("prover", Prover.consistency)
    verify = offered_by("verifier", Verifier.verify)

    company_log = offered_by(None, Backend.company_log)
    rotate_token_key = offered_by(None, Backend.rotate_token_key)
    seal = offered_by(None, Backend.seal_logs, "seal")
    unseal = offered_by(None, Backend.unseal_logs, "unseal")
    continue_restored = offered_by(None, Backend.continue_restored)

    @property
    def host(self) -> Host:
        """What a server that offers this log to others needs beyond it.

        Raises:
            ConfigurationError: the log is a server's itself.
        """
        if not isinstance(self._backend, StoreBackend):
            raise ConfigurationError(
                "This log is a server's.", remedy="Open the database's own address here."
            )
        return Host(self._backend, self._intake, self._path, self._tokens)

    async def stats(self) -> Stats:
        """How much there is, where it is, and what waits, in the spool too.

        Raises:
            StoreError: the database is away; :meth:`spooled` answers all the same.
            SpoolError: the spool's folder cannot be read.
        """
        stats = replace(await self._backend.stats(), spool=await self._path.spooled())
        return replace(stats, outboxes=await self.outboxes())

    async def outboxes(self) -> tuple[OutboxStats, ...]:
        """What waits in the outboxes that this process's relays move, and why.

        It answers also where their databases do not, within about twice ``write_timeout``.
        """
        return await outbox_stats(relay for relay in self._relays if not relay.closed)

    async def spooled(self) -> SpoolStats | None:
        """What waits in the spool for the database; None where there is no spool.

        Raises:
            SpoolError: the spool's folder cannot be read, or its disk does not answer.
        """
        return await self._path.spooled()

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
        found = self._tokens.tokens(kind, value, company_id) if self._tokens is not None else []
        if not found:
            raise KeyFileError(
                "This process holds no token keys for that.",
                remedy="Ask in a process that may read the key file, or, of a server, with a "
                "writer's key of that company.",
            )
        return found

    async def _end_relays(self, seconds: float) -> None:
        deadline = self._loop.time() + seconds
        async with given_up(deadline, "An outbox's database hangs: its connection was left open."):
            await asyncio.gather(*(relay.close(seconds / 2) for relay in self._relays))

    def _check_place(self) -> None:
        if os.getpid() != self._pid:
            raise ForkedError
        if asyncio.get_running_loop() is not self._loop:
            raise ConfigurationError(
                "The log was opened in another event loop.",
                remedy="Open one log in each event loop, or use the sync facade from threads.",
            )
