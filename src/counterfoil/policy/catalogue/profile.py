"""Profiles: the periods that a law or a standard asks for, laid over the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from .rule import Rule

SIX_YEARS = 2192  # days: any six years on end hold at most two leap days


@dataclass(frozen=True, slots=True)
class Profile:
    """A way to keep all types, chosen by name.

    Attributes:
        name: the setting's value.
        purpose: for whom it is, in a few words.
        floor: the fewest days that an event and its disclosures are kept; 0 asks nothing.
        period: the days that every type is kept for, in place of the table's; ``None``
            leaves the table's.
    """

    name: str
    purpose: str
    floor: int = 0
    period: int | None = None

    def apply(self, rule: Rule) -> Rule:
        """The rule under this profile. A period without an end stays without one."""
        return replace(
            rule,
            disclosure_days=self._days(rule.disclosure_days),
            event_days=self._days(rule.event_days),
        )

    def _days(self, days: int | None) -> int | None:
        if days is None:
            return None
        return max(days if self.period is None else self.period, self.floor)


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile("seed", "90 days for every type, the contract's own default", period=90),
            Profile("baseline", "the table as it stands; the default"),
            Profile("pci", "PCI DSS 10.5.1: twelve months at least", floor=366),
            Profile("hipaa", "HIPAA, 45 CFR 164.316(b)(2): six years", floor=SIX_YEARS),
            Profile("finance", "financial records: six years", floor=SIX_YEARS),
            Profile("sec", "SEC rule 17a-4: six years", floor=SIX_YEARS),
        )
    }
)
