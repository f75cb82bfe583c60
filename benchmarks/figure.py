"""Figures: what a benchmark measured, beside its yardstick and its goal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    Attributes:
        name: what was measured, with its unit.
        ours: Counterfoil's number.
        yardstick: the same work done by the database alone, where there is such a thing.
        ratio: ours by the yardstick.
        goal: what ``ours`` is to be below; None where it is only told.
        held: whether it is.
    """

    name: str
    ours: float
    yardstick: float | None
    ratio: float | None
    goal: float | None
    held: bool


def below(name: str, ours: float, goal: float | None, yardstick: float | None = None) -> Figure:
    """A figure whose goal is an upper bound."""
    return Figure(
        name,
        ours,
        yardstick,
        None if yardstick is None else ours / yardstick,
        goal,
        goal is None or ours < goal,
    )
