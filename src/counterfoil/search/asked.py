"""Asked: a search as the filters of a query."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

import orjson

from counterfoil.base import AuditLogLevel
from counterfoil.errors import InputError, SearchError
from counterfoil.record.entry import OUTCOMES
from counterfoil.wording.moment import parse_moment

from .fields import FILTERS, OBJECTS, RESOURCE
from .terms import FieldTerm, Term, TextTerm, Value
from .words import Phrase

_CHOICES = {
    "level": tuple(level.value for level in AuditLogLevel),
    "min-level": tuple(level.value for level in AuditLogLevel),
    "outcome": tuple(OUTCOMES),
}
_TIMES = ("since", "until")


def filters_of(terms: Iterable[Term], *, now: datetime, types: Collection[str]) -> dict[str, Any]:
    """The filters that a search stands for, as ``AuditLog.query`` takes them.

    Args:
        terms: from :func:`counterfoil.search.language.parse`.
        now: what relative times count from; an aware time. Times without a zone are UTC's.
        types: the event types that ``*`` in ``type:`` can stand for.

    Raises:
        SearchError: a term means nothing, or contradicts another; it says where.
    """
    asked = _Asked(now, types)
    for term in terms:
        asked.add(term)
    return asked.filters()


class _Asked:
    def __init__(self, now: datetime, types: Collection[str]) -> None:
        self._now = now
        self._types = types
        self._found: dict[str, Any] = {}
        self._excluded: dict[str, list[str]] = {}
        self._text: list[str] = []
        self._without_text: list[str] = []

    def add(self, term: Term) -> None:
        if isinstance(term, TextTerm):
            self._add_text(term)
        elif term.name == RESOURCE:
            self._add_resource(term)
        elif term.name in FILTERS:
            self._add_values(term)
        elif term.name.partition(".")[0] in OBJECTS:
            self._add_member(term)
        else:
            self._add_single(term)

    def filters(self) -> dict[str, Any]:
        found = dict(self._found)
        if self._text:
            found["text"] = self._text
        if self._without_text:
            self._excluded["text"] = self._without_text
        if self._excluded:
            found["exclude"] = self._excluded
        return found

    def _add_text(self, term: TextTerm) -> None:
        value = term.value
        try:
            Phrase.of(value.text, literal=value.quoted)
        except InputError as error:
            raise _error(term, error.message, error.remedy) from None
        # A query's own texts know no quotes: a star that is meant as one is no letter anyway.
        text = value.text.rstrip("*") if value.quoted else value.text
        (self._without_text if term.negated else self._text).append(text)

    def _add_values(self, term: FieldTerm) -> None:
        name = FILTERS[term.name]
        values: list[str] = []
        for value in term.values:
            values += self._values(term, value)
        if term.negated:
            self._excluded.setdefault(name, []).extend(values)
            return
        # The same field twice must hold twice: the values that both allow.
        before = self._found.get(name)
        kept = values if before is None else [value for value in before if value in values]
        if not kept:
            raise _error(
                term,
                "No event can match: the field is asked for twice with different values.",
                f"Name the values in one term: {term.name}:one,two.",
            )
        self._found[name] = list(dict.fromkeys(kept))

    def _values(self, term: FieldTerm, value: Value) -> list[str]:
        if term.name in _CHOICES:
            return [_choice(term, value)]
        if value.quoted or "*" not in value.text:
            return [value.text]
        if term.name != "type":
            raise _error(
                value,
                "Only type: and free text take a star.",
                "Write the whole value, or put it in quotes where the star belongs to it.",
            )
        matching = sorted(name for name in self._types if fnmatchcase(name, value.text))
        if not matching:
            raise _error(
                value,
                "No event type's name is like this.",
                "Write a type in whole, or fewer letters before the star.",
            )
        return matching

    def _add_resource(self, term: FieldTerm) -> None:
        if term.negated:
            raise _error(term, "resource: cannot be left out.", "Leave out the minus sign.")
        pairs = [value.text.partition("/") for value in term.values]
        kinds = {kind if slash else None for kind, slash, _ in pairs}
        names = [name if slash else kind for kind, slash, name in pairs]
        if len(kinds) > 1 or (len(names) > 1 and "" in names):
            raise _error(
                term,
                "Several resources must be of one type.",
                "Write resource:order/1,order/2, or leave the type out: resource:1,2.",
            )
        self._once(term, "resource_type", next(iter(kinds)) or None)
        self._once(term, "resource_id", [name for name in names if name] or None)

    def _add_member(self, term: FieldTerm) -> None:
        if term.negated or len(term.values) > 1:
            raise _error(
                term,
                "A member of an object has one value, and no minus sign.",
                "Write for example details.reason:supplier.",
            )
        value = term.values[0]
        *around, last = term.name.split(".")
        inside = self._found
        for name in around:
            inside = inside.setdefault(name, {})
            if not isinstance(inside, dict):
                raise _error(term, "The member is asked for twice.", "Leave one of the two out.")
        if last in inside or not last:
            raise _error(term, "The member is asked for twice.", "Leave one of the two out.")
        inside[last] = value.text if value.quoted else _json(value.text)

    def _add_single(self, term: FieldTerm) -> None:
        if term.negated or len(term.values) > 1:
            raise _error(
                term, f"{term.name}: takes one value, and no minus sign.", "Leave the others out."
            )
        value = term.values[0]
        if term.name not in _TIMES:
            self._once(term, "min_level", _choice(term, value))
            return
        try:
            moment = parse_moment(value.text, self._now, utc=True)
        except InputError as error:
            raise _error(value, error.message, error.remedy) from None
        since, until = self._found.get("since"), self._found.get("until")
        since = moment if term.name == "since" else since
        until = moment if term.name == "until" else until
        if since is not None and until is not None and since > until:
            raise _error(term, "since: is later than until:.", "Give since: the earlier time.")
        self._once(term, term.name, moment)

    def _once(self, term: FieldTerm, name: str, value: Any) -> None:
        if value is None:
            return
        if name in self._found:
            raise _error(term, f"{term.name}: is there twice.", "Leave one of the two out.")
        self._found[name] = value


def _choice(term: FieldTerm, value: Value) -> str:
    choices = _CHOICES[term.name]
    chosen = value.text.lower()
    if chosen not in choices:
        raise _error(value, "There is no such value.", f"Use one of: {', '.join(choices)}.")
    return chosen


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _error(where: Term | Value, message: str, remedy: str) -> SearchError:
    return SearchError(message, remedy=remedy, start=where.start, end=where.end)
