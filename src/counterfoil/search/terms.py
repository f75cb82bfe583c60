"""Terms: what a search consists of, once it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a field, or one free text.

    Attributes:
        text: what was typed, without quotes.
        quoted: whether it stood in quotes: then it is taken as it is, ``*`` and numbers too.
        start, end: where it stood in the search, for messages; equality leaves them out.
    """

    text: str
    quoted: bool = False
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """``field:value,value``: the field has one of the values; with ``-`` before, none of them."""

    name: str
    values: tuple[Value, ...]
    negated: bool = False
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TextTerm:
    """Free text: these words, side by side, somewhere in the event; with ``-``, nowhere."""

    value: Value
    negated: bool = False
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


Term: TypeAlias = FieldTerm | TextTerm
Terms: TypeAlias = tuple[Term, ...]
