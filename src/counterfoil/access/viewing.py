"""Viewings: what a viewer token narrows its holder to, besides the company."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from counterfoil.errors import ForbiddenError
from counterfoil.log.read.timeline import Bucket, Dimension, Group, Timeline
from counterfoil.policy.catalogue.table import LOG_RULES
from counterfoil.record import Event

#: The filters that a token can fix, and where an event has what they are about.
FIXABLE: Final[Mapping[str, str]] = {
    "event_type": "type",
    "user_id": "user_id",
    "resource_type": "resource_type",
    "resource_id": "resource_id",
}
#: The log's own events: who read, and who changed keys. They are the operator's business.
OWN_TYPES: Final = frozenset(LOG_RULES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewing:
    """What a viewer token shows.

    The log's own events are left out, unless the token's filters name their types.

    Attributes:
        token_id: what the token is told apart by.
        origins: the pages that may use it, as browsers name them.
        filters: values by filter; every event that is shown has one of each.
        person: who looks, as the application says, for the trail.
    """

    token_id: str
    origins: frozenset[str]
    filters: Mapping[str, tuple[str, ...]]
    person: str = ""

    @property
    def hides_own(self) -> bool:
        """Whether the log's own events are left out."""
        return "event_type" not in self.filters

    def narrow(self, filters: dict[str, Any]) -> dict[str, Any]:
        """Filters that reach no farther than the token.

        Raises:
            ForbiddenError: they ask for values that it is not bound to.
        """
        scope = dict(filters)
        for name, allowed in self.filters.items():
            asked = allowed if scope.get(name) is None else _values(scope[name])
            if not set(asked) <= set(allowed):
                raise ForbiddenError(
                    f"The viewer token is bound to another {name}.",
                    remedy="Leave it out: the token's own is meant then.",
                )
            scope[name] = list(asked)
        if self.hides_own:
            exclude = dict(scope.get("exclude") or {})
            also = _values(exclude.get("event_type", ()))
            exclude["event_type"] = sorted({*also, *OWN_TYPES})
            scope["exclude"] = exclude
        return scope

    def covers(self, scope: dict[str, Any]) -> bool:
        """Whether filters were narrowed to what the token reaches."""
        if self.hides_own:
            hidden = (scope.get("exclude") or {}).get("event_type", ())
            if not set(hidden) >= OWN_TYPES:
                return False
        return all(
            scope.get(name) is not None and set(_values(scope[name])) <= set(allowed)
            for name, allowed in self.filters.items()
        )

    def shows(self, event: Event) -> bool:
        """Whether an event is one that the token reaches."""
        if self.hides_own and event.type in OWN_TYPES:
            return False
        return all(
            getattr(event, FIXABLE[name]) in allowed for name, allowed in self.filters.items()
        )


def without_own(found: Timeline, by: Sequence[Dimension]) -> Timeline:
    """A time line that was told apart by type too, without the log's own events.

    The roll-ups count whole types and cannot leave any out by themselves.

    Args:
        by: what it is to be told apart by, the first of what it was.
    """
    place = found.by.index("type")
    buckets = []
    for bucket in found:
        groups: Counter[Group] = Counter()
        for group, events in bucket.groups.items():
            if group[place] not in OWN_TYPES:
                groups[group[: len(by)]] += events
        buckets.append(Bucket(bucket.start, bucket.end, dict(groups)))
    return replace(found, by=tuple(by), buckets=tuple(buckets))


def _values(given: Any) -> tuple[str, ...]:
    several = given if isinstance(given, (list, tuple, set, frozenset)) else (given,)
    return tuple(str(getattr(one, "value", one)) for one in several)
