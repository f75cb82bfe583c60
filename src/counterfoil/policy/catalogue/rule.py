"""A rule: how the events of one type are recorded where the call does not say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Literal

from counterfoil.base import AuditLogLevel
from counterfoil.errors import ConfigurationError

Outcome = Literal["success", "failure", "unknown"]

#: The longest period, in days: as many as the calendar has between the years 1 and 9999.
MAX_DAYS = (date.max - date.min).days


class FailureMode(StrEnum):
    """What becomes of an event while the log cannot be written."""

    BLOCK = "block"
    """The call raises unless the event is committed, so that the action can be refused."""

    SPOOL = "spool"
    """The event goes into a durable local spool and is delivered later."""


class PersonalData(StrEnum):
    """The most delicate class of personal data that a type's events usually hold."""

    NONE = "none"
    INTERNAL_IDS = "internal ids"
    IDENTIFIERS = "identifiers"
    SENSITIVE = "sensitive"
    SECRETS_LIKELY = "secrets likely"
    PSEUDONYMS = "pseudonyms"
    CONSENT = "proof of consent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How the events of one type are recorded where the call does not say.

    Attributes:
        event_type: the name that is recorded.
        level: the level where the caller names none.
        disclosure_days: how long identities, states and details are kept, in days from the
            recording; ``None`` for as long as the event.
        event_days: how long the event is kept, in days from the recording; ``None`` for
            ever.
        personal_data: what the events usually hold.
        on_failure: what becomes of an event while the log cannot be written.
        outcome: the outcome where the caller names none.
        drop: members that are never kept, wherever they stand in details, metadata, states,
            changes or body. Names are whole keys in snake case, compared as redaction
            normalises keys; a number, a boolean or null under such a name stays, since a
            count is not content.
        tokenise: members whose values become tokens, named likewise.
        anonymize: whether the events are pseudonymised even where the caller does not ask.
        actor_details: whether the details are about the actor, so that erasing the actor
            erases them too.

    Raises:
        ConfigurationError: a period is not from 1 to `MAX_DAYS`, or the disclosures would
            outlive their event.
    """

    event_type: str
    level: AuditLogLevel
    disclosure_days: int | None
    event_days: int | None
    personal_data: PersonalData
    on_failure: FailureMode
    outcome: Outcome = "success"
    drop: frozenset[str] = frozenset()
    tokenise: frozenset[str] = frozenset()
    anonymize: bool = False
    actor_details: bool = False

    def __post_init__(self) -> None:
        for days in (self.disclosure_days, self.event_days):
            if days is not None and not 1 <= days <= MAX_DAYS:
                raise ConfigurationError(
                    f"The event type {self.event_type} has a period out of range.",
                    remedy=f"Give whole days from 1 to {MAX_DAYS}.",
                )
        if self.event_days is not None and (self.disclosure_days or 0) > self.event_days:
            raise ConfigurationError(
                f"The disclosures of the event type {self.event_type} would outlive the event.",
                remedy="Keep them at most as many days as the event itself.",
            )

    def as_dict(self) -> dict[str, Any]:
        """The rule as plain JSON values, the type's name apart."""
        return {
            "level": self.level.value,
            "outcome": self.outcome,
            "disclosure_days": self.disclosure_days,
            "event_days": self.event_days,
            "personal_data": self.personal_data.value,
            "on_failure": self.on_failure.value,
            "drop": sorted(self.drop),
            "tokenise": sorted(self.tokenise),
            "anonymize": self.anonymize,
            "actor_details": self.actor_details,
        }
