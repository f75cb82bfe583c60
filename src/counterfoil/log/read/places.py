"""Places: where a reader of several logs was.

Two forms, told apart by the version that a cursor begins with. Of few logs, each log's own
place: sixteen bytes and thirteen more a log. Of many, the one place in the order of all:
the time of recording, then the log's number, then the index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from counterfoil.errors import CursorError

from .cursor import INDEX_BYTES, Cursor, pack, unpack

FEW: Final = 2
MANY: Final = 3
#: Numbers of logs are below 2^22.
_NUMBER_BYTES: Final = 3
_TIME_BYTES: Final = 8
_PLACE: Final = _NUMBER_BYTES + 2 * INDEX_BYTES
#: The most logs whose places a cursor holds one by one.
MOST_PLACES: Final = 16


@dataclass(frozen=True, slots=True)
class Places:
    """A place in each of few logs.

    Attributes:
        of: a log's number -> the place in it. A log that is not there had no events yet.
        newest_first: the order of reading.
    """

    of: Mapping[int, Cursor] = field(default_factory=dict)
    newest_first: bool = False

    def text(self, digest: bytes) -> str:
        """The cursor as callers hold it, for the filter with this digest."""
        raw = b"".join(
            number.to_bytes(_NUMBER_BYTES)
            + place.index.to_bytes(INDEX_BYTES)
            + place.top.to_bytes(INDEX_BYTES)
            for number, place in sorted(self.of.items())
        )
        return pack(FEW, raw, digest, newest_first=self.newest_first)

    @classmethod
    def read(cls, raw: bytes, *, newest_first: bool) -> Places:
        """From what stands between version and digest."""
        if len(raw) % _PLACE or len(raw) > _PLACE * MOST_PLACES:
            raise CursorError("The cursor is malformed.")
        places = {}
        for at in range(0, len(raw), _PLACE):
            number = int.from_bytes(raw[at : at + _NUMBER_BYTES])
            index = int.from_bytes(raw[at + _NUMBER_BYTES : at + _PLACE - INDEX_BYTES])
            top = int.from_bytes(raw[at + _PLACE - INDEX_BYTES : at + _PLACE])
            places[number] = Cursor(index, top, newest_first)
        return cls(places, newest_first)


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in the order of many logs' events.

    Attributes:
        recorded_at, number, index: the events from here on are still to come, or, newest
            first, those below; times in microseconds.
        top: newest first only: the last time that any log had recorded when the reading began.
        newest_first: the order of reading.
    """

    recorded_at: int
    number: int = 0
    index: int = 0
    top: int = 0
    newest_first: bool = False

    def text(self, digest: bytes) -> str:
        """The cursor as callers hold it, for the filter with this digest."""
        raw = (
            self.recorded_at.to_bytes(_TIME_BYTES)
            + self.number.to_bytes(_NUMBER_BYTES)
            + self.index.to_bytes(INDEX_BYTES)
            + self.top.to_bytes(_TIME_BYTES)
        )
        return pack(MANY, raw, digest, newest_first=self.newest_first)

    @classmethod
    def read(cls, raw: bytes, *, newest_first: bool) -> Moment:
        """From what stands between version and digest."""
        if len(raw) != 2 * _TIME_BYTES + _NUMBER_BYTES + INDEX_BYTES:
            raise CursorError("The cursor is malformed.")
        rest = raw[_TIME_BYTES:]
        return cls(
            int.from_bytes(raw[:_TIME_BYTES]),
            int.from_bytes(rest[:_NUMBER_BYTES]),
            int.from_bytes(rest[_NUMBER_BYTES : _NUMBER_BYTES + INDEX_BYTES]),
            int.from_bytes(rest[_NUMBER_BYTES + INDEX_BYTES :]),
            newest_first,
        )


AnyPlace: TypeAlias = Cursor | Places | Moment


def parse(text: str | None, digest: bytes, *, newest_first: bool) -> AnyPlace | None:
    """Read a cursor of any form back.

    Raises:
        CursorError: it is malformed, or belongs to other filters or to the other order.
    """
    if text is None:
        return None
    version, raw = unpack(text, digest, newest_first=newest_first)
    if version == FEW:
        return Places.read(raw, newest_first=newest_first)
    if version == MANY:
        return Moment.read(raw, newest_first=newest_first)
    return Cursor.read(version, raw, newest_first=newest_first)
