"""Asking: what the address of a page asks of the log."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from counterfoil.access import ScopedLog
from counterfoil.base import AuditEventType
from counterfoil.errors import KeyFileError, QueryError, SearchError
from counterfoil.log.read.page import Page
from counterfoil.policy.catalogue.table import LOG_RULES
from counterfoil.search.asked import filters_of
from counterfoil.search.language import format_terms, parse, value_of
from counterfoil.search.terms import FieldTerm, Term, Terms

#: Events on one page.
PAGE: Final = 50
#: Seconds that a search may take: some have to read their way through the log.
PATIENCE: Final = 15.0
_KNOWN_TYPES = frozenset({*(member.value for member in AuditEventType), *LOG_RULES})
_RANGE = ("since", "until")


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as somebody typed it, and what it stands for.

    Attributes:
        typed: the text.
        terms: its terms; none where it cannot be read.
        filters: the filters that they stand for.
        error: why it cannot be read.
    """

    typed: str
    terms: Terms = ()
    filters: dict[str, Any] = field(default_factory=dict)
    error: SearchError | None = None

    def values(self, name: str) -> list[str]:
        """The values that a field is asked for, without those left out."""
        return [
            value.text
            for term in self.terms
            if isinstance(term, FieldTerm) and term.name == name and not term.negated
            for value in term.values
        ]

    def toggled(self, name: str, value: str) -> str:
        """The search with one of a field's values more, or less where it is there."""
        wanted = self.values(name)
        wanted = [one for one in wanted if one != value] if value in wanted else [*wanted, value]
        others = [term for term in self.terms if not _is_of(term, (name,))]
        if wanted:
            others.append(FieldTerm(name, tuple(map(value_of, wanted))))
        return format_terms(others)

    def without(self, term: Term) -> str:
        """The search without one of its terms."""
        return format_terms(one for one in self.terms if one is not term)

    def between(self, since: str | None, until: str | None) -> str:
        """The search with another range of time; None leaves an end open."""
        terms = [term for term in self.terms if not _is_of(term, _RANGE)]
        for name, moment in (("since", since), ("until", until)):
            if moment is not None:
                terms.append(FieldTerm(name, (value_of(moment),)))
        return format_terms(terms)

    @property
    def chips(self) -> list[tuple[str, str]]:
        """Each term as text, and the search without it."""
        return [(format_terms([term]), self.without(term)) for term in self.terms]


async def ask(log: ScopedLog, typed: str, now: datetime | None = None) -> Asked:
    """Read a search; what cannot be read is an :class:`Asked` with its error."""
    try:
        terms = parse(typed)
        types: Collection[str] = _KNOWN_TYPES
        if any(_has_star(term) for term in terms):
            types = _KNOWN_TYPES | await _recorded_types(log)
        filters = filters_of(terms, now=now or datetime.now(UTC), types=types)
    except SearchError as error:
        return Asked(typed, error=error)
    return Asked(typed, terms, filters)


async def find(log: ScopedLog, asked: Asked, cursor: str | None, limit: int = PAGE) -> Page:
    """A page of the events that a search finds, the newest first.

    Raises:
        QueryError: see ``ScopedLog.query``; or it takes too long.
        CursorError, ForbiddenError: see ``ScopedLog.query``.
    """
    filters = with_tokens(log, asked.filters)
    try:
        async with asyncio.timeout(PATIENCE):
            return await log.query(limit=limit, cursor=cursor, **filters)
    except TimeoutError:
        raise QueryError(
            "The search takes too long.",
            remedy="Choose a shorter range of time, or add a user, a resource or a type.",
        ) from None


def with_tokens(log: ScopedLog, filters: dict[str, Any]) -> dict[str, Any]:
    """The filters, with the tokens that stand in the log for a session's id in clear."""
    sessions = filters.get("session_id")
    if not sessions:
        return filters
    companies = filters.get("company_id") or [log.principal.company]
    found = list(sessions)
    try:
        for company in companies:
            for session in sessions:
                found += log.tokens(session, company_id=company)
    except KeyFileError:
        # A process without the keys finds what was recorded in clear, and tokens as such.
        return filters
    return {**filters, "session_id": found}


async def _recorded_types(log: ScopedLog) -> frozenset[str]:
    counts = await log.timeline("day", by=["type"], fill=False)
    return frozenset(str(group[0]) for group in counts.series())


def _is_of(term: Term, names: Iterable[str]) -> bool:
    return isinstance(term, FieldTerm) and term.name in names and not term.negated


def _has_star(term: Term) -> bool:
    return (
        isinstance(term, FieldTerm)
        and term.name == "type"
        and any("*" in value.text and not value.quoted for value in term.values)
    )
