"""The log as one principal may use it: the one place where roles and tenants are checked.

Routes and pages ask a :class:`ScopedLog` and never the log itself. A key that is bound to a
company sees that company's events and no others, whatever it asks for; an event of another
company is answered like one that is not there. So it is with what a viewer token is bound to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from counterfoil.errors import ForbiddenError, FormatError, NotFoundError
from counterfoil.log import AuditLog
from counterfoil.log.proving.evidence import EventProof, SignedCheckpoint
from counterfoil.log.read.follow import Follow
from counterfoil.log.read.page import Page
from counterfoil.log.read.questions import Order
from counterfoil.log.read.timeline import Dimension, Timeline, Unit
from counterfoil.log.stats import Stats
from counterfoil.log.verification.report import Report
from counterfoil.log.verification.verifier import Since
from counterfoil.proof import TILE_WIDTH, TileId
from counterfoil.record import Event

from .principal import Principal
from .role import Permission
from .trail import Trail
from .verifications import Verification, Verifications
from .viewing import without_own


class ScopedLog:
    """An open log in the hands of one principal. Every question is recorded in the trail.

    Args:
        audit: the log.
        principal: who asks.
        trail: where their reads are recorded.
        verifications: remembers what verifying found.
        log: the log that is meant where a question names none.
    """

    def __init__(
        self,
        audit: AuditLog,
        principal: Principal,
        trail: Trail,
        verifications: Verifications,
        log: str,
    ) -> None:
        self._audit = audit
        self.principal = principal
        self._trail = trail
        self._verifications = verifications
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
        scope = await self.narrowed(filters)
        page = await self._audit.query(order=order, limit=limit, cursor=cursor, **scope)
        await self._record("query", scope, len(page), filters)
        return page

    async def count(self, **filters: Any) -> int:
        """How many events match. See :meth:`AuditLog.count`."""
        scope = await self.narrowed(filters)
        found = await self._audit.count(**scope)
        await self._record("count", scope, 0, filters)
        return found

    async def timeline(
        self, unit: Unit = "day", *, by: Sequence[Dimension] = (), fill: bool = True, **filters: Any
    ) -> Timeline:
        """Counts by hour or day. See :meth:`AuditLog.timeline`."""
        scope = await self.narrowed(filters)
        viewing = self.principal.viewing
        if viewing is not None and viewing.hides_own:
            del scope["exclude"]
            told: list[Dimension] = [*by, "type"] if "type" not in by else [*by]
            found = await self._audit.timeline(unit, by=told, fill=fill, **scope)
            found = without_own(found, by)
        else:
            found = await self._audit.timeline(unit, by=by, fill=fill, **scope)
        await self._record("timeline", scope, 0, filters)
        return found

    async def follow(self, *, after: str | None = None, **filters: Any) -> Follow:
        """The events that match as they are recorded. See :meth:`AuditLog.follow`."""
        scope = await self.followed(filters)
        return self._audit.follow(after=after, **scope)

    async def followed(self, filters: dict[str, Any]) -> dict[str, Any]:
        """Filters that reach no farther than the key, of what is going to be followed."""
        scope = await self.narrowed(filters)
        await self._record("follow", scope, 0, filters)
        return scope

    def watch(self, scope: dict[str, Any], after: str | None) -> Follow:
        """Follow what :meth:`followed` gave, from a cursor or from its beginning on."""
        self._demand_narrowed(scope)
        return self._audit.follow(after=after, **scope)

    async def end(self, scope: dict[str, Any]) -> str:
        """The cursor behind all that is recorded of what :meth:`followed` gave."""
        self._demand_narrowed(scope)
        return (await self._audit.query(limit=1, **scope)).end_cursor

    async def is_end(self, scope: dict[str, Any], cursor: str) -> bool:
        """Whether nothing is recorded behind a cursor of what :meth:`followed` gave."""
        self._demand_narrowed(scope)
        page = await self._audit.query(order="oldest", limit=1, cursor=cursor, **scope)
        return not page.events and page.next_cursor is None

    async def prove(self, event_id: str) -> EventProof:
        """Prove that an event is in its log. See :meth:`AuditLog.prove`."""
        event = await self._seen(event_id)
        proof = await self._audit.prove(event.id)
        await self._trail.read(self.principal, "proof", event.log, 1, {"id": event.id})
        return proof

    async def checkpoint(self, log: str | None = None) -> SignedCheckpoint:
        """The log's signed size and root. See :meth:`AuditLog.checkpoint`."""
        return await self._audit.checkpoint(await self.reached(log))

    async def consistency(
        self, old_size: int, new_size: int | None = None, *, log: str | None = None
    ) -> tuple[int, list[bytes]]:
        """The proof that the log has only grown, and up to which size it goes.

        See :meth:`AuditLog.consistency`.
        """
        name = await self.reached(log)
        size = await self._audit.host.size(name) if new_size is None else new_size
        return size, await self._audit.consistency(old_size, size, log=name)

    async def tile(self, log: str, path: str) -> tuple[bytes, bool]:
        """A tile of a log's tree, and whether it is full.

        Args:
            path: ``<L>/<N>[.p/<W>]`` (C2SP tlog-tiles).

        Raises:
            NotFoundError: there is none.
        """
        self.principal.demand(Permission.READ_LOGS)
        wanted = _tile(f"tile/{path}")
        tile = await self._audit.host.tile(await self.reached(log), wanted)
        return tile, wanted.width == TILE_WIDTH

    async def entries(self, log: str, path: str) -> tuple[bytes, bool]:
        """A bundle of a log's entries, and whether it is full.

        Args:
            path: ``<N>[.p/<W>]`` (C2SP tlog-tiles).

        Raises:
            NotFoundError: there is none. ForbiddenError: some are of other companies.
        """
        self.principal.demand(Permission.READ_LOGS)
        wanted = _tile(f"tile/0/{path}")
        name = await self.owned(log)
        bundle = await self._audit.host.entries(name, wanted)
        await self._trail.read(self.principal, "entries", name, wanted.width)
        return bundle, wanted.width == TILE_WIDTH

    async def verify(
        self, log: str | None = None, *, since: Since = None, processes: int | None = None
    ) -> Report:
        """Check one log whole, or all of them. See :meth:`AuditLog.verify`.

        Raises:
            ForbiddenError: some hold the events of companies that the key does not reach.
        """
        self.principal.demand(Permission.VERIFY)
        name = None if log is None and self._reaches_all else await self.owned(log)
        report = await self._audit.verify(name, since=since, processes=processes)
        await self._trail.verified(self.principal, name or self._log, passed=report.ok)
        await self._verifications.remember(name, report)
        return report

    async def last_verification(self, log: str | None = None) -> Verification | None:
        """What the last verification found that a server of this database ran; None before.

        Raises:
            ForbiddenError: it was about companies that the key does not reach.
        """
        self.principal.demand(Permission.READ_LOGS)
        name = None if log is None and self._reaches_all else await self.owned(log)
        return await self._verifications.last(name)

    def token_keys(self, company: str | None = None) -> list[tuple[str, bytes]]:
        """The keys that a writer makes a company's tokens by, the newest first.

        Raises:
            ForbiddenError: the key is bound to another company. KeyFileError: there are none.
        """
        self.principal.demand(Permission.WRITE)
        return self._audit.host.token_keys(self._company(company))

    def tokens(
        self, value: str, *, kind: str = "session_id", company_id: str | None = None
    ) -> list[str]:
        """What stands in the log for a value in clear. See :meth:`AuditLog.tokens`."""
        self.principal.demand(Permission.READ)
        return self._audit.tokens(value, kind=kind, company_id=self._company(company_id))

    async def unindexed(self) -> int:
        """How many events the text index does not hold yet; 0 where there is none."""
        self.principal.demand(Permission.READ_LOGS)
        indexer = self._audit.host.indexer
        return 0 if indexer is None else await indexer.behind()

    async def stats(self) -> Stats:
        """How much there is and what waits, of all companies. See :meth:`AuditLog.stats`.

        Raises:
            ForbiddenError: the key is bound to a company or to logs.
        """
        self.principal.demand(Permission.READ_LOGS)
        self.demand_all()
        return await self._audit.stats()

    def demand_all(self) -> None:
        """Refuse what is about all companies and logs.

        Raises:
            ForbiddenError: the key is bound to some.
        """
        if not self._reaches_all:
            raise ForbiddenError(
                "This is about all companies and logs.",
                remedy="Use a key that is bound to neither.",
            )

    async def narrowed(self, filters: dict[str, Any]) -> dict[str, Any]:
        """Filters that reach no farther than the key.

        Without a log they are about wherever the key's events stand, as the library has it.

        Raises:
            ForbiddenError: they ask for another log, or for another company's events.
        """
        who = self.principal
        who.demand(Permission.READ)
        scope = {name: value for name, value in filters.items() if value is not None}
        if who.company is not None:
            asked = scope.get("company_id", who.company)
            for company in [asked] if isinstance(asked, str) else asked:
                self._company(company)
            scope["company_id"] = who.company
        if who.viewing is not None:
            scope = who.viewing.narrow(scope)
        if scope.get("log") is not None or who.logs is not None:
            scope["log"] = await self.reached(scope.get("log"))
        return scope

    async def reached(self, log: str | None = None) -> str:
        """A log's name, where the key reaches it; what is in it may still be others'.

        Args:
            log: None means the company's own where it has one, else the server's log.

        Raises:
            ForbiddenError: the key does not reach it.
        """
        who = self.principal
        who.demand(Permission.READ)
        own = None if who.company is None else await self._audit.company_log(who.company)
        if log is not None:
            name = log
        elif who.logs is not None and len(who.logs) == 1:
            (name,) = who.logs
        else:
            name = own or self._log
        if who.logs is not None and name not in who.logs:
            raise _unbound()
        if who.logs is None and who.company is not None and name not in (self._log, own):
            raise _unbound()
        return name

    async def owned(self, log: str | None = None) -> str:
        """A log's name, where the key reaches all that is in it.

        Raises:
            ForbiddenError: it does not.
        """
        name = await self.reached(log)
        company = self.principal.company
        if company is not None and name != await self._audit.company_log(company):
            raise ForbiddenError(
                "The log holds the events of other companies too.",
                remedy="Use a key that is not bound to a company.",
            )
        return name

    def _demand_narrowed(self, scope: dict[str, Any]) -> None:
        who = self.principal
        elsewhere = who.company is not None and scope.get("company_id") != who.company
        if who.viewing is not None:
            elsewhere = elsewhere or not who.viewing.covers(scope)
        if elsewhere or (who.logs is not None and scope.get("log") not in who.logs):
            raise ForbiddenError("The question was not narrowed to what the key reaches.")

    @property
    def _reaches_all(self) -> bool:
        return self.principal.company is None and self.principal.logs is None

    def _company(self, asked: str | None) -> str | None:
        own = self.principal.company
        if own is not None and asked not in (None, own):
            raise ForbiddenError(
                "The key is bound to another company.",
                remedy="Leave the company out: the key's own is meant then.",
            )
        return own or asked

    async def _seen(self, event_id: str) -> Event:
        self.principal.demand(Permission.READ)
        event = await self._audit.get(event_id)
        who = self.principal
        if who.company is not None and event.company_id != who.company:
            raise NotFoundError
        if who.logs is not None and event.log not in who.logs:
            raise NotFoundError
        if who.viewing is not None and not who.viewing.shows(event):
            raise NotFoundError
        return event

    async def _record(
        self, what: str, scope: dict[str, Any], events: int, filters: dict[str, Any]
    ) -> None:
        question = {name: _plain(value) for name, value in filters.items() if value is not None}
        await self._trail.read(self.principal, what, scope.get("log", self._log), events, question)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (tuple, set, frozenset)):
        return list(value)
    return value


def _tile(path: str) -> TileId:
    try:
        return TileId.parse(path)
    except FormatError:
        raise NotFoundError(
            "There is no such tile.", remedy="Write <L>/<N>, as C2SP tlog-tiles says."
        ) from None


def _unbound() -> ForbiddenError:
    return ForbiddenError(
        "The key is not bound to that log.",
        remedy="Leave the log out, or use a key that reaches it.",
    )
