"""The reader: answers what is asked of a log's events from a store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final, Unpack
from uuid import UUID

from counterfoil.errors import ConfigurationError, NotFoundError
from counterfoil.log.commits import Commits
from counterfoil.log.company_logs import CompanyLogs
from counterfoil.record import Event
from counterfoil.search.text_index import TextIndex
from counterfoil.store import Store

from .across import each_across, page_across
from .criteria import CountFilters, Filters
from .cursor import Cursor
from .filter import Filter
from .follow import Follow
from .follow_many import follow_of
from .page import Page
from .places import parse
from .questions import Order, Questions, check_limit, check_poll, is_newest_first, uuid_of
from .reach import reach_of
from .scan import Scan
from .tally import span, tally
from .timeline import Dimension, Timeline, Unit, count_by_time

#: Events a piece of an iteration over all of them.
_PIECE: Final = 200


class Reader(Questions):
    """Answers questions about the events of a store's logs.

    What is returned is decoded from entries and disclosures; the store's columns only lead
    there.

    Args:
        store: an open store.
        commits: what this process commits; without it, new events are found by looking.
        companies: which logs are companies' own.
        poll: seconds between looks for what other processes recorded, above 0, at most 60.
        texts: where words are looked up.

    Raises:
        ConfigurationError: ``poll`` is out of its range.
    """

    def __init__(
        self,
        store: Store,
        commits: Commits | None = None,
        companies: CompanyLogs | None = None,
        *,
        poll: float = 0.25,
        texts: TextIndex | None = None,
    ) -> None:
        if not 0 < poll <= 60:
            raise ConfigurationError(
                "The polling interval is out of range.",
                remedy="Choose more than 0 and at most 60 seconds.",
            )
        self._store = store
        self._commits = commits or Commits()
        self._companies = companies or CompanyLogs(store)
        self._poll = poll
        self._texts = texts

    def _filter(self, filters: Filters) -> Filter:
        return replace(Filter.of(**filters), lookup=self._texts)

    async def get(self, event_id: str | UUID, *, log: str | None = None) -> Event:
        rows = await self._store.find([uuid_of(event_id).bytes])
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
        where = self._filter(filters)
        check_limit(limit)
        newest_first = is_newest_first(order)
        after = parse(cursor, where.digest(), newest_first=newest_first)
        reach = await reach_of(self._store, self._companies, where)
        head = reach.head
        if not reach.is_one or not isinstance(after, (Cursor, type(None))):
            return await page_across(
                self._store, reach, where, after, limit, newest_first=newest_first
            )
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
        where = self._filter(filters)
        newest_first = is_newest_first(order)
        reach = await reach_of(self._store, self._companies, where)
        if not reach.is_one:
            async for event in each_across(self._store, reach, where, newest_first=newest_first):
                yield event
            return
        head = reach.head
        if head is None:
            return
        first, end = await span(self._store, head, where)
        scan = Scan(self._store, head.number, where, first, end, newest_first=newest_first)
        while not scan.done:
            for event in await scan.step(_PIECE):
                yield event

    async def count(self, **filters: Unpack[Filters]) -> int:
        where = self._filter(filters)
        reach = await reach_of(self._store, self._companies, where)
        return sum([await tally(self._store, head, where) for head in reach.heads])

    async def timeline(
        self,
        unit: Unit = "day",
        *,
        by: Sequence[Dimension] = (),
        fill: bool = True,
        **filters: Unpack[CountFilters],
    ) -> Timeline:
        where = Filter.of(**filters)
        reach = await reach_of(self._store, self._companies, where)
        return await count_by_time(self._store, reach.heads, where, unit, by, fill=fill)

    def follow(
        self, *, after: str | None = None, poll: float | None = None, **filters: Unpack[Filters]
    ) -> Follow:
        where = self._filter(filters)
        check_poll(poll)
        place = parse(after, where.digest(), newest_first=False)
        return follow_of(
            self._store, self._companies, self._commits, where, place, poll or self._poll
        )
