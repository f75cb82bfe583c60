"""The search language: ``type:price_changed user:u-7 -outcome:failure since:7d "new supplier"``.

A search is terms with blanks between them; all of them must hold. A term is ``field:value`` or
free text; values with commas between them mean any of them; ``-`` before a term means that it
must not hold. Double quotes keep blanks, commas and colons, and a backslash in them keeps a quote
or a backslash. ``*`` stands for any characters in ``type:``, and ends a word of free text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from counterfoil.errors import SearchError

from .fields import FIELDS, canonical, nearest
from .terms import FieldTerm, Term, Terms, TextTerm, Value

#: The longest search, in characters, and its most terms.
MAX_LENGTH = 4_000
MAX_TERMS = 100

_BLANK = re.compile(r"\s+")
#: What begins a field's term. Digits first are a time of day or an address, not a field.
_FIELD = re.compile(r"([A-Za-z][\w./~-]*):")
_BARE_VALUE = re.compile(r'[^\s",]+')
_BARE_TEXT = re.compile(r'[^\s"]+')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def parse(text: str) -> Terms:
    """Read a search.

    Raises:
        SearchError: it cannot be read; ``start`` and ``end`` say where, ``suggestion`` is the
            whole search as it was probably meant, where that can be told.
    """
    if len(text) > MAX_LENGTH:
        raise SearchError(
            f"The search has more than {MAX_LENGTH:,} characters.",
            remedy="Make it shorter.",
            start=MAX_LENGTH,
            end=len(text),
        )
    return tuple(_Parser(text).terms())


def format_terms(terms: Iterable[Term]) -> str:
    """The search that reads as these terms."""
    return " ".join(_format(term) for term in terms)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def terms(self) -> Iterable[Term]:
        count = 0
        while self._skip_blanks():
            count += 1
            if count > MAX_TERMS:
                raise self._error(
                    f"The search has more than {MAX_TERMS} terms.", "Leave some out.", self._at
                )
            yield self._term()

    def _skip_blanks(self) -> bool:
        if blank := _BLANK.match(self._text, self._at):
            self._at = blank.end()
        return self._at < len(self._text)

    def _term(self) -> Term:
        start = self._at
        negated = self._text[start] == "-" and not _blank_at(self._text, start + 1)
        self._at += negated
        if found := _FIELD.match(self._text, self._at):
            return self._field(start, found, negated=negated)
        value = self._value(_BARE_TEXT)
        self._check_end(value)
        return TextTerm(value, negated, start, self._at)

    def _field(self, start: int, found: re.Match[str], *, negated: bool) -> FieldTerm:
        name = canonical(found[1])
        if name is None:
            raise self._unknown(found)
        self._at = found.end()
        values = []
        while True:
            if _blank_at(self._text, self._at) or self._text[self._at] == ",":
                raise self._error(
                    "A value is missing.",
                    f'Write for example {name}:value, or {name}:"a value with blanks".',
                    start,
                )
            values.append(self._value(_BARE_VALUE))
            if self._text[self._at : self._at + 1] != ",":
                break
            self._at += 1
        self._check_end(values[-1])
        return FieldTerm(name, tuple(values), negated, start, self._at)

    def _value(self, bare: re.Pattern[str]) -> Value:
        start = self._at
        if self._text[start] == '"':
            found = _QUOTED.match(self._text, start)
            if found is None:
                raise SearchError(
                    "A quote is not closed.",
                    remedy='Add a closing " where the text ends.',
                    start=start,
                    end=len(self._text),
                    suggestion=f'{self._text.rstrip()}"',
                )
            self._at = found.end()
            return Value(_ESCAPE.sub(r"\1", found[1]), True, start, self._at)
        found = bare.match(self._text, start)
        assert found is not None, "neither a blank, nor a comma, nor a quote"
        self._at = found.end()
        return Value(found[0], False, start, self._at)

    def _check_end(self, value: Value) -> None:
        if not _blank_at(self._text, self._at):
            raise SearchError(
                "A quote stands in the middle of a word.",
                remedy="Put the whole value in quotes, or a blank before and after it.",
                start=value.start,
                end=self._at + 1,
            )

    def _unknown(self, found: re.Match[str]) -> SearchError:
        close = nearest(found[1])
        suggestion = None
        if close is not None:
            suggestion = f"{self._text[: found.start()]}{close}:{self._text[found.end() :]}"
        return SearchError(
            "There is no field of that name.",
            remedy=(f"Did you mean {close}:? " if close else f"Fields: {', '.join(FIELDS)}. ")
            + "To look for it as text, put it in quotes.",
            start=found.start(),
            end=found.end(),
            suggestion=suggestion,
        )

    def _error(self, message: str, remedy: str, start: int) -> SearchError:
        return SearchError(message, remedy=remedy, start=start, end=max(self._at, start + 1))


def _blank_at(text: str, at: int) -> bool:
    return at >= len(text) or text[at].isspace()


def _format(term: Term) -> str:
    sign = "-" if term.negated else ""
    if isinstance(term, FieldTerm):
        return f"{sign}{term.name}:{','.join(map(_format_value, term.values))}"
    return sign + _format_value(term.value)


def _format_value(value: Value) -> str:
    if not value.quoted:
        return value.text
    escaped = value.text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def value_of(text: str) -> Value:
    """A value that is taken as it is, in quotes only where it needs them."""
    plain = _BARE_VALUE.fullmatch(text) and "*" not in text
    return Value(text, quoted=not plain)
