"""Across logs: pages and iterations over the events of several."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from counterfoil.errors import CursorError
from counterfoil.record import Event
from counterfoil.record.instant import to_micros
from counterfoil.record.row import LOG_SPAN
from counterfoil.store import Head, Selection, Store

from .cursor import Cursor
from .filter import Filter
from .merge import Merge
from .page import Page
from .places import AnyPlace, Moment, Places
from .reach import Reach

#: Events a piece of an iteration over all of them.
_PIECE: Final = 200


async def page_across(
    store: Store,
    reach: Reach,
    where: Filter,
    after: AnyPlace | None,
    limit: int,
    *,
    newest_first: bool,
) -> Page:
    """A page of the events of several logs; see :meth:`Questions.query`.

    Raises:
        CursorError: the cursor belongs to another query or log.
    """
    place = await settled(store, reach, where, after)
    merge = Merge(store, reach.heads, where, place, ahead=limit, newest_first=newest_first)
    if reach.is_few:
        await merge.open()
    events = await merge.take(limit + 1 if where.is_exact else limit)
    if len(events) > limit:
        merge.put_back(events.pop())
    more = not merge.done
    resume, end = (_places if reach.is_few else _moments)(reach, merge, place, events, newest_first)
    digest = where.digest()
    return Page(tuple(events), resume.text(digest) if more else None, end.text(digest))


async def each_across(
    store: Store, reach: Reach, where: Filter, *, newest_first: bool
) -> AsyncIterator[Event]:
    """All events of several logs; see :meth:`Questions.events`."""
    merge = Merge(store, reach.heads, where, newest_first=newest_first)
    while not merge.done:
        for event in await merge.take(_PIECE):
            yield event


async def settled(
    store: Store, reach: Reach, where: Filter, after: AnyPlace | None
) -> Places | Moment | None:
    """A cursor as one that is read across logs; one of a time when there was only one too.

    Raises:
        CursorError: it is of the other form.
    """
    if isinstance(after, Cursor):
        head = next((head for head in reach.heads if head.log == where.log), None)
        if head is not None:
            after.check(head.size)
        if reach.is_few:
            of = {} if head is None else {head.number: after}
            return Places(of, newest_first=after.newest_first)
        return await _moment_of(store, head, after)
    if after is not None and isinstance(after, Places) != reach.is_few:
        raise CursorError("The cursor belongs to other filters or to another log.")
    return after


async def _moment_of(store: Store, head: Head | None, place: Cursor) -> Moment:
    if head is None:
        return Moment(0, newest_first=place.newest_first)
    base = head.number * LOG_SPAN
    rows = await store.select(Selection(base, base + place.index - 1, limit=1))
    at = rows[0].recorded_at if rows and place.index else 0
    return Moment(at, head.number, place.index, head.recorded_at, place.newest_first)


def _places(
    reach: Reach,
    merge: Merge,
    after: Places | Moment | None,
    events: list[Event],
    newest_first: bool,
) -> tuple[Places | Moment, Places | Moment]:
    del reach, after, events
    places = merge.places()
    resume = Places(places, newest_first=newest_first)
    if not newest_first:
        return resume, resume
    return resume, Places({number: Cursor(place.top) for number, place in places.items()})


def _moments(
    reach: Reach,
    merge: Merge,
    after: Places | Moment | None,
    events: list[Event],
    newest_first: bool,
) -> tuple[Places | Moment, Places | Moment]:
    latest = max((head.recorded_at for head in reach.heads), default=0)
    top = after.top if newest_first and isinstance(after, Moment) else latest
    numbers = {head.log: head.number for head in reach.heads}
    #: What comes after all of a time.
    beyond = Moment(top + 1)
    if newest_first:
        if not events:
            return Moment(0, top=top, newest_first=True), beyond
        last = events[-1]
        number = numbers.get(last.log, 0)
        at = to_micros(last.recorded_at)
        return Moment(at, number, last.index, top, newest_first=True), beyond
    if merge.done:
        # All there was has been looked at; what is recorded in the same moment is yet to come.
        beyond = Moment(latest, _highest(reach, latest), _size(reach, latest))
        if isinstance(after, Moment) and _order(after) > _order(beyond):
            beyond = after
        return beyond, beyond
    if not events:
        return (after or Moment(0),) * 2
    last = events[-1]
    resume = Moment(to_micros(last.recorded_at), numbers.get(last.log, 0), last.index + 1)
    return resume, resume


def _highest(reach: Reach, time: int) -> int:
    return max((head.number for head in reach.heads if head.recorded_at == time), default=0)


def _size(reach: Reach, time: int) -> int:
    highest = _highest(reach, time)
    return next((head.size for head in reach.heads if head.number == highest), 0)


def _order(moment: Moment) -> tuple[int, int, int]:
    return moment.recorded_at, moment.number, moment.index
