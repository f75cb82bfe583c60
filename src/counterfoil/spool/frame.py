"""Frames: how a record stands in a file, and how it is found again after damage.

A frame is a marker (4 bytes), the payload's length (4), the record's sequence number (8), a
digest (16) and the payload; numbers are big-endian. The digest is the beginning of SHA-256
over the key, length, sequence number and payload. The key is the journal's name, random and
known to nobody who makes events: so no payload can hold what would pass for a frame.

A file of frames begins with a header, which only tells the format's version: one that is
damaged costs no record.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

from counterfoil.errors import SpoolCorruptError

FORMAT_VERSION = 1

_MAGIC = b"counterfoil\0"
_HEADER = Struct(">12sI16s")
HEADER_BYTES = _HEADER.size

#: 0xFE stands in no UTF-8 text, so that JSON payloads never slow the search for a marker.
_MARKER = b"\xfeCF\xfe"
_FRAME = Struct(">4sIQ16s")
_NUMBERS = Struct(">IQ")
_DIGEST_BYTES = 16
FRAME_BYTES = _FRAME.size


class Frame(NamedTuple):
    """A record as it stands in a file, from byte ``start`` up to ``end``."""

    sequence: int
    payload: bytes
    start: int
    end: int


class Damage(NamedTuple):
    """Bytes from ``start`` up to ``end`` that are no frame."""

    start: int
    end: int


def encode(key: bytes, sequence: int, payload: bytes) -> bytes:
    """One record's frame.

    Args:
        sequence: from 0 to 2^64 - 1.
        payload: below 4 GiB.
    """
    digest = _digest(key, sequence, payload)
    return _FRAME.pack(_MARKER, len(payload), sequence, digest) + payload


def header(key: bytes) -> bytes:
    """What a file of frames begins with."""
    return _HEADER.pack(_MAGIC, FORMAT_VERSION, _version_digest(key, FORMAT_VERSION))


def first_frame(key: bytes, data: bytes) -> int:
    """Where the frames begin: after the header, or at 0 where it is damaged.

    Raises:
        SpoolCorruptError: another version of the format.
    """
    if len(data) < HEADER_BYTES:
        return 0
    magic, version, digest = _HEADER.unpack_from(data)
    if magic != _MAGIC or digest != _version_digest(key, version):
        return 0
    if version != FORMAT_VERSION:
        raise SpoolCorruptError(f"The spool's files are of format {version}.")
    return HEADER_BYTES


def scan(key: bytes, data: bytes, start: int) -> Iterator[Frame | Damage]:
    """All of the data from ``start`` on, in order: what are frames, and what is not."""
    end = len(data)
    damaged_from = at = start
    while at < end:
        frame = _frame_at(key, data, at)
        if frame is None:
            found = data.find(_MARKER, at + 1)
            at = end if found < 0 else found
            continue
        if at > damaged_from:
            yield Damage(damaged_from, at)
        yield frame
        damaged_from = at = frame.end
    if at > damaged_from:
        yield Damage(damaged_from, at)


def decode(key: bytes, data: bytes) -> Frame | None:
    """The frame that the data is, or None where it is anything else."""
    frame = _frame_at(key, data, 0)
    return frame if frame is not None and frame.end == len(data) else None


def _frame_at(key: bytes, data: bytes, start: int) -> Frame | None:
    body = start + FRAME_BYTES
    if body > len(data):
        return None
    marker, length, sequence, digest = _FRAME.unpack_from(data, start)
    end = body + length
    if marker != _MARKER or end > len(data):
        return None
    payload = data[body:end]
    if digest != _digest(key, sequence, payload):
        return None
    return Frame(sequence, payload, start, end)


def _digest(key: bytes, sequence: int, payload: bytes) -> bytes:
    state = sha256(key + _NUMBERS.pack(len(payload), sequence))
    state.update(payload)
    return state.digest()[:_DIGEST_BYTES]


def _version_digest(key: bytes, version: int) -> bytes:
    return sha256(key + _MAGIC + version.to_bytes(4, "big")).digest()[:_DIGEST_BYTES]
