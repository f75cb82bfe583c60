"""AuditLog: the one class that an application holds."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from counterfoil.base import AuditContext, AuditEventType, AuditLogLevel, AuditOptions
from counterfoil.clock import SYSTEM_CLOCK, Clock
from counterfoil.errors import ClosedError, ConfigurationError, ForkedError
from counterfoil.policy.catalogue import Catalogue
from counterfoil.policy.chain import default_chain
from counterfoil.policy.link import Chain
from counterfoil.store import Store, open_store

from .commits import Commits
from .delegate import offered_by
from .intake import Intake
from .limits import Limits
from .opening import Opening
from .reader import Reader
from .writer import Writer

DEFAULT_URL = "sqlite:///audit.db"


class AuditLog:
    """An open audit log. Satisfies ``counterfoil.AuditLogger``.

    It belongs to the event loop that opened it, and to the process. Make one with
    :meth:`open`, and close it: closing writes what is queued and signs a last checkpoint.
    """

    def __init__(
        self, store: Store, catalogue: Catalogue, chain: Chain, clock: Clock, limits: Limits
    ) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._pid = os.getpid()
        self._database = ""
        self._intake = Intake(catalogue, chain, clock, limits.replay_days)
        self._commits = Commits()
        self._reader = Reader(store, self._commits)
        self._writer = Writer(store, clock, limits, self._origin, self._commits.notify)

    @classmethod
    def open(
        cls,
        url: str = DEFAULT_URL,
        *,
        catalogue: Catalogue | None = None,
        chain: Chain | None = None,
        clock: Clock = SYSTEM_CLOCK,
        limits: Limits | None = None,
    ) -> Opening[AuditLog]:
        """Open a log, and make it where there is none yet.

        ``audit = await AuditLog.open(url)`` or ``async with AuditLog.open(url) as audit``.
        """

        async def start() -> AuditLog:
            rules = catalogue or Catalogue.under()
            bounds = limits or Limits()
            store = open_store(url, timeout=bounds.write_timeout)
            log = cls(store, rules, chain or default_chain(rules), clock, bounds)
            await log._start()
            return log

        return Opening(start)

    async def _start(self) -> None:
        await self._store.open()
        meta = await self._store.put_meta({"database": secrets.token_hex(8)})
        self._database = meta["database"]

    async def close(self) -> None:
        """Write what is queued and let go of the store. Idempotent."""
        self._check_place()
        await self._writer.close()
        self._commits.close()
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
        if asyncio.get_running_loop() is not self._loop:
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
        writer = self._writer
        if not writer.has_room:
            await writer.room(entry.event_id)
        return await writer.put(entry)

    get = offered_by("_reader", Reader.get)
    query = offered_by("_reader", Reader.query)
    events = offered_by("_reader", Reader.events)
    user_activity = offered_by("_reader", Reader.user_activity)
    resource_history = offered_by("_reader", Reader.resource_history)
    count = offered_by("_reader", Reader.count)
    timeline = offered_by("_reader", Reader.timeline)
    follow = offered_by("_reader", Reader.follow)

    def _origin(self, log: str) -> str:
        return f"{self._database}/{log}"

    def _check_place(self) -> None:
        if os.getpid() != self._pid:
            raise ForkedError
        if asyncio.get_running_loop() is not self._loop:
            raise ConfigurationError(
                "The log was opened in another event loop.",
                remedy="Open one log in each event loop, or use the sync facade from threads.",
            )
