"""Questions: everything that is asked of a log's events, wherever the log is kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, Literal, TypeAlias, Unpack
from uuid import UUID

from counterfoil.errors import EventIdError, QueryError
from counterfoil.record import Event

from .criteria import CountFilters, Filters, ResourceFilters, UserFilters
from .follow import Follow
from .page import Page
from .timeline import Dimension, Timeline, Unit

Order: TypeAlias = Literal["newest", "oldest"]

MAX_LIMIT: Final = 1_000


class Questions(ABC):
    """Answers questions about the events of logs.

    A log that nothing was written to yet is empty, not missing.
    """

    @abstractmethod
    async def get(self, event_id: str | UUID, *, log: str | None = None) -> Event:
        """One event.

        Args:
            event_id: the id that ``log_event`` returned.
            log: only an event of this log; None takes one of any log.

        Raises:
            EventIdError: it is not a UUID.
            NotFoundError: there is no such event, or no more.
        """

    @abstractmethod
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

    @abstractmethod
    def events(
        self, *, order: Order = "oldest", **filters: Unpack[Filters]
    ) -> AsyncIterator[Event]:
        """All events that match and are recorded before the iteration begins, one by one.

        Args:
            order: ``oldest`` or ``newest`` first, by the order of recording.
            filters: see :class:`counterfoil.log.read.criteria.Filters`.

        Raises:
            QueryError: an argument cannot be used.
        """

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

    @abstractmethod
    async def count(self, **filters: Unpack[Filters]) -> int:
        """How many events match.

        From the roll-ups where ``log``, the times, type, level, outcome and company decide,
        else by an index, else by reading.

        Raises:
            QueryError: an argument cannot be used.
        """

    @abstractmethod
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

    @abstractmethod
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


def _demand(name: str, value: Any) -> None:
    if value is None:
        raise QueryError(f"{name} is missing.", remedy=f"Say whose events: {name} is one text.")


def check_limit(limit: Any) -> None:
    """Refuse a page's limit that is no whole number from 1 to 1,000.

    Raises:
        QueryError: it is none.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise QueryError(
            "The limit is out of range.", remedy=f"Choose a whole number from 1 to {MAX_LIMIT}."
        )


def check_poll(poll: float | None) -> None:
    """Refuse a polling interval out of range.

    Raises:
        QueryError: it is.
    """
    if poll is not None and not 0 < poll <= 60:
        raise QueryError(
            "The polling interval is out of range.",
            remedy="Choose more than 0 and at most 60 seconds.",
        )


def is_newest_first(order: str) -> bool:
    """Whether the newest come first.

    Raises:
        QueryError: there is no such order.
    """
    if order not in ("newest", "oldest"):
        raise QueryError("There is no such order.", remedy="Use newest or oldest.")
    return order == "newest"


def uuid_of(event_id: str | UUID) -> UUID:
    """An event's id.

    Raises:
        EventIdError: it is not a UUID.
    """
    if isinstance(event_id, UUID):
        return event_id
    try:
        return UUID(event_id)
    except (ValueError, AttributeError, TypeError):
        raise EventIdError(
            "The event id is not a UUID.", remedy="Give the id that log_event returned."
        ) from None
