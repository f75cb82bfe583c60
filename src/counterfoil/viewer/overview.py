"""Overview: the time line and the facets beside a list of events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, cast

from counterfoil.access import ScopedLog
from counterfoil.base import AuditLogLevel
from counterfoil.record.entry import LEVELS, OUTCOMES

from .asking import Asked, find

#: What is told apart; the names of a search's fields and of the time line's dimensions.
DIMENSIONS: Final = ("type", "level", "outcome")
_FILTER_NAMES: Final = {"event_type": "type", "level": "level", "outcome": "outcome"}
_ROLLED_UP: Final = frozenset(
    {"since", "until", "company_id", "min_level", "exclude", *_FILTER_NAMES}
)
#: Where the roll-ups cannot answer, so many of the newest matches are looked at.
SAMPLE: Final = 1_000
_HOURLY: Final = timedelta(days=7)
_MOST_BUCKETS: Final = 20_000
_MOST_TYPES: Final = 12

#: Values of the dimensions, in their order.
Kind = tuple[str, ...]
Kinds = Mapping[Kind, int]


class Facet(NamedTuple):
    """One value of a dimension, and how many events have it."""

    value: str
    events: int
    chosen: bool
    search: str


@dataclass(frozen=True, slots=True)
class Overview:
    """What stands beside a list.

    Attributes:
        unit: seconds of one bucket.
        starts: the buckets' beginnings, Unix seconds.
        levels: counts by level, one a bucket.
        total: the events counted.
        complete: whether these are all that match; else they are the newest of them.
        facets: by dimension.
        more_types: how many types are not listed.
    """

    unit: int
    starts: list[int]
    levels: dict[str, list[int]]
    total: int
    complete: bool
    facets: dict[str, list[Facet]]
    more_types: int = 0

    def chart(self) -> dict[str, Any]:
        """What the chart draws, as JSON."""
        return {"unit": self.unit, "starts": self.starts, "levels": self.levels}


async def overview(log: ScopedLog, asked: Asked) -> Overview:
    """Count what a search finds: exactly where the roll-ups know it, else the newest matches.

    Raises:
        QueryError, ForbiddenError: see ``ScopedLog.timeline``.
    """
    excluded = asked.filters.get("exclude") or {}
    if asked.filters.keys() <= _ROLLED_UP and excluded.keys() <= _FILTER_NAMES.keys():
        return await _counted(log, asked)
    return await _sampled(log, asked)


async def _counted(log: ScopedLog, asked: Asked) -> Overview:
    filters = asked.filters
    kept: dict[str, Any] = {
        name: filters[name] for name in ("since", "until", "company_id") if name in filters
    }
    since = filters.get("since") or await _beginning(log, kept)
    until = filters.get("until") or datetime.now(UTC)
    hourly = until - since <= _HOURLY
    # Without the filters on its dimensions, so that a facet tells what choosing more would add.
    found = await log.timeline("hour" if hourly else "day", by=DIMENSIONS, fill=False, **kept)
    # Groups as they are: a year has tens of thousands, and only a company can be None.
    buckets = [(int(bucket.start.timestamp()), cast("Kinds", bucket.groups)) for bucket in found]
    return _made(asked, 3_600 if hourly else 86_400, buckets, complete=True)


async def _sampled(log: ScopedLog, asked: Asked) -> Overview:
    page = await find(log, asked, None, SAMPLE)
    events = page.events
    span = events[0].recorded_at - events[-1].recorded_at if events else timedelta()
    unit = 3_600 if span <= _HOURLY else 86_400
    found: dict[int, Counter[Kind]] = {}
    for event in events:
        start = int(event.recorded_at.timestamp()) // unit * unit
        kind = (event.type, event.level.value, event.outcome)
        found.setdefault(start, Counter())[kind] += 1
    buckets = [(start, dict(found[start])) for start in sorted(found)]
    return _made(asked, unit, buckets, complete=page.next_cursor is None)


async def _beginning(log: ScopedLog, filters: dict[str, Any]) -> datetime:
    first = await log.query(order="oldest", limit=1, **filters)
    return first.events[0].recorded_at if first.events else datetime.now(UTC)


def _made(
    asked: Asked, unit: int, buckets: Sequence[tuple[int, Kinds]], *, complete: bool
) -> Overview:
    checks = [_check(asked.filters, place) for place in range(len(DIMENSIONS))]
    totals: dict[Kind, int] = {}
    for _, kinds in buckets:
        for kind, events in kinds.items():
            totals[kind] = totals.get(kind, 0) + events
    passing = {kind for kind in totals if all(map(_passes, checks, kind))}
    facets: dict[str, list[Facet]] = {}
    for place, name in enumerate(DIMENSIONS):
        others = [check if at != place else _anything for at, check in enumerate(checks)]
        counts: Counter[str] = Counter()
        for kind, events in totals.items():
            if all(map(_passes, others, kind)):
                counts[kind[place]] += events
        facets[name] = [
            Facet(value, events, value in asked.values(name), asked.toggled(name, value))
            for value, events in _ordered(name, counts)
        ]
    types = facets["type"]
    facets["type"] = types[:_MOST_TYPES] + [one for one in types[_MOST_TYPES:] if one.chosen]
    starts, levels = _series(unit, buckets, passing)
    return Overview(
        unit,
        starts,
        levels,
        sum(totals[kind] for kind in passing),
        complete,
        facets,
        len(types) - len(facets["type"]),
    )


def _series(
    unit: int, buckets: Sequence[tuple[int, Kinds]], passing: set[Kind]
) -> tuple[list[int], dict[str, list[int]]]:
    """Counts by level without gaps, as a chart wants them."""
    if not buckets:
        return [], {level: [] for level in LEVELS}
    first, last = buckets[0][0], buckets[-1][0]
    if (last - first) // unit >= _MOST_BUCKETS:
        first = last - (_MOST_BUCKETS - 1) * unit
    starts = list(range(first, last + unit, unit))
    levels = {level: [0] * len(starts) for level in LEVELS}
    level_of = {kind: levels[kind[1]] for kind in passing}
    for start, kinds in buckets:
        if start >= first:
            at = (start - first) // unit
            for kind, events in kinds.items():
                level = level_of.get(kind)
                if level is not None:
                    level[at] += events
    return starts, levels


Check = Callable[[str], bool]


def _check(filters: dict[str, Any], place: int) -> Check:
    """Whether a value of a dimension is among those asked for."""
    name = DIMENSIONS[place]
    filter_name = next(key for key, dimension in _FILTER_NAMES.items() if dimension == name)
    wanted = filters.get(filter_name)
    unwanted = set((filters.get("exclude") or {}).get(filter_name, ()))
    allowed = None if wanted is None else set(wanted)
    least = filters.get("min_level")
    if name == "level" and least is not None:
        graver = set(LEVELS[LEVELS.index(AuditLogLevel(least).value) :])
        allowed = graver if allowed is None else allowed & graver
    return lambda value: (allowed is None or value in allowed) and value not in unwanted


def _anything(value: str) -> bool:
    del value
    return True


def _passes(check: Check, value: str) -> bool:
    return check(value)


def _ordered(name: str, counts: Counter[str]) -> list[tuple[str, int]]:
    order = {"level": tuple(reversed(LEVELS)), "outcome": OUTCOMES}.get(name)
    if order is not None:
        return [(value, counts[value]) for value in order if counts[value]]
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
