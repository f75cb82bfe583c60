"""The catalogue that a log works by: a profile, and what the application adds to it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import Any

from counterfoil.base import AuditEventType
from counterfoil.errors import ConfigurationError
from counterfoil.policy.redaction import holds_secret

from .names import INVALID_TYPE, MAX_NAME, normalise_type
from .overrides import check_name, overridden
from .profile import PROFILES, Profile
from .rule import MAX_DAYS, Rule
from .table import DEFAULT_RULE, LOG_RULES, RULES

logger = logging.getLogger("counterfoil.catalogue")

#: How many unregistered types are remembered, and how many notices given. Where there are
#: more, type names are being made from data, and neither memory nor the program's own log
#: may grow with them.
REMEMBERED = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """The rules of all event types. It never changes: what changes a rule returns another.

    Attributes:
        profile: the profile that the rules were made under.
        rules: the rules by the name that is recorded.
        default: the rule for a type that nobody registered.
    """

    profile: Profile
    rules: Mapping[str, Rule]
    default: Rule
    _unregistered: dict[str, Rule] = field(default_factory=dict, init=False, repr=False)
    _noticed: set[str] = field(default_factory=set, init=False, repr=False)

    @classmethod
    def under(
        cls, profile: str = "baseline", overrides: Mapping[str, object] | None = None
    ) -> Catalogue:
        """The shipped rules under a profile, with an application's settings laid over them.

        Args:
            profile: one of `PROFILES`.
            overrides: event type to its settings, as in `overrides`.

        Raises:
            ConfigurationError: there is no such profile, or a setting cannot be used.
        """
        chosen = PROFILES.get(profile)
        if chosen is None:
            raise ConfigurationError(
                "There is no retention profile of that name.",
                remedy=f"Choose one of {', '.join(PROFILES)}.",
            )
        shipped = cls(
            profile=chosen,
            rules=MappingProxyType({name: chosen.apply(rule) for name, rule in RULES.items()}),
            default=chosen.apply(DEFAULT_RULE),
        )
        return shipped.override(overrides) if overrides else shipped

    def rule(self, event_type: Any) -> Rule:
        """The rule for a caller's event type; `Rule.event_type` is the name to record.

        Takes an enum member or its text. A type that nobody registered is answered with
        the default rule and noticed once; `normalise_type` says what becomes of a name
        that is reserved or malformed. Nothing raises here, and no event is lost by its name.
        """
        kind = type(event_type)
        # Of any other kind, looking it up would run its own hash and comparison.
        given = event_type if kind is AuditEventType or kind is str else type_text(event_type)
        return self.rules.get(given) or self._unregistered.get(given) or self._meet(given)

    def log_rule(self, event_type: str) -> Rule:
        """The rule for one of the log's own types, ``audit.…``; no setting changes these."""
        return LOG_RULES[event_type]

    def days(self, rule: Rule, explicit: object = None) -> tuple[int | None, int | None]:
        """How many days the disclosures and the event are kept; ``None`` for ever.

        Args:
            rule: the event's rule.
            explicit: the period that the caller set, in days, for both; ``None`` where it
                set none. Below the profile's floor it is honoured, and noticed once a type.
                Zero, negative, above `MAX_DAYS` or no whole number: the rule's periods
                stand, and that is noticed once a type.
        """
        if explicit is None:
            return rule.disclosure_days, rule.event_days
        if type(explicit) is not int or not 1 <= explicit <= MAX_DAYS:
            self._notice(
                f"period {rule.event_type}",
                "A retention period given for event type %s is not from 1 to %d days; "
                "the type's own periods are used.",
                rule.event_type,
                MAX_DAYS,
            )
            return rule.disclosure_days, rule.event_days
        if explicit < self.profile.floor:
            self._notice_floor(rule.event_type)
        return explicit, explicit

    def register(self, *rules: Rule) -> Catalogue:
        """A catalogue with these rules too, in place of any for the same types.

        Periods are taken as given: one below the profile's floor is noticed.

        Raises:
            ConfigurationError: a name is malformed, or reserved for the log's own events.
        """
        for rule in rules:
            check_name(rule.event_type)
        added = {rule.event_type: rule for rule in rules}
        extended = replace(self, rules=MappingProxyType({**self.rules, **added}))
        for rule in rules:
            periods = [days for days in (rule.disclosure_days, rule.event_days) if days]
            if periods and min(periods) < self.profile.floor:
                extended._notice_floor(rule.event_type)
        return extended

    def override(self, overrides: Mapping[str, object]) -> Catalogue:
        """A catalogue with an application's settings laid over the rules.

        Args:
            overrides: event type to its settings, as in `overrides`.

        Raises:
            ConfigurationError: a name, a key or a value cannot be used.
        """
        rules = []
        for name, settings in overrides.items():
            check_name(name)
            rule = self.rules.get(name) or replace(self.default, event_type=str.__str__(name))
            rules.append(overridden(rule, settings))
        return self.register(*rules)

    def _meet(self, given: str) -> Rule:
        name = INVALID_TYPE if holds_secret(given) else normalise_type(given)
        rule = self.rules.get(name) or replace(self.default, event_type=name)
        if name == INVALID_TYPE:
            self._notice(
                name,
                "An event type's name is malformed, or looks like a secret; its events are "
                "recorded as %s. Use a-z, 0-9, _ and dots, a letter first, at most 64 characters.",
                name,
            )
        elif name != given:
            self._notice(
                name,
                "Event types that begin with 'audit.' belong to the log itself; this one is "
                "recorded as %s.",
                name,
            )
        elif name not in self.rules:
            self._notice(
                name, "Event type %s is not registered; the default rule applies to it.", name
            )
        if len(given) <= MAX_NAME and len(self._unregistered) < REMEMBERED:
            self._unregistered[given] = rule
        return rule

    def _notice_floor(self, event_type: str) -> None:
        self._notice(
            f"floor {event_type}",
            "A retention period for event type %s is below the %d days that profile %s asks "
            "for; it is honoured.",
            event_type,
            self.profile.floor,
            self.profile.name,
        )

    def _notice(self, key: str, message: str, *args: object) -> None:
        if key in self._noticed or len(self._noticed) >= REMEMBERED:
            return
        self._noticed.add(key)
        logger.warning(message, *args)
        if len(self._noticed) == REMEMBERED:
            logger.warning("Further notices about event types are left out.")


def type_text(event_type: Any) -> str:
    """An event type's text; empty where it has none, which no valid name is."""
    # Not isinstance, which asks an object for its class, and so runs its code.
    value = event_type
    if issubclass(type(value), Enum):
        value = object.__getattribute__(value, "__dict__").get("_value_")
    return str.__str__(value) if issubclass(type(value), str) else ""
