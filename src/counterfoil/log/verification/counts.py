"""Checking the roll-ups: counted anew from the events, hour by hour and day by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, TypeAlias

from counterfoil.record.instant import HOUR, rfc3339
from counterfoil.store import Store
from counterfoil.store.interface import LARGEST, SMALLEST

from .events import Kind
from .report import Fault, Finding, Findings, Place
from .segment import read_readable


class _Unit(NamedTuple):
    """A roll-up: its buckets' length in hours, and the columns that it tells apart."""

    hours: int
    by: tuple[str, ...]


_UNITS = {
    "hour": _Unit(1, ("company", "type", "level", "outcome")),
    "day": _Unit(24, ("type", "level", "outcome")),
}
#: A bucket, and the values of the roll-up's columns.
_Row: TypeAlias = tuple[int, tuple[object, ...]]


class CountCheck:
    """Compares the roll-ups of one log with its events, as far as these have been read.

    Times never decrease along the index, so that what is counted can be let go of as soon
    as an event of a later hour has come.

    Args:
        store: an open store.
        log, number: the log's name and number.
        first_hour: the first hour whose events are all counted; earlier ones are passed over.
        findings: takes what is wrong.
    """

    def __init__(
        self, store: Store, log: str, number: int, first_hour: int | None, findings: Findings
    ) -> None:
        self._store = store
        self._log = log
        self._number = number
        self._findings = findings
        self._unknown = 0
        self._unreadable: dict[str, set[int]] = {}
        self._tallies: dict[str, Counter[_Row]] = {name: Counter() for name in _UNITS}
        self._next = {
            name: SMALLEST if first_hour is None else -(-first_hour // unit.hours)
            for name, unit in _UNITS.items()
        }

    async def add(self, tally: Mapping[Kind, int], unknown: int, latest: int | None) -> None:
        """Count events in, and compare the hours and days before that of the latest one.

        Args:
            unknown: events whose rows are gone or cannot be read: the roll-ups may still
                have them, and that they are gone is found elsewhere.
            latest: the time of the last event, microseconds; None where there is none.
        """
        self._unknown += unknown
        for name, unit in _UNITS.items():
            self._tallies[name].update(_rolled_up(unit, tally))
            if latest is not None:
                last = latest // (HOUR * unit.hours) - 1
                if self._next[name] <= last:
                    self._compare(name, last, await self._read(name, last), {})

    async def finish(self, since: Callable[[], Awaitable[Mapping[Kind, int]]]) -> None:
        """Compare what is left.

        Args:
            since: counts the events that were recorded since the check began, asked after
                the roll-ups have been read: these may have them, or some of them.
        """
        stored = {unit: await self._read(unit, LARGEST) for unit in _UNITS}
        newest = await since()
        for name, unit in _UNITS.items():
            self._compare(name, LARGEST, stored[name], _rolled_up(unit, newest))

    async def _read(self, unit: str, last: int) -> dict[_Row, int]:
        async def read(first: int, last: int) -> list[tuple[int, tuple[object, ...], int]]:
            return await self._store.counts(self._number, unit, first, last, {}, _UNITS[unit].by)

        rows, bad = await read_readable(read, self._next[unit], last)
        for bucket in bad:
            self._find(Fault.UNREADABLE, unit, bucket, None, None)
        self._unreadable[unit] = set(bad)
        return {(bucket, kind): events for bucket, kind, events in rows}

    def _compare(
        self, unit: str, last: int, stored: Mapping[_Row, int], newer: Mapping[_Row, int]
    ) -> None:
        first = self._next[unit]
        self._next[unit] = last + 1
        tally = self._tallies[unit]
        counted = {row: events for row, events in tally.items() if first <= row[0] <= last}
        # Hours before the first are counted in part only, and are not compared.
        self._tallies[unit] = Counter({row: n for row, n in tally.items() if row[0] > last})
        wrong = {
            row[0]
            for row in counted.keys() | stored.keys()
            if not 0
            <= stored.get(row, 0) - counted.get(row, 0)
            <= newer.get(row, 0) + self._unknown
        }
        for bucket in sorted(wrong - self._unreadable[unit]):
            expected = sum(n for row, n in counted.items() if row[0] == bucket)
            found = sum(n for row, n in stored.items() if row[0] == bucket)
            self._find(Fault.ALTERED, unit, bucket, expected, found)

    def _find(
        self, fault: Fault, unit: str, bucket: int, expected: int | None, found: int | None
    ) -> None:
        try:
            name = f"{unit} from {rfc3339(bucket * _UNITS[unit].hours * HOUR)[:13]}h"
        except OverflowError:
            name = f"{unit} {bucket}"
        same = expected == found
        self._findings.add(
            Finding(
                fault=fault,
                place=Place.COUNT,
                log=self._log,
                field=name,
                expected=None if expected is None else f"{expected} events",
                found=None
                if found is None
                else f"{found} events{', of other kinds' if same else ''}",
            )
        )


def _rolled_up(unit: _Unit, tally: Mapping[Kind, int]) -> Counter[_Row]:
    """A tally by hour, company, type, level and outcome as the roll-up has it."""
    found: Counter[_Row] = Counter()
    for (hour, *kind), events in tally.items():
        found[hour // unit.hours, tuple(kind[-len(unit.by) :])] += events
    return found
