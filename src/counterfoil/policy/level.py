"""Level and outcome where the call names none."""

from __future__ import annotations

from typing import Any

from counterfoil.record import Draft
from counterfoil.record.entry import LEVEL_NUMBERS, OUTCOME_NUMBERS


def settle_level(draft: Draft) -> Draft:
    """Use the type's level and outcome, unless the call gives valid ones of its own."""
    rule = draft.rule
    level = _known(draft.level, LEVEL_NUMBERS)
    if level is None:
        if draft.level is not None:
            draft.note("level", "the level given is not one of the four")
        level = rule.level.value
    draft.level = level
    outcome = _known(draft.outcome, OUTCOME_NUMBERS)
    if outcome is None:
        if draft.outcome is not None:
            draft.note("outcome", "the outcome given is not one of the three")
        outcome = rule.outcome
    draft.outcome = outcome
    return draft


def _known(value: Any, known: dict[str, int]) -> str | None:
    # Not isinstance, which asks an object for its class.
    if not issubclass(type(value), str) or value not in known:
        return None
    # An enum member is a str too; what is kept is the plain text.
    return value if type(value) is str else str.__str__(value)
