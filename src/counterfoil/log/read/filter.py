"""Filters: which events a reader asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import takewhile
from types import MappingProxyType
from typing import Any, Final

import orjson

from counterfoil.errors import QueryError
from counterfoil.log.company_logs import DEFAULT_LOG
from counterfoil.log.write.intake import check_log_name
from counterfoil.record import Event, EventRow
from counterfoil.record.entry import LEVEL_NUMBERS, OUTCOME_NUMBERS
from counterfoil.record.instant import rfc3339
from counterfoil.search.text_index import TextIndex
from counterfoil.search.words import Phrase, event_text

from .containment import holds, text, traces
from .criteria import (
    MAX_VALUES,
    Filters,
    read_event_type,
    read_levels,
    read_members,
    read_outcome,
    read_time,
    read_values,
    unknown,
)

DIGEST_BYTES: Final = 4

_COLUMNS = (
    "user_id",
    "ip_address",
    "session_id",
    "request_id",
    "company_id",
    "resource_id",
    "resource_type",
)
#: Fields inside a disclosure: where it is stored, and their name there.
_INSIDE = {"user_agent": ("client", b"user_agent"), "actor_kind": ("actor", b"kind")}
_PEOPLE = ("on_behalf_of", "impersonator", "subject")
_MEMBERS = {
    "before_state": "state",
    "after_state": "state",
    "changes": "state",
    "details": "details",
    "metadata": "details",
}
_TIMES = ("since", "until", "occurred_since", "occurred_until")
#: Columns whose values each belong to a small part of a log.
_TELLING = frozenset(_COLUMNS) - {"resource_type"}
#: Columns by which the roll-ups count, and the name that each has there.
ROLLED_UP: Final = MappingProxyType(
    {"company_id": "company", "type": "type", "level": "level", "outcome": "outcome"}
)
#: Filters that can be turned around.
_EXCLUDABLE = frozenset({*_COLUMNS, *_INSIDE, *_PEOPLE, "event_type", "level", "outcome", "text"})
#: The member of the metadata that is stored as a disclosure of its own.
_BODY = "request_body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What events must be like. Made by :meth:`of`.

    Attributes:
        log: the log's name; ``anywhere``: whether none was named (``reach``).
        equal: column of the event's row -> the values of which it must have one.
        among: field without a column -> likewise.
        members: field -> the members that its object must contain.
        text: phrases that must all occur.
        exclude: filters of which none may match.
        lookup: where words are looked up; without it events are read and compared.
        since, until, occurred_since, occurred_until: microseconds since the Unix epoch; the
            first of each pair belongs to the range, the second does not.
    """

    log: str = DEFAULT_LOG
    anywhere: bool = True
    equal: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    among: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    members: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    text: tuple[Phrase, ...] = ()
    exclude: tuple[Filter, ...] = ()
    lookup: TextIndex | None = field(default=None, compare=False, repr=False)
    since: int | None = None
    until: int | None = None
    occurred_since: int | None = None
    occurred_until: int | None = None

    @classmethod
    def of(cls, **filters: Any) -> Filter:
        """A filter from the keyword arguments that :class:`Filters` lists.

        Raises:
            QueryError: a name is unknown, a value cannot be used, or nothing could match.
        """
        given = {name: value for name, value in filters.items() if value is not None}
        for name in filters:
            if name not in Filters.__annotations__:
                raise unknown(name)
        times = {name: read_time(name, given[name]) for name in _TIMES if name in given}
        for first, end in (("since", "until"), ("occurred_since", "occurred_until")):
            if first in times and end in times and times[first] > times[end]:
                raise QueryError(
                    f"{first} is later than {end}.", remedy=f"Give {first} the earlier time."
                )
        equal: dict[str, tuple[Any, ...]] = {
            name: read_values(name, given[name], text) for name in _COLUMNS if name in given
        }
        if "" in equal.get("company_id", ()):
            raise QueryError("No company_id is ever empty.", remedy="Leave company_id out.")
        if "event_type" in given:
            equal["type"] = read_values("event_type", given["event_type"], read_event_type)
        equal |= read_levels(given)
        if "outcome" in given:
            equal["outcome"] = read_values("outcome", given["outcome"], read_outcome)
        among = {
            name: read_values(name, given[name], text)
            for name in (*_INSIDE, *_PEOPLE)
            if name in given
        }
        if sum(len(values) for values in (*equal.values(), *among.values())) > MAX_VALUES:
            raise QueryError(
                f"The filters have more than {MAX_VALUES:,} values together.",
                remedy="Ask several times, for some of the values each.",
            )
        phrases: tuple[Phrase, ...] = ()
        if "text" in given:
            phrases = read_values("text", given["text"], lambda one: Phrase.of(text(one)))
        return cls(
            log=check_log_name(given.get("log", DEFAULT_LOG)),
            anywhere="log" not in given,
            equal=equal,
            among=among,
            members={name: read_members(name, given[name]) for name in _MEMBERS if name in given},
            text=phrases,
            exclude=cls._excluded(given.get("exclude") or {}),
            since=times.get("since"),
            until=times.get("until"),
            occurred_since=times.get("occurred_since"),
            occurred_until=times.get("occurred_until"),
        )

    @classmethod
    def _excluded(cls, given: Mapping[str, Any]) -> tuple[Filter, ...]:
        """One filter for each that must not match; for texts, one for each text."""
        found = []
        for name, values in given.items():
            if name not in _EXCLUDABLE:
                raise QueryError(
                    "exclude holds what cannot be excluded.",
                    remedy=f"Use any of: {', '.join(sorted(_EXCLUDABLE))}.",
                )
            alone = cls.of(**{name: values})
            if not (alone.equal or alone.among or alone.text):
                raise QueryError("exclude leaves nothing.", remedy="Exclude fewer values.")
            found += [cls(text=(one,)) for one in alone.text] or [alone]
        return tuple(found)

    def from_any_time(self) -> Filter:
        """The same without its ``since``."""
        return replace(self, since=None)

    @property
    def is_exact(self) -> bool:
        """Whether columns and a range of positions decide, and no event need be decoded."""
        occurred = self.occurred_since is not None or self.occurred_until is not None
        return not (self.among or self.members or self.text or self.exclude or occurred)

    @property
    def is_telling(self) -> bool:
        """Whether an index leads to a small part of the log."""
        return bool(self.people) or not _TELLING.isdisjoint(self.equal)

    @property
    def is_narrow(self) -> bool:
        """Whether an index leads to so few events that reading them is the way to find words.

        A company's events are many, and the text index tells companies apart.
        """
        narrow = _TELLING - {"company_id"}
        return bool(self.people) or not narrow.isdisjoint(self.equal)

    @property
    def rollup(self) -> dict[str, tuple[Any, ...]] | None:
        """The filter as the roll-ups know it, times apart; None where they cannot answer it."""
        if not self.is_exact or not self.equal.keys() <= ROLLED_UP.keys():
            return None
        return {ROLLED_UP[column]: values for column, values in self.equal.items()}

    @property
    def people(self) -> tuple[str, ...]:
        """Further people of whom every matching event names one; empty where any will do."""
        asked = [self.among[name] for name in _PEOPLE if name in self.among]
        return min(asked, key=len, default=())

    @property
    def contains(self) -> list[tuple[str, bytes]]:
        """(column of bytes, bytes that occur in it) of every matching event."""
        found = []
        if moments := self._occurred_prefix():
            found.append(("entry", f'"occurred_at":"{moments}'.encode()))
        for name, (column, key) in _INSIDE.items():
            if name in self.among:
                values = self.among[name]
                beginning = orjson.dumps(values[0]) if len(values) == 1 else b'"'
                found.append((column, b'"%b":%b' % (key, beginning)))
        for name, wanted in self.members.items():
            # The request's body is shown among the metadata, and stored by itself.
            within = {
                key: item for key, item in wanted.items() if (name, key) != ("metadata", _BODY)
            }
            if within:
                found.extend((_MEMBERS[name], trace) for trace in traces({name: within}))
        return found

    def _occurred_prefix(self) -> str:
        """What the texts of all times from ``occurred_since`` to ``occurred_until`` begin with."""
        first, end = self.occurred_since, self.occurred_until
        if first is None or end is None or first >= end:
            return ""
        pairs = zip(rfc3339(first), rfc3339(end - 1), strict=True)
        return "".join(one for one, other in takewhile(lambda pair: pair[0] == pair[1], pairs))

    def digest(self) -> bytes:
        """A few bytes that differ for another filter. They guard against slips, not malice."""
        what = [
            self.log,
            {name: sorted(values) for name, values in self.equal.items()},
            {name: sorted(values) for name, values in self.among.items()},
            self.members,
            [[one.words, one.prefix] for one in self.text],
            [one.digest().hex() for one in self.exclude],
            self.since,
            self.until,
            self.occurred_since,
            self.occurred_until,
        ]
        return sha256(orjson.dumps(what, option=orjson.OPT_SORT_KEYS)).digest()[:DIGEST_BYTES]

    def admits(self, row: EventRow) -> bool:
        """Whether a row's times match, before it is decoded."""
        return _within(row.recorded_at, self.since, self.until) and _within(
            row.occurred_at, self.occurred_since, self.occurred_until
        )

    def matches(self, event: Event) -> bool:
        """Whether an event matches by what its entry and disclosures say, times apart."""
        return (
            all(_column(event, name) in values for name, values in self.equal.items())
            and all(self._names(event, name) for name in self.among)
            and all(holds(getattr(event, name), wanted) for name, wanted in self.members.items())
            and self._says(event)
            and not any(one.matches(event) for one in self.exclude)
        )

    def _says(self, event: Event) -> bool:
        if not self.text:
            return True
        said = event_text(event)
        return all(phrase.occurs(said) for phrase in self.text)

    def _names(self, event: Event, name: str) -> bool:
        values = self.among[name]
        if name == "subject":
            return not set(values).isdisjoint(event.subjects)
        return getattr(event, name) in values


def _within(moment: int, since: int | None, until: int | None) -> bool:
    return (since is None or since <= moment) and (until is None or moment < until)


def _column(event: Event, name: str) -> Any:
    if name == "level":
        return LEVEL_NUMBERS[event.level.value]
    if name == "outcome":
        return OUTCOME_NUMBERS[event.outcome]
    return getattr(event, name)
