"""What one pass over an event's values carries along: the rules in force, and what they found."""

from __future__ import annotations

import re

from . import marker
from .names import Names
from .personal import generalised
from .plain import visible
from .rules import Rules
from .tokens import Tokens
from .treatment import Finding, Treatment, Verdict

_CARD_LENGTH = range(12, 20)
_IBAN_LENGTH = range(15, 35)


class Scan:
    """One pass.

    Attributes:
        rules: the rules in force.
        names: verdicts on names under these rules.
        tokens: makes tokens; without it what is due a token is dropped.
        company_id: whose tokens.
        findings: filled where the pass is to be explained.
        hits: how many values were treated so far.
        lossy: whether something was left out that was not looked at (too deep, too large).
        where: the pointer to the value that is being looked at; kept only for findings.
    """

    __slots__ = (
        "company_id",
        "findings",
        "hits",
        "lossy",
        "names",
        "rules",
        "tokens",
        "where",
    )

    def __init__(
        self,
        rules: Rules,
        names: Names,
        tokens: Tokens | None = None,
        company_id: str | None = None,
        findings: list[Finding] | None = None,
    ) -> None:
        self.rules = rules
        self.names = names
        self.tokens = tokens
        self.company_id = company_id
        self.findings = findings
        self.hits = 0
        self.lossy = False
        self.where = ""

    def found(self, rule: str, treatment: Treatment) -> None:
        """Take note of one redaction."""
        self.hits += 1
        if self.findings is not None:
            self.findings.append(Finding(self.where, rule, treatment))

    def dropped(self, rule: str, kind: str) -> str:
        """The marker for a value that a pattern found."""
        self.found(rule, Treatment.DROP)
        return marker.dropped(kind)

    def treated(self, verdict: Verdict, text: str, left: str | None = None) -> str | None:
        """What stands in the place of `text` under a verdict; None where it may stay.

        A mark that the same treatment, or the dropping of a value, left behind stays as it is.

        Args:
            verdict: the verdict of the name beside it.
            text: the value.
            left: what cleaning leaves of it, where that is known: what the verdict asks for
                may stand in either.
        """
        if not text:
            return None
        held = marker.treatment_of(text, self.rules.kinds)
        if held is Treatment.DROP or (held is not None and held in _treatments(verdict)):
            return None
        current: Verdict | None = verdict
        while current is not None:
            if self.applies(current, text, left):
                replaced = self._treated(current, text)
                if replaced == text:
                    return None
                self.found(current.rule, current.treatment)
                return replaced
            current = current.otherwise
        return None

    def applies(self, verdict: Verdict, text: str, left: str | None = None) -> bool:
        """Whether a verdict means a text of this form."""
        if verdict.spares is not None and verdict.spares.fullmatch(text) is not None:
            return False
        if verdict.needs is None:
            return True
        kinds = self.rules.kinds
        return any(
            verdict.needs.search(marker.blanked(visible(form), kinds)) is not None
            for form in (text, left)
            if form is not None
        )

    def _treated(self, verdict: Verdict, text: str) -> str:
        kind = verdict.kind
        if verdict.treatment is Treatment.DROP:
            return marker.dropped(kind)
        if verdict.treatment is Treatment.LAST4:
            return _last4(kind, text)
        if verdict.treatment is Treatment.GENERALISE:
            return generalised(text) or marker.dropped(kind)
        if self.tokens is None:
            return marker.dropped(kind)
        return self.tokens.token(kind, text, self.company_id)


def _treatments(verdict: Verdict) -> list[Treatment]:
    treatments = []
    current: Verdict | None = verdict
    while current is not None:
        treatments.append(current.treatment)
        current = current.otherwise
    return treatments


def _last4(kind: str, text: str) -> str:
    if kind not in ("pan", "iban"):
        return marker.last4(kind, text)
    # Beside a card number its expiry or CVV may stand: then none of it is shown.
    bare = re.sub(r"[ -]", "", text)
    if not (bare.isascii() and bare.isalnum()):
        return marker.dropped(kind)
    if kind == "iban":
        country = bare[:2].upper()
        fits = len(bare) in _IBAN_LENGTH and country.isalpha()
        return marker.last4(kind, bare.upper(), country=country) if fits else marker.dropped(kind)
    fits = len(bare) in _CARD_LENGTH and bare.isdigit()
    return marker.last4(kind, bare) if fits else marker.dropped(kind)
