"""Cursors: where in a log a reader was.

A cursor is the base64url text of sixteen bytes: version and order, an index, the log's size
when the reading began, and a digest of the filters. It names a place between events, so that
neither new events nor purged ones move it, and it holds nothing of what was asked for.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from typing import Final

from counterfoil.errors import CursorError

from .filter import DIGEST_BYTES

_VERSION: Final = 1
_NEWEST_FIRST: Final = 0x80
#: Indexes are below 2^40 (``record.row.LOG_SPAN``).
INDEX_BYTES: Final = 5


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a log.

    Attributes:
        index: the events from this index on are still to come, or, newest first, those below.
        top: newest first only: the log's size when the reading began.
        newest_first: the order of reading.
    """

    index: int
    top: int = 0
    newest_first: bool = False

    def text(self, digest: bytes) -> str:
        """The cursor as callers hold it, for the filter with this digest."""
        raw = self.index.to_bytes(INDEX_BYTES) + self.top.to_bytes(INDEX_BYTES)
        return pack(_VERSION, raw, digest, newest_first=self.newest_first)

    @classmethod
    def parse(cls, text: str, digest: bytes, *, newest_first: bool) -> Cursor:
        """Read a cursor back.

        Raises:
            CursorError: it is malformed, or belongs to other filters or to the other order.
        """
        version, raw = unpack(text, digest, newest_first=newest_first)
        return cls.read(version, raw, newest_first=newest_first)

    @classmethod
    def read(cls, version: int, raw: bytes, *, newest_first: bool) -> Cursor:
        """From what stands between version and digest."""
        if version != _VERSION or len(raw) != 2 * INDEX_BYTES:
            raise CursorError("The cursor is malformed.")
        return cls(
            int.from_bytes(raw[:INDEX_BYTES]), int.from_bytes(raw[INDEX_BYTES:]), newest_first
        )

    def check(self, size: int) -> None:
        """Make sure that the cursor fits a log of this size.

        Raises:
            CursorError: it points behind the log's end.
        """
        if max(self.index, self.top) > size:
            raise CursorError(
                "The cursor is from a longer log than this one.",
                remedy="It may be another database's, or older than a restored backup. Begin "
                "without a cursor.",
            )


def pack(version: int, raw: bytes, digest: bytes, *, newest_first: bool) -> str:
    """A cursor's text: version and order, what it holds, and a digest of the filters."""
    first = bytes([version | (_NEWEST_FIRST if newest_first else 0)])
    return urlsafe_b64encode(first + raw + digest).decode().rstrip("=")


def unpack(text: str, digest: bytes, *, newest_first: bool) -> tuple[int, bytes]:
    """A cursor's version and what it holds.

    Raises:
        CursorError: it is malformed, or belongs to other filters or to the other order.
    """
    raw = _decode(text)
    if raw is None or len(raw) <= DIGEST_BYTES or not raw[0] & ~_NEWEST_FIRST:
        raise CursorError("The cursor is malformed.")
    if bool(raw[0] & _NEWEST_FIRST) != newest_first:
        raise CursorError("The cursor belongs to the other order.")
    if raw[-DIGEST_BYTES:] != digest:
        raise CursorError("The cursor belongs to other filters or to another log.")
    return raw[0] & ~_NEWEST_FIRST, raw[1:-DIGEST_BYTES]


def _decode(text: str) -> bytes | None:
    if not isinstance(text, str) or not text.isascii():
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except Base64Error:
        return None
    # Only the one text that was given out, not another that decodes to the same bytes.
    same = urlsafe_b64encode(raw).decode().rstrip("=") == text
    return raw if same else None
