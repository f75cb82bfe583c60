"""The reader: everything that is asked of a log's events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, Literal, TypeAlias, Unpack
from uuid import UUID

from counterfoil.errors import (
    ConfigurationError,
    EventIdError,
    NotFoundError,
    QueryError,
)
from counterfoil.log.commits import Commits
from counterfoil.record import Event
from counterfoil.store import Store

from .criteria import CountFilters, Filters, ResourceFilters, UserFilters
from .cursor import Cursor
from .filter import Filter
from .follow import Follow
from .page import Page
from .scan import Scan
from .tally import span, tally
from .timeline import Dimension, Timeline, Unit, count_by_time

Order: TypeAlias = Literal["newest", "oldest"]

MAX_LIMIT: Final = 1_000
#: Events a piece of an iteration over all of them.
_PIECE: Final = 200


class Reader:
    """Answers questions about the events of a store's logs.

    A log that nothing was written to yet is empty, not missing. What is returned is decoded
    from entries and disclosures; the store's columns only lead there.

    Args:
        store: an open store.
        commits: what this process commits; without it, new events are found by looking.
        poll: seconds between looks for what other processes recorded, above 0, at most 60.

    Raises:
        ConfigurationError: ``poll`` is out of its range.
    """

    def __init__(self, store: Store, commits: Commits | None = None, *, poll: float = 0.25) -> None:
        if not 0 < poll <= 60:
            raise ConfigurationError(
                "The polling interval is out of range.",
                remedy="Choose more than 0 and at most 60 seconds.",
            )
        self._store = store
        self._commits = commits or Commits()
        self._poll = poll

    async def get(self, event_id: str | UUID, *, log: str | None = None) -> Event:
        """One event.

        Args:
            event_id: the id that ``log_event`` returned.
            log: only an event of this log; None takes one of any log.

        Raises:
            EventIdError: it is not a UUID.
            NotFoundError: there is no such event, or no more.
        """
        rows = await self._store.find([_uuid(event_id)])
        if not rows:
            raise NotFoundError
        row = rows[0]
        mentions = await self._store.mentions(row.position, row.position) if row.mentions else ()
        event = Event.decode(row, mentions)
        if log is not None and event.log != log:
            raise NotFoundError
        return event

    async def query(
        self,
        *,
        order: Order = "newest",
        limit: int = 50,
        cursor: str | None = None,
        **filters: Unpack[Filters],
    ) -> Page:
        """A page of the events that match.

        Args:
            order: ``newest`` or ``oldest`` first, by the order of recording.
            limit: the most events to return, 1 to 1,000.
            cursor: a page's ``next_cursor`` or ``end_cursor``, with the same filters.
            filters: see :class:`counterfoil.log.read.criteria.Filters`.

        Raises:
            QueryError: an argument cannot be used.
            CursorError: the cursor belongs to another query or log.
        """
        where = Filter.of(**filters)
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
            raise QueryError(
                "The limit is out of range.", remedy=f"Choose a whole number from 1 to {MAX_LIMIT}."
            )
        newest_first = _is_newest_first(order)
        after = _parse(cursor, where, newest_first=newest_first)
        head = await self._store.head(where.log)
        if after is not None:
            after.check(head.size if head else 0)
        first, end = await span(self._store, head, where) if head else (0, 0)
        top = after.top if after else end
        if after is not None and newest_first:
            end = min(end, after.index)
        elif after is not None:
            first, end = max(first, after.index), max(end, after.index)
        scan = Scan(
            self._store, head.number if head else 0, where, first, end, newest_first=newest_first
        )
        # Where columns decide, one event more costs nothing and tells whether there is more.
        events = await scan.take(limit + 1 if where.is_exact else limit)
        more = len(events) > limit or not scan.done
        events = events[:limit]
        digest = where.digest()
        if newest_first:
            index = events[-1].index if more and events else scan.end
            resume = Cursor(index, top, newest_first=True).text(digest)
            return Page(tuple(events), resume if more else None, Cursor(top).text(digest))
        index = events[-1].index + 1 if more and events else scan.first
        resume = Cursor(index).text(digest)
        return Page(tuple(events), resume if more else None, resume)

    async def events(
        self, *, order: Order = "oldest", **filters: Unpack[Filters]
    ) -> AsyncIterator[Event]:
        """All events that match and are recorded before the iteration begins, one by one.

        Args:
            order: ``oldest`` or ``newest`` first, by the order of recording.
            filters: see :class:`counterfoil.log.read.criteria.Filters`.

        Raises:
            QueryError: an argument cannot be used.
        """
        where = Filter.of(**filters)
        newest_first = _is_newest_first(order)
        head = await self._store.head(where.log)
        if head is None:
            return
        first, end = await span(self._store, head, where)
        scan = Scan(self._store, head.number, where, first, end, newest_first=newest_first)
        while not scan.done:
            for event in await scan.step(_PIECE):
                yield event

    async def user_activity(
        self,
        user_id: str,
        *,
        order: Order = "newest",
        limit: int = 50,
        cursor: str | None = None,
        **filters: Unpack[UserFilters],
    ) -> Page:
        """A page of what one user did. See :meth:`query`."""
        _demand("user_id", user_id)
        return await self.query(order=order, limit=limit, cursor=cursor, user_id=user_id, **filters)

    async def resource_history(
        self,
        resource_type: str,
        resource_id: str,
        *,
        order: Order = "newest",
        limit: int = 50,
        cursor: str | None = None,
        **filters: Unpack[ResourceFilters],
    ) -> Page:
        """A page of what happened to one resource. See :meth:`query`."""
        _demand("resource_type", resource_type)
        _demand("resource_id", resource_id)
        return await self.query(
            order=order,
            limit=limit,
            cursor=cursor,
            resource_type=resource_type,
            resource_id=resource_id,
            **filters,
        )

    async def count(self, **filters: Unpack[Filters]) -> int:
        """How many events match.

        From the roll-ups where ``log``, the times, type, level, outcome and company decide,
        else by an index, else by reading.

        Raises:
            QueryError: an argument cannot be used.
        """
        where = Filter.of(**filters)
        head = await self._store.head(where.log)
        return 0 if head is None else await tally(self._store, head, where)

    async def timeline(
        self,
        unit: Unit = "day",
        *,
        by: Sequence[Dimension] = (),
        fill: bool = True,
        **filters: Unpack[CountFilters],
    ) -> Timeline:
        """How many events were recorded an hour or a day, from the roll-ups.

        Buckets are whole: a time range that begins or ends within one is widened to it, as
        ``Bucket.start`` and ``end`` say. ``count`` counts a range to the microsecond.

        Args:
            unit: ``hour`` or ``day``; days are UTC's.
            by: what to tell apart: any of ``type``, ``level``, ``outcome``, ``company_id``.
            fill: whether buckets without events are there too, from ``since`` to ``until``,
                or to the first and last event where these are not given.
            filters: see :class:`counterfoil.log.read.criteria.CountFilters`.

        Raises:
            QueryError: an argument cannot be used, or there would be over 100,000 buckets.
        """
        where = Filter.of(**filters)
        head = await self._store.head(where.log)
        return await count_by_time(self._store, head, where, unit, by, fill=fill)

    def follow(
        self, *, after: str | None = None, poll: float | None = None, **filters: Unpack[Filters]
    ) -> Follow:
        """The events that match as they are recorded, each once.

        ``async for event in reader.follow(...)``. Where nothing may be missed between the call
        and the first step, ``async with reader.follow(...) as events`` settles the beginning.

        Args:
            after: a page's ``end_cursor`` or ``Follow.cursor``, with the same filters; without
                it, it begins at ``since``, or else now.
            poll: seconds between looks for what other processes recorded; None as the reader.
            filters: see :class:`counterfoil.log.read.criteria.Filters`. It ends at ``until``: once
                the log has recorded something at that time or later.

        Raises:
            QueryError: an argument cannot be used.
            CursorError: the cursor belongs to another query or log.
        """
        where = Filter.of(**filters)
        if poll is not None and not 0 < poll <= 60:
            raise QueryError(
                "The polling interval is out of range.",
                remedy="Choose more than 0 and at most 60 seconds.",
            )
        place = _parse(after, where, newest_first=False)
        return Follow(self._store, self._commits, where, place, poll or self._poll)


def _parse(cursor: str | None, where: Filter, *, newest_first: bool) -> Cursor | None:
    if cursor is None:
        return None
    return Cursor.parse(cursor, where.digest(), newest_first=newest_first)


def _is_newest_first(order: str) -> bool:
    if order not in ("newest", "oldest"):
        raise QueryError("There is no such order.", remedy="Use newest or oldest.")
    return order == "newest"


def _demand(name: str, value: Any) -> None:
    if value is None:
        raise QueryError(f"{name} is missing.", remedy=f"Say whose events: {name} is one text.")


def _uuid(event_id: str | UUID) -> bytes:
    if isinstance(event_id, UUID):
        return event_id.bytes
    try:
        return UUID(event_id).bytes
    except (ValueError, AttributeError, TypeError):
        raise EventIdError(
            "The event id is not a UUID.", remedy="Give the id that log_event returned."
        ) from None
