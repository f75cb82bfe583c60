"""Following several logs: a company's own beside the default one, or all."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from counterfoil.log.commits import Commits
from counterfoil.log.company_logs import DEFAULT_LOG, CompanyLogs
from counterfoil.record import Event
from counterfoil.record.instant import to_micros
from counterfoil.store import Head, Store

from .across import settled
from .cursor import Cursor
from .filter import Filter
from .follow import PIECE, Follow, PiecewiseFollow, StoreFollow
from .merge import Merge
from .places import AnyPlace, Moment, Places
from .reach import Reach, reach_of


class FollowMany(PiecewiseFollow):
    """Follows the logs that a filter reaches, those too that come up meanwhile.

    What is found in one look comes in the order of recording; between two looks, each log's
    own order holds. Where the filter names neither a log nor companies, :attr:`cursor` is a
    moment: what another process records with an earlier time, and after that moment was
    passed, is seen by who follows on, and not by who comes back with the cursor.

    Args:
        store: where the logs are.
        companies: whose logs are whose.
        commits: what this process commits.
        where: what events must be like.
        after: where to begin; None begins at the filter's ``since``, or else now.
        poll: seconds between looks for what other processes recorded.
    """

    def __init__(
        self,
        store: Store,
        companies: CompanyLogs,
        commits: Commits,
        where: Filter,
        after: AnyPlace | None,
        poll: float,
    ) -> None:
        super().__init__(store, commits, where, poll)
        self._companies = companies
        self._after = after
        self._loop = asyncio.get_running_loop()
        self._is_few = True
        #: The logs that are followed, by name, as they were last seen.
        self._heads: dict[str, Head] = {}
        #: A log's number -> the index of the next event to look at.
        self._next: dict[int, int] = {}
        self._moment = Moment(0)
        self._merge: Merge | None = None
        self._merging: list[Head] = []
        self._news = commits.watch()
        self._look_at = 0.0

    def _place(self) -> AnyPlace:
        if not self._is_few:
            return self._behind(self._ready[0], 0) if self._ready else self._moment
        places = dict(self._next)
        for event in reversed(self._ready):
            places[self._heads[event.log].number] = event.index
        default = self._heads.get(DEFAULT_LOG)
        number = 0 if default is None else default.number
        if places.keys() <= {number}:
            return Cursor(places.get(number, 0))
        return Places({number: Cursor(index) for number, index in places.items()})

    async def start(self) -> None:
        if self._started:
            return
        self._news.take()
        reach = await reach_of(self._store, self._companies, self._where)
        after = await settled(self._store, reach, self._where, self._after)
        heads = {head.log: head for head in reach.heads}
        if after is not None or self._where.since is not None:
            merge = Merge(self._store, reach.heads, self._where, after, newest_first=False)
            await merge.open()
            following = {number: place.index for number, place in merge.places().items()}
        else:
            following = {head.number: head.size for head in reach.heads}
        latest = max((head.recorded_at for head in reach.heads), default=0)
        self._moment = after if isinstance(after, Moment) else _after_all(reach, latest)
        self._is_few, self._heads, self._next = reach.is_few, heads, following
        self._started = True

    async def __anext__(self) -> Event:
        event = await super().__anext__()
        self._moment = self._behind(event, 1)
        return event

    async def _step(self) -> bool:
        if self._merge is None:
            self._begin()
        if self._merge is None:
            if self._is_past():
                return False
            await self._wait()
            return True
        found = await self._merge.take(PIECE)
        self._ready.extend(found)
        self._next.update(self._merge.indexes())
        if self._merge.done:
            # Of what comes at `until` or later nothing matches.
            self._next.update((head.number, head.size) for head in self._merging)
            self._merge = None
        return True

    def _begin(self) -> None:
        """Begin to merge what is to be read of the logs that have grown, if any have."""
        grown = [head for head in self._heads.values() if self._next_of(head) < head.size]
        self._merging = grown
        if grown:
            places = Places({head.number: Cursor(self._next_of(head)) for head in grown})
            self._merge = Merge(self._store, grown, self._where, places, newest_first=False)

    def _is_past(self) -> bool:
        until = self._where.until
        return until is not None and any(
            head.size and head.recorded_at >= until for head in self._heads.values()
        )

    async def _wait(self) -> None:
        """Wait for what this process commits, and look now and then for what others did."""
        now = self._loop.time()
        if self._look_at <= now:
            await self._look()
            self._look_at = now + self._poll
            return
        await self._news.wait(self._look_at - now)
        for log, size in self._news.take().items():
            known = self._heads.get(log)
            if self._where.until is not None or (known is None and self._may_follow(log)):
                # A new log; or the time of its last event is needed.
                self._look_at = 0.0
            elif known is not None and known.size < size:
                self._heads[log] = replace(known, size=size)

    def _may_follow(self, log: str) -> bool:
        companies = self._where.equal.get("company_id")
        return (
            companies is None
            or log == DEFAULT_LOG
            or log in {self._companies.known(company) for company in companies}
        )

    async def _look(self) -> None:
        reach = await reach_of(self._store, self._companies, self._where.from_any_time())
        self._is_few = reach.is_few
        for head in reach.heads:
            known = self._heads.get(head.log)
            if known is None or known.size < head.size:
                self._heads[head.log] = head

    def _next_of(self, head: Head) -> int:
        return self._next.get(head.number, 0)

    def _behind(self, event: Event, step: int) -> Moment:
        number = self._heads[event.log].number
        return Moment(to_micros(event.recorded_at), number, event.index + step)


def _after_all(reach: Reach, latest: int) -> Moment:
    """Where all that is there comes before."""
    return max(
        (Moment(latest, head.number, head.size) for head in reach.heads
         if head.recorded_at == latest),
        key=lambda moment: moment.number,
        default=Moment(latest),
    )  # fmt: skip


def follow_of(
    store: Store,
    companies: CompanyLogs,
    commits: Commits,
    where: Filter,
    after: AnyPlace | None,
    poll: float,
) -> Follow:
    """What follows the logs that a filter reaches."""
    if not where.anywhere and (after is None or isinstance(after, Cursor)):
        return StoreFollow(store, commits, where, after, poll)
    return FollowMany(store, companies, commits, where, after, poll)
