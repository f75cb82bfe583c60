"""What redaction does with a value, and how it reports that it did."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum


class Treatment(StrEnum):
    """What is left behind in a value's place, from the most to the least thorough.

    Where several rules name the same value, the most thorough wins: a rule can be
    added, and never weakens another.
    """

    DROP = "drop"
    """`[redacted:<kind>]`: no length, no prefix, no hash."""

    LAST4 = "last4"
    """The last four characters, and those only of values of 12 characters or more."""

    TOKEN = "token"  # noqa: S105 - the treatment's name
    """A keyed hash, so that equal values can still be matched."""

    GENERALISE = "generalise"
    """A network instead of an address, a year instead of a date."""


STRENGTH: dict[Treatment, int] = {treatment: rank for rank, treatment in enumerate(Treatment)}
"""Rank by thoroughness: 0 is the most thorough."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a key's name says about the value beside it.

    Attributes:
        rule: the name of the rule that fired.
        kind: what the marker calls the value.
        treatment: what to do with it.
        numbers: whether numbers are treated too; built-in rules leave most of them alone.
        everything: whether booleans are treated too: the caller named this field.
        needs: what a text must hold to be treated at all.
        spares: what a text must be as a whole to pass, as `yes` under `has_password`.
        whole: a list or dict under the name goes as a whole, not member by member.
        records: but a dict that describes the secret (its id, its scopes) is kept but for it.
        otherwise: what holds for values that this verdict leaves alone.
    """

    rule: str
    kind: str
    treatment: Treatment
    numbers: bool = False
    everything: bool = False
    needs: re.Pattern[str] | None = None
    spares: re.Pattern[str] | None = None
    whole: bool = True
    records: bool = True
    otherwise: Verdict | None = None


def stronger(one: Verdict | None, other: Verdict | None) -> Verdict | None:
    """Of two verdicts the more thorough; the other holds for what that one leaves alone."""
    if one is None or other is None or one == other:
        return one or other
    first, second = one, other
    ranks = STRENGTH[other.treatment], STRENGTH[one.treatment]
    if ranks[0] < ranks[1] or (ranks[0] == ranks[1] and other.everything):
        first, second = other, one
    leaves = first.needs is not None or first.spares is not None or not first.numbers
    if first.everything or not (leaves or second.everything):
        return first
    return replace(first, otherwise=stronger(first.otherwise, second))


@dataclass(frozen=True, slots=True)
class Finding:
    """One redaction, without the value.

    Attributes:
        path: where, as an RFC 6901 pointer that starts with the part's name.
        rule: the name of the rule that fired.
        treatment: what was done.
    """

    path: str
    rule: str
    treatment: Treatment
