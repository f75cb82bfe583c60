"""What an application adds to the built-in rules. It can add to them, and never weakens them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from counterfoil.errors import ConfigurationError

from .marker import KIND
from .names import joined
from .paths import Paths
from .treatment import Treatment, Verdict, stronger
from .vocabulary import BIRTH_NAMES, KINDS

_NAME = re.compile(KIND)

SENSITIVE_FIELD = Verdict("sensitive_fields", "field", Treatment.DROP, True, True)
"""What becomes of a field that `AuditOptions.sensitive_fields` names."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the application's own.

    Attributes:
        name: `[a-z][a-z0-9_]{0,31}`; stands in the marker as its kind, and in findings.
        fields: names (`salary`) and dotted paths (`details.customer.*.phone`) of fields. A name
            matches whole words of a key in any spelling. `*` stands for one key or list index;
            list levels may also be left out. A path that starts with none of the event's parts
            (details, before_state, after_state, changes, metadata, body) holds anywhere.
        pattern: a regular expression, for texts wherever they stand. It must run in linear
            time on hostile input: no nested or adjacent quantifiers over the same characters
            (`(a+)+`, `\\s*\\s*`). It must not match the empty text.
        treatment: what to do. `token` drops what is named as a PIN, a one-time code or a date
            of birth: too few values to hide behind a hash.
    """

    name: str
    fields: Sequence[str] = ()
    pattern: str | None = None
    treatment: Treatment = Treatment.DROP


class Rules:
    """The application's rules, checked and compiled. `Rules()` adds nothing to the built-in ones.

    Args:
        rules: any number of rules; where two name the same field, the more thorough treatment
            wins.

    Raises:
        ConfigurationError: a rule has a bad name, treatment or pattern, or does nothing.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        names: dict[str, Verdict] = {}
        paths: list[tuple[str, Verdict]] = []
        patterns: list[tuple[Verdict, re.Pattern[str]]] = []
        for rule in self.rules:
            verdict = _verdict(rule)
            for field in rule.fields:
                _place(field, verdict, names, paths)
            if rule.pattern is not None:
                patterns.append((verdict, _compiled(rule)))
        self.names = names
        self.paths = Paths(paths)
        self.patterns = tuple(patterns)
        self.kinds = KINDS | {rule.name for rule in self.rules}
        self._listed = tuple(paths)

    def extended(self, fields: Iterable[object]) -> Rules:
        """These rules and a call's `sensitive_fields`, which are dropped wherever they stand."""
        wider = Rules.__new__(Rules)
        wider.rules, wider.patterns, wider.kinds = self.rules, self.patterns, self.kinds
        names, paths = dict(self.names), list(self._listed)
        for field in fields:
            if issubclass(type(field), str):
                _place(str.__str__(field), SENSITIVE_FIELD, names, paths)
        wider.names, wider.paths, wider._listed = names, Paths(paths), tuple(paths)
        return wider


def _place(
    field: str, verdict: Verdict, names: dict[str, Verdict], paths: list[tuple[str, Verdict]]
) -> None:
    name = joined(field)
    dotted = "." in field.strip(".")
    if dotted:
        paths.append((field, verdict))
    if not name or "*" in field or (dotted and Paths.rooted(field)):
        return
    if name in BIRTH_NAMES and verdict.treatment is Treatment.TOKEN:
        verdict = Verdict(verdict.rule, verdict.kind, Treatment.DROP, True, True)
    names[name] = stronger(names.get(name), verdict) or verdict


def _verdict(rule: Rule) -> Verdict:
    if not isinstance(rule.name, str) or _NAME.fullmatch(rule.name) is None:
        raise ConfigurationError(
            "A redaction rule's name is not of the form [a-z][a-z0-9_]{0,31}.",
            remedy="Name it in lower case, with digits and underscores: employee_number.",
        )
    if isinstance(rule.fields, str) or not all(isinstance(field, str) for field in rule.fields):
        raise ConfigurationError(
            f"The fields of the redaction rule {rule.name!r} are not a list of names.",
            remedy='Give a list: fields=["salary", "details.customer.*.phone"].',
        )
    if not rule.fields and rule.pattern is None:
        raise ConfigurationError(
            f"The redaction rule {rule.name!r} names neither fields nor a pattern.",
            remedy="Give it fields, a pattern, or both.",
        )
    try:
        treatment = Treatment(rule.treatment)
    except ValueError:
        raise ConfigurationError(
            f"The redaction rule {rule.name!r} has an unknown treatment.",
            remedy=f"Use one of: {', '.join(Treatment)}.",
        ) from None
    return Verdict(rule.name, rule.name, treatment, numbers=True, everything=True)


def _compiled(rule: Rule) -> re.Pattern[str]:
    try:
        pattern = re.compile(rule.pattern or "")
    except (re.error, TypeError, OverflowError, RecursionError) as error:
        raise ConfigurationError(
            f"The pattern of the redaction rule {rule.name!r} does not compile: {error}.",
            remedy="Write it in the syntax of Python's re module.",
        ) from error
    if pattern.search("") is not None:
        raise ConfigurationError(
            f"The pattern of the redaction rule {rule.name!r} matches the empty text.",
            remedy="Require at least one character.",
        )
    return pattern
