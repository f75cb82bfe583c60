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
        ratio: how the two compare; ``goal`` says which way round.
        goal: what is wanted, in words; empty where the number is only told.
        held: whether it is so.
    """

    name: str
    ours: float
    yardstick: float | None
    ratio: float | None
    goal: str
    held: bool


def told(name: str, ours: float, yardstick: float | None = None) -> Figure:
    """A figure without a goal."""
    ratio = None if yardstick is None else ours / yardstick
    return Figure(name, ours, yardstick, ratio, "", held=True)


def below(name: str, ours: float, goal: float | None, yardstick: float | None = None) -> Figure:
    """A figure whose goal, if any, is an upper bound of the number itself."""
    if goal is None:
        return told(name, ours, yardstick)
    ratio = None if yardstick is None else ours / yardstick
    return Figure(name, ours, yardstick, ratio, f"below {goal:g}", ours < goal)


def above(name: str, ours: float, goal: float) -> Figure:
    """A figure whose goal is a lower bound of the number itself."""
    return Figure(name, ours, None, None, f"at least {goal:,.0f}", ours >= goal)


def times(name: str, ours: float, yardstick: float, goal: float) -> Figure:
    """A cost that is to be at most so many times the yardstick's."""
    ratio = ours / yardstick
    return Figure(name, ours, yardstick, ratio, f"ratio at most {goal:g}", ratio <= goal)


def share(name: str, ours: float, yardstick: float, ratio: float, goal: float) -> Figure:
    """Two costs whose speeds are compared: ours is to reach a share of the yardstick's.

    Args:
        ratio: the yardstick's cost by ours, as the middle of several rounds.
    """
    return Figure(name, ours, yardstick, ratio, f"ratio at least {goal:g}", ratio >= goal)
