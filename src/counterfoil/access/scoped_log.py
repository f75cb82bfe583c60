"""The log as one principal may use it: the one place where roles and tenants are checked.

Routes and pages ask a :class:`ScopedLog` and never the log itself. A key that is bound to a
company sees that company's events and no others, whatever it asks for; an event of another
company is answered like one that is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from counterfoil.errors import ForbiddenError, NotFoundError
from counterfoil.log import AuditLog
from counterfoil.log.proving.evidence import EventProof, SignedCheckpoint
from counterfoil.log.read.follow import Follow
from counterfoil.log.read.page import Page
from counterfoil.log.read.questions import Order
from counterfoil.log.read.timeline import Dimension, Timeline, Unit
from counterfoil.log.stats import Stats
from counterfoil.log.verification.report import Report
from counterfoil.record import Event

from .principal import Principal
from .role import Permission
from .trail import Trail


class ScopedLog:
    """An open log in the hands of one principal. Every question is recorded in the trail.

    Args:
        audit: the log.
        principal: who asks.
        trail: where their reads are recorded.
        log: the log that is meant where a question names none.
    """

    def __init__(self, audit: AuditLog, principal: Principal, trail: Trail, log: str) -> None:
        self._audit = audit
        self.principal = principal
        self._trail = trail
        self._log = log

    async def get(self, event_id: str) -> Event:
        """One event. See :meth:`AuditLog.get`.

        Raises:
            ForbiddenError, EventIdError; NotFoundError: there is none that they may see.
        """
        event = await self._seen(event_id)
        await self._trail.read(self.principal, "event", event.log, 1, {"id": event.id})
        return event

    async def query(
        self,
        *,
        order: Order = "newest",
        limit: int = 50,
        cursor: str | None = None,
        **filters: Any,
    ) -> Page:
        """A page of the events that match. See :meth:`AuditLog.query`.

        Raises:
            ForbiddenError: the filters reach farther than the key; QueryError, CursorError.
        """
        scope = self.narrowed(filters)
        page = await self._audit.query(order=order, limit=limit, cursor=cursor, **scope)
        await self._record("query", scope, len(page), filters)
        return page

    async def count(self, **filters: Any) -> int:
        """How many events match. See :meth:`AuditLog.count`."""
        scope = self.narrowed(filters)
        found = await self._audit.count(**scope)
        await self._record("count", scope, 0, filters)
        return found

    async def timeline(
        self, unit: Unit = "day", *, by: Sequence[Dimension] = (), fill: bool = True, **filters: Any
    ) -> Timeline:
        """Counts by hour or day. See :meth:`AuditLog.timeline`."""
        scope = self.narrowed(filters)
        found = await self._audit.timeline(unit, by=by, fill=fill, **scope)
        await self._record("timeline", scope, 0, filters)
        return found

    async def follow(self, *, after: str | None = None, **filters: Any) -> Follow:
        """The events that match as they are recorded. See :meth:`AuditLog.follow`."""
        scope = self.narrowed(filters)
        found = self._audit.follow(after=after, **scope)
        await self._record("follow", scope, 0, filters)
        return found

    async def prove(self, event_id: str) -> EventProof:
        """Prove that an event is in its log. See :meth:`AuditLog.prove`."""
        event = await self._seen(event_id)
        proof = await self._audit.prove(event.id)
        await self._trail.read(self.principal, "proof", event.log, 1, {"id": event.id})
        return proof

    async def checkpoint(self, log: str | None = None) -> SignedCheckpoint:
        """The log's signed size and root. See :meth:`AuditLog.checkpoint`."""
        return await self._audit.checkpoint(self.reached(log))

    async def consistency(
        self, old_size: int, new_size: int | None = None, *, log: str | None = None
    ) -> list[bytes]:
        """The proof that the log has only grown. See :meth:`AuditLog.consistency`."""
        return await self._audit.consistency(old_size, new_size, log=self.reached(log))

    async def verify(self, log: str | None = None) -> Report:
        """Check one log whole. See :meth:`AuditLog.verify`.

        Raises:
            ForbiddenError: it holds the events of companies that the key does not reach.
        """
        self.principal.demand(Permission.VERIFY)
        name = self.owned(log)
        report = await self._audit.verify(name)
        await self._trail.verified(self.principal, name, passed=report.ok)
        return report

    async def stats(self) -> Stats:
        """How much there is and what waits, of all companies. See :meth:`AuditLog.stats`.

        Raises:
            ForbiddenError: the key is bound to a company or to logs.
        """
        self.principal.demand(Permission.READ)
        if self.principal.company is not None or self.principal.logs is not None:
            raise ForbiddenError(
                "This is about all companies and logs.",
                remedy="Use a key that is bound to neither.",
            )
        return await self._audit.stats()

    def narrowed(self, filters: dict[str, Any]) -> dict[str, Any]:
        """Filters that reach no farther than the key.

        Raises:
            ForbiddenError: they ask for another log, or for another company's events.
        """
        self.principal.demand(Permission.READ)
        scope = {name: value for name, value in filters.items() if value is not None}
        scope["log"] = self.reached(scope.get("log"))
        company = self.principal.company
        if company is not None:
            asked = scope.get("company_id", company)
            if any(one != company for one in ([asked] if isinstance(asked, str) else asked)):
                raise ForbiddenError(
                    "The key is bound to another company.",
                    remedy="Leave company_id out: the key's own is meant then.",
                )
            scope["company_id"] = company
        return scope

    def reached(self, log: str | None = None) -> str:
        """A log's name, where the key reaches it; what is in it may still be others'.

        Raises:
            ForbiddenError: it does not.
        """
        self.principal.demand(Permission.READ)
        name = self._log if log is None else log
        logs = self.principal.logs
        if logs is None and self.principal.company is not None:
            logs = frozenset({self._log})
        if logs is not None and name not in logs:
            raise ForbiddenError(
                "The key is not bound to that log.",
                remedy="Leave the log out, or use a key that reaches it.",
            )
        return name

    def owned(self, log: str | None = None) -> str:
        """A log's name, where the key reaches all that is in it.

        Raises:
            ForbiddenError: it does not.
        """
        name = self.reached(log)
        if self.principal.company is not None:
            raise ForbiddenError(
                "The log holds the events of other companies too.",
                remedy="Use a key that is not bound to a company.",
            )
        return name

    async def _seen(self, event_id: str) -> Event:
        self.principal.demand(Permission.READ)
        event = await self._audit.get(event_id)
        who = self.principal
        if who.company is not None and event.company_id != who.company:
            raise NotFoundError
        if who.logs is not None and event.log not in who.logs:
            raise NotFoundError
        return event

    async def _record(
        self, what: str, scope: dict[str, Any], events: int, filters: dict[str, Any]
    ) -> None:
        question = {name: _plain(value) for name, value in filters.items() if value is not None}
        await self._trail.read(self.principal, what, scope["log"], events, question)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (tuple, set, frozenset)):
        return list(value)
    return value
