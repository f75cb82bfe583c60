"""The policy chain: what it takes an event, whole and up to each link, beside serialising it.

`python -m benchmarks.chain` prints its figures alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import orjson

from counterfoil.base import AuditContext
from counterfoil.policy.catalogue import Catalogue
from counterfoil.policy.chain import default_chain, run
from counterfoil.policy.redaction import Tokeniser
from counterfoil.record import Draft

from .figure import Figure, below, told
from .redaction import AFTER, BEFORE, CONTEXT, DETAILS

ROUNDS, CALLS = 11, 1_000
GOAL = 25  # µs of CPU
CALLED = AuditContext(**CONTEXT, before_state=BEFORE, after_state=AFTER)
WHOLE = {**CONTEXT, "before_state": BEFORE, "after_state": AFTER, "details": DETAILS}


def figures() -> list[Figure]:
    """The median of the whole chain, then what each link adds to those before it."""
    catalogue = Catalogue.under()
    chain = default_chain(catalogue, tokens=Tokeniser([("k1", b"k" * 32)]))
    rule = catalogue.rule("order_updated")

    def draft() -> Draft:
        made = Draft("order_updated", "01920000-0000-7000-8000-000000000000", 0)
        made.rule, made.context, made.details = rule, CALLED, DETAILS
        return made

    def upto(links: int) -> Callable[[], Any]:
        return lambda: run(chain[:links], draft())

    # Round by round, so that what else the machine does falls on all of them alike.
    works = [*map(upto, range(len(chain) + 1)), lambda: orjson.dumps(WHOLE)]
    rounds = [[_microseconds(work) for work in works] for _ in range(ROUNDS)]
    *costs, dumps = (median(column) for column in zip(*rounds, strict=True))
    found = [
        below("policy chain an event (µs of CPU, by dumps)", costs[-1] - costs[0], GOAL, dumps)
    ]
    for link, cost, before in zip(chain, costs[1:], costs, strict=False):
        found.append(told(f"  {link.__name__} (µs of CPU)", max(0.0, cost - before)))
    return found


def _microseconds(work: Callable[[], Any]) -> float:
    start = time.process_time_ns()
    for _ in range(CALLS):
        work()
    return (time.process_time_ns() - start) / CALLS / 1e3


if __name__ == "__main__":
    for figure in figures():
        yardstick = "" if figure.yardstick is None else f"  beside {figure.yardstick:.2f}"
        print(f"{figure.name:45} {figure.ours:10.2f}{yardstick}")
