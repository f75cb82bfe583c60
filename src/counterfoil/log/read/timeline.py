"""Time lines: how many events an hour or a day, from the roll-ups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from counterfoil.errors import QueryError
from counterfoil.record.entry import LEVELS, OUTCOMES
from counterfoil.record.instant import DAY, HOUR, to_datetime
from counterfoil.store import Head, Store

from .filter import Filter
from .tally import FIRST_HOUR, LAST_HOUR

Unit: TypeAlias = Literal["hour", "day"]
Dimension: TypeAlias = Literal["type", "level", "outcome", "company_id"]
#: The values of the dimensions asked for, in their order; a company is None where there is none.
Group: TypeAlias = tuple[str | None, ...]

#: The most buckets of one time line, eleven years of hours.
MAX_BUCKETS: Final = 100_000

_LENGTHS: Final = {"hour": HOUR, "day": DAY}
_COLUMNS: Final = {"type": "type", "level": "level", "outcome": "outcome", "company_id": "company"}
_NAMES: Final[Mapping[str, Callable[[Any], str | None]]] = {
    "type": str,
    "level": LEVELS.__getitem__,
    "outcome": OUTCOMES.__getitem__,
    "company_id": lambda company: company or None,
}


@dataclass(frozen=True, slots=True)
class Bucket:
    """One hour or UTC day.

    Attributes:
        start, end: aware datetimes in UTC; ``end`` belongs to the next bucket.
        groups: events by group; groups without events are left out.
    """

    start: datetime
    end: datetime
    groups: Mapping[Group, int]

    @property
    def total(self) -> int:
        """The bucket's events."""
        return sum(self.groups.values())


@dataclass(frozen=True, slots=True)
class Timeline:
    """Counts of events by their ``recorded_at``, in the order of time.

    Attributes:
        unit: ``hour`` or ``day`` (of UTC).
        by: what the groups are told apart by.
        buckets: the counts.
    """

    unit: Unit
    by: tuple[Dimension, ...]
    buckets: tuple[Bucket, ...]

    def __iter__(self) -> Iterator[Bucket]:
        return iter(self.buckets)

    def __len__(self) -> int:
        return len(self.buckets)

    @property
    def total(self) -> int:
        """The events of all buckets."""
        return sum(bucket.total for bucket in self.buckets)

    def series(self) -> dict[Group, list[int]]:
        """Each group's counts, one a bucket, as a chart wants them."""
        groups = sorted(
            {group for bucket in self.buckets for group in bucket.groups},
            key=lambda group: [name or "" for name in group],
        )
        return {group: [bucket.groups.get(group, 0) for bucket in self.buckets] for group in groups}


def check_counts(where: Filter, unit: str, by: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """The filter as the roll-ups know it.

    Raises:
        QueryError: they cannot answer such a question.
    """
    if unit not in _LENGTHS:
        raise QueryError("There is no such unit.", remedy="Use hour or day.")
    if isinstance(by, str) or len(set(by)) != len(by) or not _COLUMNS.keys() >= set(by):
        raise QueryError(
            "The time line cannot be told apart by this.",
            remedy=f"Give by= a sequence of: {', '.join(_COLUMNS)}; each once.",
        )
    equal = where.rollup
    if equal is None:
        raise QueryError(
            "The time line knows no such filter.",
            remedy="Filter it by log, since, until, event_type, level, min_level, outcome and "
            "company_id; use count() for anything else.",
        )
    return equal


async def count_by_time(
    store: Store,
    heads: Sequence[Head],
    where: Filter,
    unit: Unit,
    by: Sequence[Dimension],
    *,
    fill: bool,
) -> Timeline:
    """The time line of logs together. The arguments are :meth:`Questions.timeline`'s."""
    equal = check_counts(where, unit, by)
    length = _LENGTHS[unit]
    first = None if where.since is None else where.since // length
    last = None if where.until is None else -(-where.until // length) - 1
    found: dict[int, dict[Group, int]] = {}
    groups: dict[tuple[Any, ...], Group] = {}  # few, and each stands in many buckets
    for head in heads:
        rows = await store.counts(
            head.number,
            unit,
            FIRST_HOUR if first is None else first,
            LAST_HOUR if last is None else last,
            equal,
            [_COLUMNS[name] for name in by],
        )
        current, counts = None, dict[Group, int]()
        for bucket, values, events in rows:
            if not events:
                continue
            group = groups.get(values)
            if group is None:
                pairs = zip(by, values, strict=True)
                group = groups[values] = tuple(_NAMES[name](value) for name, value in pairs)
            if bucket != current:  # the rows come by bucket
                current, counts = bucket, found.setdefault(bucket, {})
            counts[group] = counts.get(group, 0) + events

    wanted: Sequence[int] = sorted(found)
    if fill and (found or (first is not None and last is not None)):
        wanted = range(
            wanted[0] if first is None else first, (wanted[-1] if last is None else last) + 1
        )
    if len(wanted) > MAX_BUCKETS:
        raise QueryError(
            f"The time line would have more than {MAX_BUCKETS:,} buckets.",
            remedy="Ask for days, for a shorter time, or with fill=False.",
        )
    return Timeline(
        unit,
        tuple(by),
        tuple(
            Bucket(
                to_datetime(bucket * length),
                to_datetime((bucket + 1) * length),
                MappingProxyType(found.get(bucket, {})),
            )
            for bucket in wanted
        ),
    )
