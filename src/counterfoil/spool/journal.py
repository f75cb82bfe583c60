"""A journal: the records that one process spooled, in their order.

Its folder holds segments of framed records and a cursor, the number of the last record that
was delivered. What survives a crash at each step:

- an append: all of it once it returned; before that, any of its records, whole;
- a move of the cursor: the old place or the new one, so that records may be delivered twice
  and none is left out. Segments go only after the cursor has passed them for good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from counterfoil.errors import InputError, SpoolFullError

from . import files, frame
from .guard import Guard
from .home import Home
from .recovery import DAMAGED, TORN, Recovery, report_id
from .segment import SegmentWriter, segment_path, segments

CURSOR = "cursor"

_READING = "cannot be read"
_WRITING = "cannot be written"


class Record(NamedTuple):
    """A record to deliver, and its place in the journal (from 1 on, rising)."""

    position: int
    payload: bytes


class Journal:
    """The records of one home. Every method may be called from any thread.

    Args:
        home: the folder, which this process holds.
        segment_bytes: the size at which the next segment is begun.
    """

    def __init__(self, home: Home, segment_bytes: int) -> None:
        self.home = home
        self._segment_bytes = segment_bytes
        self._guard = Guard()
        self._writer: SegmentWriter | None = None
        self._segments: list[int] = []
        #: The number of the last record, delivered or not.
        self._last = 0
        #: The number of the last record delivered, and where the one after it begins.
        self._delivered = 0
        self._next = (0, 0)
        self._ends: dict[int, tuple[int, int]] = {}
        #: First number missing -> how many. Where damage begins -> where it ends.
        self._lost: dict[int, int] = {}
        self._damage: dict[tuple[int, int], int] = {}

    @classmethod
    def recover(cls, home: Home, segment_bytes: int) -> Journal:
        """The journal that a dead process left: read whole, its torn end cut off.

        Raises:
            SpoolCorruptError: another version wrote it.
            SpoolError: the disk failed; the folder is as it was, or nearer to recovered.
        """
        journal = cls(home, segment_bytes)
        with files.told(_READING):
            journal._recover()
        return journal

    @property
    def name(self) -> str:
        """Its name, which no other journal ever has."""
        return self.home.name

    @property
    def pending(self) -> int:
        """How many records are not delivered, those lost among them included."""
        return self._last - self._delivered

    @property
    def recovery(self) -> Recovery:
        """What has been found so far.

        Raises:
            SpoolError: the quarantine cannot be read.
        """
        with self._guard.enter(_READING):
            missing = sum(n for first, n in self._lost.items() if first > self._delivered)
            return Recovery.of(self.home, self.pending - missing, sum(self._lost.values()))

    def append(self, payloads: Sequence[bytes], room: Callable[[], int]) -> None:
        """Append records, and return only once they are synced.

        Args:
            payloads: each becomes one record; none of them empty.
            room: tells how many bytes may still be used.

        Raises:
            SpoolFullError: there is no room. Nothing of it is kept.
            SpoolError: the disk failed. Where ``outcome_known`` is False some may be kept.
        """
        with self._guard.enter(_WRITING):
            key, first = self.home.key, self._last + 1
            frames = b"".join(
                [frame.encode(key, number, data) for number, data in enumerate(payloads, first)]
            )
            if not frames:
                return
            if len(frames) + frame.HEADER_BYTES > room():
                raise SpoolFullError("The spool has reached its size limit.")
            writer = self._writable(first)
            try:
                writer.append(frames)
            except OSError as error:
                raise self._withdraw(writer, len(payloads), error) from error
            self._last += len(payloads)

    def read(self, most: int = 256, most_bytes: int = 4 << 20) -> list[Record]:
        """The oldest records that are not delivered, in order; the same until :meth:`done`.

        Args:
            most: how many at most, at least 1.
            most_bytes: after how many bytes to stop; one record always comes.

        Raises:
            SpoolError: they cannot be read now, or damage that was found cannot be kept.
        """
        with self._guard.enter(_READING):
            records: list[Record] = []
            self._ends.clear()
            for first, found in self._walk():
                records.append(Record(found.sequence, found.payload))
                self._ends[found.sequence] = (first, found.end)
                most_bytes -= len(found.payload)
                if len(records) >= most or most_bytes <= 0:
                    break
            if not records and self.pending:
                # What is left is damage alone, and in quarantine by now.
                self._lost[self._delivered + 1] = self.pending
                self._deliver(self._last)
            return records

    def done(self, position: int) -> None:
        """Everything up to this record is delivered. Once it returns, none comes again.

        Raises:
            InputError: no record of that position was read.
            SpoolError: the disk failed. They may be read again after a restart.
        """
        with self._guard.enter(_WRITING):
            if position <= self._delivered:
                return
            if position not in self._ends:
                raise InputError("No record of that position was read from the journal.")
            self._deliver(position)

    def set_aside(self, record: Record) -> Path:
        """Keep a record that cannot be delivered in quarantine. Call :meth:`done` after it.

        Raises:
            SpoolError: the disk failed.
        """
        with self._guard.enter(_WRITING):
            return self.home.quarantine(_label(record), record.payload)

    def report_id(self, record: Record) -> str:
        """The id of the report that this record was set aside, the same after a crash."""
        return report_id(self.name, [_label(record)])

    def close(self) -> None:
        """Let go of the files and the folder, and leave what is in it. Idempotent."""
        if self._guard.closed:
            return
        with self._guard.enter(_WRITING):
            self._close()

    def remove(self) -> None:
        """Remove the folder. Only for a journal with nothing left.

        Raises:
            SpoolError: the disk failed; the next process removes it.
        """
        with self._guard.enter(_WRITING):
            try:
                for first in self._segments:
                    files.remove(segment_path(self.home.path, first))
                files.remove(self.home.path / CURSOR)
                self.home.remove()
            finally:
                self._close()

    def _close(self) -> None:
        self._guard.closed = True
        if self._writer is not None:
            self._writer.close()
        self.home.leave()

    def _writable(self, first: int) -> SegmentWriter:
        writer = self._writer
        if writer is not None and writer.size < self._segment_bytes:
            return writer
        if writer is not None:
            writer.close()
            self._writer = None
        self._writer = SegmentWriter(self.home.path, first, self.home.key)
        self._segments.append(first)
        return self._writer

    def _withdraw(self, writer: SegmentWriter, count: int, error: OSError) -> Exception:
        failure = files.failure(_WRITING, error)
        self._writer = None
        if writer.withdraw():
            if not writer.size:
                self._segments.pop()
        else:
            # Some may be there for good. Their numbers are not given a second time, so that
            # no later record is taken for a copy of them.
            self._last += count
            failure.outcome_known = False
        return failure

    def _walk(self) -> Iterator[tuple[int, frame.Frame]]:
        """Each segment's first number with each record not delivered; notes what is missing."""
        last = self._delivered
        for first in list(self._segments):
            data = segment_path(self.home.path, first).read_bytes()
            start = self._next[1] if self._next[0] == first else 0
            start = start or frame.first_frame(self.home.key, data)
            for piece in frame.scan(self.home.key, data, start):
                if isinstance(piece, frame.Damage):
                    self._note_damage(first, piece, data)
                elif piece.sequence > last:
                    if piece.sequence > last + 1:
                        self._lost[last + 1] = piece.sequence - last - 1
                    last = piece.sequence
                    yield first, piece

    def _note_damage(self, first: int, damage: frame.Damage, data: bytes) -> None:
        if self._damage.get((first, damage.start), 0) < damage.end:
            self._keep(first, damage, data, DAMAGED)
            self._damage[first, damage.start] = damage.end

    def _keep(self, first: int, damage: frame.Damage, data: bytes, kind: str) -> None:
        label = f"{first:020d}-{damage.start}{kind}"
        self.home.quarantine(label, data[damage.start : damage.end])

    def _deliver(self, position: int) -> None:
        key = self.home.key
        files.put(self.home.path / CURSOR, frame.encode(key, position, CURSOR.encode()))
        self._delivered = position
        self._next = self._ends.get(position, (0, 0))
        self._drop_delivered()

    def _drop_delivered(self) -> None:
        oldest = self._delivered + 1
        passed = [first for first, after in pairwise(self._segments) if after <= oldest]
        if self._delivered == self._last:
            passed = list(self._segments)
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        for first in passed:
            files.remove(segment_path(self.home.path, first))
            self._segments.remove(first)

    def _recover(self) -> None:
        folder = self.home.path
        # A process may have died between its lock and its folder.
        files.make_folder(folder)
        self._segments = segments(folder)
        self._check_versions()
        for path in folder.glob(f"*{files.NEW_SUFFIX}"):
            files.remove(path)
        self._delivered = self._last = self._read_cursor()
        self._cut_torn_end()
        for _, found in self._walk():
            self._last = found.sequence
        self._drop_delivered()

    def _check_versions(self) -> None:
        for first in self._segments:
            with segment_path(self.home.path, first).open("rb") as file:
                frame.first_frame(self.home.key, file.read(frame.HEADER_BYTES))

    def _read_cursor(self) -> int:
        path = self.home.path / CURSOR
        if path.exists():
            data = path.read_bytes()
            found = frame.decode(self.home.key, data)
            if found is not None and found.payload == CURSOR.encode():
                return found.sequence
            self.home.quarantine(f"{CURSOR}{DAMAGED}", data)
        # Delivering twice is harmless.
        return self._segments[0] - 1 if self._segments else 0

    def _cut_torn_end(self) -> None:
        if not self._segments:
            return
        first = self._segments[-1]
        data = segment_path(self.home.path, first).read_bytes()
        end = start = frame.first_frame(self.home.key, data)
        for piece in frame.scan(self.home.key, data, start):
            end = piece.start if isinstance(piece, frame.Damage) else piece.end
        if end < len(data):
            self._keep(first, frame.Damage(end, len(data)), data, TORN)
            files.cut_file(segment_path(self.home.path, first), end)


def _label(record: Record) -> str:
    return f"{record.position}.record"
