"""Gaps: a count, by log and type, of the events that could be kept nowhere.

What is counted is written down at once where that is possible, and kept in memory where it
is not. A report that was taken keeps its id until it is confirmed, across crashes too: a
report recorded under its id is recorded once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import orjson

from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.errors import SpoolError

from . import files, frame
from .home import Home
from .recovery import DAMAGED

#: Beyond so many kinds (types of a log) the types of a log are counted together, and beyond
#: four times as many the logs too, so that the count stays small.
MAX_KINDS = 256
OTHERS = "*"

#: The file of a home that the count stands in.
FILE = "gaps"
_VERSION = 2


class Loss(NamedTuple):
    """An event that was not kept.

    Attributes:
        log: the log that it was for; empty for the company's own, whose name is not known.
        at: when it happened, in microseconds since the Unix epoch.
        company: the company, where the log is its own.
    """

    log: str
    event_type: str
    at: int
    company: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Events of one type that were not kept.

    Attributes:
        event_type: the type, or ``*`` for those beyond the first 256 kinds.
        count: how many.
        first: when the first of them happened, in microseconds since the Unix epoch.
        last: when the last of them happened.
    """

    event_type: str
    count: int
    first: int
    last: int

    def grown(self, at: int) -> Gap:
        """With one event more."""
        return Gap(self.event_type, self.count + 1, min(self.first, at), max(self.last, at))


@dataclass(frozen=True, slots=True)
class GapReport:
    """Gaps to be recorded in a log.

    Attributes:
        id: a UUIDv7, the same until the report is confirmed.
        log: the log that the events were for, empty for a company's own, or ``*`` for those of
            more logs than are told apart.
        company: the company, where the log is its own.
        gaps: one a type, in the order of types.
    """

    id: str
    log: str
    company: str
    gaps: tuple[Gap, ...]

    @property
    def count(self) -> int:
        """How many events were not kept."""
        return sum(gap.count for gap in self.gaps)


class GapCounter:
    """Counts what was not kept. Every method may be called from any thread.

    Args:
        home: gives the folder in which the count is written; may raise SpoolError.
    """

    def __init__(self, home: Callable[[], Home]) -> None:
        self._home = home
        self._lock = threading.Lock()
        #: By log, company and type.
        self._counting: dict[tuple[str, str, str], Gap] = {}
        self._taken: dict[str, GapReport] = {}
        self._saved = True

    @classmethod
    def of(cls, home: Home) -> GapCounter:
        """What a dead process counted.

        Raises:
            SpoolError: the disk failed.
        """
        counter = cls(lambda: home)
        path = home.path / FILE
        with files.told("cannot be read"):
            if path.exists():
                data = path.read_bytes()
                found = frame.decode(home.key, data)
                if found is None or not counter._load(found.payload):
                    home.quarantine(f"{FILE}{DAMAGED}", data)
                    files.remove(path)
        return counter

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to report, nor to write down."""
        return self._saved and not self._taken and not self._counting

    def count(self, losses: Iterable[Loss]) -> bool:
        """Count events that were not kept.

        Returns:
            Whether the count is on the disk; otherwise in memory, and tried again with the
            next call of any method.
        """
        with self._lock:
            known = self._counting
            for log, event_type, at, company in losses:
                kind = (log, company, event_type)
                if kind not in known and len(known) >= MAX_KINDS:
                    kind = (log, company, OTHERS)
                    if kind not in known and len(known) >= 4 * MAX_KINDS:
                        kind = (OTHERS, "", OTHERS)
                gap = known.get(kind) or Gap(kind[2], 0, at, at)
                known[kind] = gap.grown(at)
            return self._save()

    def take(self) -> list[GapReport]:
        """What to report now, one report a log; the same until it is confirmed."""
        with self._lock:
            waiting = {(report.log, report.company) for report in self._taken.values()}
            by_log: dict[tuple[str, str], list[Gap]] = {}
            for kind in sorted(self._counting):
                if kind[:2] not in waiting:
                    by_log.setdefault(kind[:2], []).append(self._counting.pop(kind))
            for (log, company), gaps in by_log.items():
                report = GapReport(SYSTEM_CLOCK.event_id(), log, company, tuple(gaps))
                self._taken[report.id] = report
            if by_log or not self._saved:
                self._save()
            return list(self._taken.values())

    def confirm(self, report: GapReport) -> bool:
        """The report is recorded and committed. Whether that is written down too.

        Where it is not, a restart may give the same report again, under the same id.
        """
        with self._lock:
            if self._taken.pop(report.id, None) is not None:
                return self._save()
            return self._saved

    def _save(self) -> bool:
        # A failure here is told by the result: the caller has an error of its own to raise,
        # the one for which there is something to count.
        try:
            home = self._home()
            with files.told("cannot be written"):
                if not self._taken and not self._counting:
                    files.remove(home.path / FILE)
                    files.sync_folder(home.path)
                else:
                    files.put(home.path / FILE, frame.encode(home.key, 0, self._dump()))
            self._saved = True
        except SpoolError:
            self._saved = False
        return self._saved

    def _dump(self) -> bytes:
        counting = [
            {"log": log, "company": company, **asdict(gap)}
            for (log, company, _), gap in self._counting.items()
        ]
        taken = [asdict(report) for report in self._taken.values()]
        return orjson.dumps({"v": _VERSION, "taken": taken, "counting": counting})

    def _load(self, data: bytes) -> bool:
        members: dict[str, Any] = orjson.loads(data)
        if members["v"] != _VERSION:
            return False
        for counted in members["counting"]:
            log, company = counted.pop("log"), counted.pop("company")
            self._counting[log, company, counted["event_type"]] = Gap(**counted)
        for taken in members["taken"]:
            gaps = tuple(Gap(**gap) for gap in taken.pop("gaps"))
            self._taken[taken["id"]] = GapReport(**taken, gaps=gaps)
        return True


def counted(key: bytes, data: bytes) -> int:
    """How many events a file of gaps counts that are not reported; 0 where it cannot be read."""
    found = frame.decode(key, data)
    members: dict[str, Any] = {} if found is None else orjson.loads(found.payload)
    if members.get("v") != _VERSION:
        return 0
    kinds = [*members["counting"], *(gap for one in members["taken"] for gap in one["gaps"])]
    return sum(gap["count"] for gap in kinds)
