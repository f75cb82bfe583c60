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
_INDEX_BYTES: Final = 5
_BYTES: Final = 1 + 2 * _INDEX_BYTES + DIGEST_BYTES


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
        raw = (
            bytes([_VERSION | (_NEWEST_FIRST if self.newest_first else 0)])
            + self.index.to_bytes(_INDEX_BYTES)
            + self.top.to_bytes(_INDEX_BYTES)
            + digest
        )
        return urlsafe_b64encode(raw).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str, digest: bytes, *, newest_first: bool) -> Cursor:
        """Read a cursor back.

        Raises:
            CursorError: it is malformed, or belongs to other filters or to the other order.
        """
        raw = _decode(text)
        if raw is None or raw[0] & ~_NEWEST_FIRST != _VERSION:
            raise CursorError("The cursor is malformed.")
        if bool(raw[0] & _NEWEST_FIRST) != newest_first:
            raise CursorError("The cursor belongs to the other order.")
        if raw[-DIGEST_BYTES:] != digest:
            raise CursorError("The cursor belongs to other filters or to another log.")
        return cls(
            int.from_bytes(raw[1 : 1 + _INDEX_BYTES]),
            int.from_bytes(raw[1 + _INDEX_BYTES : 1 + 2 * _INDEX_BYTES]),
            newest_first,
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


def _decode(text: str) -> bytes | None:
    if not isinstance(text, str) or not text.isascii():
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except Base64Error:
        return None
    # Only the one text that was given out, not another that decodes to the same bytes.
    same = urlsafe_b64encode(raw).decode().rstrip("=") == text
    return raw if same and len(raw) == _BYTES else None
