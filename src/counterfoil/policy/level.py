"""Level and outcome where the call names none."""

from __future__ import annotations

from typing import Any

from counterfoil.record import Draft
from counterfoil.record.entry import LEVEL_NUMBERS, OUTCOME_NUMBERS


def settle_level(draft: Draft) -> Draft:
    """Use the type's level and outcome, unless the call gives valid ones of its own."""
    rule = draft.rule
    level = draft.level
    if level is not None:
        level = _known(level, LEVEL_NUMBERS)
        if level is None:
            draft.note("level", "the level given is not one of the four")
    draft.level = str.__str__(rule.level) if level is None else level
    outcome = draft.outcome
    if outcome is not None:
        outcome = _known(outcome, OUTCOME_NUMBERS)
        if outcome is None:
            draft.note("outcome", "the outcome given is not one of the three")
    draft.outcome = rule.outcome if outcome is None else outcome
    return draft


def _known(value: Any, known: dict[str, int]) -> str | None:
    if type(value) is not str:
        # Not isinstance, which asks an object for its class.
        if not issubclass(type(value), str):
            return None
        # An enum member is a str too, and so is what compares and hashes by code of its own.
        value = str.__str__(value)
    return value if value in known else None
