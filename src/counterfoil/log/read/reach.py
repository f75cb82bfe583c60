"""Reach: which logs a question is about.

A log that is named is the one. Without one, a company's events may stand in its own log, or,
from before it had one, in ``default``; and where companies have logs of their own, a question
that names neither is about all logs. Else it is about ``default``.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from counterfoil.log.company_logs import DEFAULT_LOG, CompanyLogs
from counterfoil.record.row import LOG_SPAN
from counterfoil.store import Head, Selection, Store
from counterfoil.store.interface import LARGEST

from .filter import Filter
from .places import MOST_PLACES

#: Logs that are found one by one through an index; where there may be more, all are looked at.
_MOST_FOUND: Final = 64


class Reach(NamedTuple):
    """The logs that a question is about.

    Attributes:
        heads: those that there are, in the order of their numbers.
        is_one: it is about one log, or none that there is yet.
        is_few: there are never more than ``MOST_PLACES``.
    """

    heads: list[Head]
    is_one: bool
    is_few: bool

    @property
    def head(self) -> Head | None:
        """The one log, or None where nothing was ever written to it."""
        return self.heads[0] if self.heads else None


async def reach_of(store: Store, companies: CompanyLogs, where: Filter) -> Reach:
    """The logs that a filter's events may stand in.

    Raises:
        StoreError: the store is away.
    """
    if not where.anywhere:
        return _one(await store.head(where.log))
    wanted = where.equal.get("company_id")
    if wanted is None:
        if not await companies.exist():
            return _one(await store.head(DEFAULT_LOG))
        return Reach(await _all(store, where), is_one=False, is_few=False)
    names = {DEFAULT_LOG, *(await companies.find(wanted)).values()}
    heads = [head for name in names if (head := await store.head(name)) is not None]
    heads.sort(key=_number)
    is_one = all(head.log == DEFAULT_LOG for head in heads)
    return Reach(heads, is_one=is_one, is_few=len(wanted) < MOST_PLACES)


async def _all(store: Store, where: Filter) -> list[Head]:
    heads = await store.heads()
    if where.since is not None:
        heads = [head for head in heads if head.recorded_at >= where.since]
    if where.is_telling and len(heads) > _MOST_FOUND:
        numbers = await _holding(store, where)
        if numbers is not None:
            heads = [head for head in heads if head.number in numbers]
    return sorted(heads, key=_number)


async def _holding(store: Store, where: Filter) -> set[int] | None:
    """The numbers of the logs that hold what an index leads to; None where they are many."""
    found: set[int] = set()
    last = LARGEST
    people = where.people or (None,)
    while len(found) <= _MOST_FOUND:
        rows = [
            row
            for person in people
            for row in await store.select(
                Selection(0, last, equal=where.equal, person=person, limit=1)
            )
        ]
        if not rows:
            return found
        number = max(row.position for row in rows) // LOG_SPAN
        found.add(number)
        last = number * LOG_SPAN - 1
    return None


def _one(head: Head | None) -> Reach:
    return Reach([] if head is None else [head], is_one=True, is_few=True)


def _number(head: Head) -> int:
    return head.number
