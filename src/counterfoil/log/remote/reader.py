"""The reader: answers what is asked of a log's events from a server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Unpack
from uuid import UUID
from weakref import WeakSet

from counterfoil.errors import NotFoundError
from counterfoil.log.read.criteria import CountFilters, Filters
from counterfoil.log.read.filter import Filter
from counterfoil.log.read.follow import Follow
from counterfoil.log.read.page import Page
from counterfoil.log.read.questions import (
    Order,
    Questions,
    check_limit,
    check_poll,
    is_newest_first,
    uuid_of,
)
from counterfoil.log.read.timeline import Bucket, Dimension, Timeline, Unit, check_counts
from counterfoil.record import Event
from counterfoil.wire.connection import TooLongError, not_ours

from .evidence import EVIDENCE, event_of
from .follow import ServerFollow
from .link import Link
from .params import params_of

#: Events a piece of an iteration over all of them.
_PIECE = 200


class ServerReader(Questions):
    """Asks a server. What is returned is decoded from entries and the disclosures that they
    commit to, and not from what the server says beside them.

    Args:
        link: to the server.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._follows: WeakSet[ServerFollow] = WeakSet()

    async def get(self, event_id: str | UUID, *, log: str | None = None) -> Event:
        name = str(uuid_of(event_id))
        answer = await self._link.ask("GET", f"/v1/events/{name}", params=[EVIDENCE])
        event = event_of(answer.json())
        if event.id != name:
            raise not_ours()
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
        check_limit(limit)
        is_newest_first(order)
        page, _ = await self._page(order, limit, cursor, filters)
        return page

    async def events(
        self, *, order: Order = "oldest", **filters: Unpack[Filters]
    ) -> AsyncIterator[Event]:
        newest_first = is_newest_first(order)
        last = None if newest_first else await self._last(filters)
        if last is None and not newest_first:
            return
        cursor: str | None = None
        piece = _PIECE
        while True:
            page, piece = await self._page(order, piece, cursor, filters)
            for event in page:
                if last is not None and event.index > last:
                    return
                yield event
            cursor = page.next_cursor
            if cursor is None:
                return

    async def count(self, **filters: Unpack[Filters]) -> int:
        answer = await self._link.ask("GET", "/v1/count", params=params_of(filters))
        found = answer.json().get("count")
        if not isinstance(found, int):
            raise not_ours()
        return found

    async def timeline(
        self,
        unit: Unit = "day",
        *,
        by: Sequence[Dimension] = (),
        fill: bool = True,
        **filters: Unpack[CountFilters],
    ) -> Timeline:
        check_counts(Filter.of(**filters), unit, by)
        params = [("unit", str(unit)), ("fill", "true" if fill else "false")]
        params += [("by", str(name)) for name in by]
        params += params_of(filters)
        answer = (await self._link.ask("GET", "/v1/timeline", params=params)).json()
        try:
            buckets = tuple(_bucket(one) for one in answer["buckets"])
        except (KeyError, TypeError, ValueError) as error:
            raise not_ours() from error
        return Timeline(unit, tuple(by), buckets)

    def follow(
        self, *, after: str | None = None, poll: float | None = None, **filters: Unpack[Filters]
    ) -> Follow:
        check_poll(poll)
        params = [EVIDENCE, *params_of(filters)]

        async def end() -> str:
            return (await self.query(limit=1, **filters)).end_cursor

        since = filters.get("since") is not None
        follow = ServerFollow(self._link, params, after, None if since else end)
        self._follows.add(follow)
        return follow

    async def close(self) -> None:
        """End every iteration that follows a log."""
        for follow in list(self._follows):
            await follow.end()

    async def _page(
        self, order: Order, limit: int, cursor: str | None, filters: Filters
    ) -> tuple[Page, int]:
        """A page, and how many events were asked for: of large ones fewer at a time."""
        params = [EVIDENCE, ("order", order), *params_of(filters)]
        if cursor is not None:
            params.append(("cursor", cursor))
        while True:
            asked = [*params, ("limit", str(limit))]
            try:
                answer = (await self._link.ask("GET", "/v1/events", params=asked)).json()
            except TooLongError:
                if limit == 1:
                    raise
                limit //= 2
            else:
                break
        try:
            events = tuple(event_of(one) for one in answer["events"])
            following, end = answer["next_cursor"], str(answer["end_cursor"])
        except (KeyError, TypeError) as error:
            raise not_ours() from error
        return Page(events, None if following is None else str(following), end), limit

    async def _last(self, filters: Filters) -> int | None:
        """The index of the newest event that matches; None without any."""
        cursor: str | None = None
        while True:
            page = await self.query(order="newest", limit=1, cursor=cursor, **filters)
            if page.events:
                return page.events[0].index
            cursor = page.next_cursor
            if cursor is None:
                return None


def _bucket(given: dict[str, Any]) -> Bucket:
    groups = {
        tuple(None if name is None else str(name) for name in one["group"]): int(one["count"])
        for one in given["groups"]
    }
    return Bucket(_moment(given["start"]), _moment(given["end"]), MappingProxyType(groups))


def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))
