"""Hostile texts cost work in proportion to their length: counted, and so the same on any machine.

What is counted is the characters that patterns are given to look at. How often the engine goes
back inside of one pattern is not seen here: `test_redaction_linear` is about that.
"""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from counterfoil.policy.redaction import Anonymiser, Redactor, assignments

from .test_redaction_linear import PERSONAL, UNITS

PACKAGE = "counterfoil.policy.redaction"
SHORT, LONG = 1 << 13, 1 << 15
MARGIN = 6.0
"""Between the four of linear and the sixteen of quadratic work."""


class Meter:
    """Characters that were looked at."""

    looked_at = 0


class Metered:
    """A pattern that counts what it looks at.

    Args:
        pattern: the pattern.
        meter: where it is counted.
    """

    def __init__(self, pattern: re.Pattern[str], meter: Meter) -> None:
        self._pattern = pattern
        self._meter = meter

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._pattern, name)
        if name not in ("search", "match", "fullmatch", "sub", "finditer", "split", "findall"):
            return found

        def metered(*given: Any) -> Any:
            answer = found(*given)
            if name in ("search", "match"):
                start = given[1] if len(given) > 1 else 0
                end = min([len(given[0]), *given[2:]])
                if answer is not None:
                    end = answer.end()
                elif name == "match":
                    end = start + 1
                self._meter.looked_at += max(1, end - start)
            else:
                self._meter.looked_at += 1 + len(given[1] if name == "sub" else given[0])
            return answer

        return metered


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch) -> Meter:
    """Counts what the package's patterns look at."""
    meter = Meter()
    for module in [module for name, module in sys.modules.items() if name.startswith(PACKAGE)]:
        for name, value in list(vars(module).items()):
            if isinstance(value, re.Pattern):
                monkeypatch.setattr(module, name, Metered(value, meter))
            elif isinstance(value, dict):
                for key, held in value.items():
                    if isinstance(held, re.Pattern):
                        monkeypatch.setitem(value, key, Metered(held, meter))
    return meter


def growth(meter: Meter, work: Any, unit: str) -> float:
    """How many times the work four times the text is."""
    counts = []
    for size in (SHORT, LONG):
        meter.looked_at = 0
        work(unit * (size // len(unit)))
        counts.append(max(meter.looked_at, size))
    return counts[1] / counts[0]


@pytest.mark.parametrize("name", UNITS)
def test_redaction_looks_at_so_much_as_there_is(meter: Meter, name: str) -> None:
    assert growth(meter, Redactor().text, UNITS[name]) < MARGIN


@pytest.mark.parametrize("name", PERSONAL)
def test_anonymisation_looks_at_so_much_as_there_is(meter: Meter, name: str) -> None:
    assert growth(meter, Anonymiser().text, PERSONAL[name]) < MARGIN


@pytest.mark.parametrize("unit", ["cookie: a ", "password:a://"])
def test_values_that_are_looked_at_again_and_again_would_be_noticed(
    meter: Meter, monkeypatch: pytest.MonkeyPatch, unit: str
) -> None:
    monkeypatch.setattr(assignments, "_LONGEST_SPARED", LONG)
    assert growth(meter, Redactor().text, unit) > MARGIN
