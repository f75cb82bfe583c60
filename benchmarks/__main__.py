"""`python -m benchmarks [part ...]`: measure on this machine, print a table, keep the results."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import orjson

from . import (
    chain,
    http,
    ingest,
    logs,
    outbox,
    postgres,
    postgres_reads,
    reads,
    redaction,
    size,
    startup,
    verify,
    viewer,
)
from .figure import Figure

RESULTS = Path(__file__).with_name("results.json")
PARTS = {
    "startup": startup.run,
    "redaction": redaction.run,
    "chain": chain.figures,
    "ingest": ingest.run,
    "http": http.run,
    "logs": logs.run,
    "outbox": outbox.run,
    "size": size.run,
    "verify": verify.run,
    "reads": reads.run,
    "viewer": viewer.run,
    "postgres": postgres.run,
    "postgres-reads": postgres_reads.run,
}


def main(names: Sequence[str]) -> int:
    """Measure the parts named, or all.

    Returns:
        0, or 2 where there is no such part. A goal that is not reached is shown and no error:
        machines differ.
    """
    unknown = sorted(set(names) - set(PARTS))
    if unknown:
        print(f"There is no part {unknown[0]!r}; there are {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    print(_line("", "ours", "yardstick", "ratio", "goal", ""))
    for name in names or PARTS:
        found = PARTS[name]()
        for figure in asyncio.run(found) if inspect.iscoroutine(found) else found:
            figures.append(figure)
            print(_row(figure), flush=True)
    RESULTS.write_bytes(orjson.dumps([asdict(figure) for figure in figures]))
    return 0


def _row(figure: Figure) -> str:
    return _line(
        figure.name,
        _number(figure.ours),
        "" if figure.yardstick is None else _number(figure.yardstick),
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        figure.goal,
        "" if not figure.goal else "held" if figure.held else "NOT HELD",
    )


def _line(name: str, ours: str, yardstick: str, ratio: str, goal: str, held: str) -> str:
    return f"{name:58} {ours:>10} {yardstick:>10} {ratio:>7}  {goal:18} {held}".rstrip()


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
