"""Gaps: a count of the events that could be kept nowhere.

What is counted is written down at once where that is possible, and kept in memory where it
is not. A report that was taken keeps its id until it is confirmed, across crashes too: a
report recorded under its id is recorded once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.errors import SpoolError

from . import files, frame
from .home import Home
from .recovery import DAMAGED

#: More types than this are counted together, so that the count stays small.
MAX_TYPES = 256
OTHER_TYPES = "*"

_FILE = "gaps"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Gap:
    """Events of one type that were not kept.

    Attributes:
        event_type: the type, or ``*`` for those beyond the first 256 types.
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
    """Gaps to be recorded in the log.

    Attributes:
        id: a UUIDv7, the same until the report is confirmed.
        gaps: one a type, in the order of types.
    """

    id: str
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
        self._counting: dict[str, Gap] = {}
        self._taken: GapReport | None = None
        self._saved = True

    @classmethod
    def of(cls, home: Home) -> GapCounter:
        """What a dead process counted.

        Raises:
            SpoolError: the disk failed.
        """
        counter = cls(lambda: home)
        path = home.path / _FILE
        with files.told("cannot be read"):
            if path.exists():
                data = path.read_bytes()
                found = frame.decode(home.key, data)
                if found is None or not counter._load(found.payload):
                    home.quarantine(f"{_FILE}{DAMAGED}", data)
                    files.remove(path)
        return counter

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to report, nor to write down."""
        return self._saved and self._taken is None and not self._counting

    def count(self, events: Iterable[tuple[str, int]]) -> bool:
        """Count events that were not kept.

        Args:
            events: the type of each, and when it happened (microseconds since the Unix epoch).

        Returns:
            Whether the count is on the disk; otherwise in memory, and tried again with the
            next call of any method.
        """
        with self._lock:
            for event_type, at in events:
                known = self._counting
                if event_type not in known and len(known) >= MAX_TYPES:
                    event_type = OTHER_TYPES
                gap = known.get(event_type) or Gap(event_type, 0, at, at)
                known[event_type] = gap.grown(at)
            return self._save()

    def take(self) -> GapReport | None:
        """What to report now, if anything; the same until it is confirmed."""
        with self._lock:
            if self._taken is None and self._counting:
                gaps = tuple(self._counting[name] for name in sorted(self._counting))
                self._taken = GapReport(SYSTEM_CLOCK.event_id(), gaps)
                self._counting = {}
                self._save()
            elif not self._saved:
                self._save()
            return self._taken

    def confirm(self, report: GapReport) -> bool:
        """The report is recorded and committed. Whether that is written down too.

        Where it is not, a restart may give the same report again, under the same id.
        """
        with self._lock:
            if self._taken == report:
                self._taken = None
                return self._save()
            return self._saved

    def _save(self) -> bool:
        # A failure here is told by the result: the caller has an error of its own to raise,
        # the one for which there is something to count.
        try:
            home = self._home()
            with files.told("cannot be written"):
                if self._taken is None and not self._counting:
                    files.remove(home.path / _FILE)
                    files.sync_folder(home.path)
                else:
                    files.put(home.path / _FILE, frame.encode(home.key, 0, self._dump()))
            self._saved = True
        except SpoolError:
            self._saved = False
        return self._saved

    def _dump(self) -> bytes:
        taken = None if self._taken is None else asdict(self._taken)
        counting = [asdict(gap) for gap in self._counting.values()]
        return orjson.dumps({"v": _VERSION, "taken": taken, "counting": counting})

    def _load(self, data: bytes) -> bool:
        members: dict[str, Any] = orjson.loads(data)
        if members["v"] != _VERSION:
            return False
        self._counting = {gap["event_type"]: Gap(**gap) for gap in members["counting"]}
        taken = members["taken"]
        if taken is not None:
            self._taken = GapReport(taken["id"], tuple(Gap(**gap) for gap in taken["gaps"]))
        return True
