"""Frames: found again whatever is damaged around them, and never found where none was."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import SpoolCorruptError
from counterfoil.spool import frame
from counterfoil.spool.frame import HEADER_BYTES, Damage, Frame

from .damage import damages

KEY = b"01900000-0000-7000-8000-000000000001"
OTHER_KEY = b"01900000-0000-7000-8000-000000000002"
PAYLOADS = st.lists(st.binary(max_size=40), max_size=8)


def framed(payloads: list[bytes]) -> bytes:
    frames = [frame.encode(KEY, number, data) for number, data in enumerate(payloads, 1)]
    return frame.header(KEY) + b"".join(frames)


def test_the_bytes_of_a_frame_and_a_header() -> None:
    numbers = bytes.fromhex("00000007 0000000000000007")
    digest = sha256(KEY + numbers + b'{"v":1}').digest()[:16]
    assert frame.encode(KEY, 7, b'{"v":1}') == b"\xfeCF\xfe" + numbers + digest + b'{"v":1}'
    named = b"counterfoil\0" + bytes.fromhex("00000001")
    assert frame.header(KEY) == named + sha256(KEY + named).digest()[:16]


@settings(deadline=None)
@given(PAYLOADS)
def test_what_was_framed_is_found(payloads: list[bytes]) -> None:
    data = framed(payloads)
    start = frame.first_frame(KEY, data)
    found = list(frame.scan(KEY, data, start))
    assert [(piece.sequence, piece.payload) for piece in found if isinstance(piece, Frame)] == list(
        enumerate(payloads, 1)
    )
    assert start == HEADER_BYTES
    assert len(found) == len(payloads)


@settings(deadline=None)
@given(PAYLOADS, st.data())
def test_damage_costs_only_the_frames_that_it_touches(
    payloads: list[bytes], data: st.DataObject
) -> None:
    whole = framed(payloads)
    harm = data.draw(damages(len(whole)))
    broken = harm.apply(whole)
    pieces = list(frame.scan(KEY, broken, frame.first_frame(KEY, broken)))

    found = {piece.sequence: piece.payload for piece in pieces if isinstance(piece, Frame)}
    assert found.items() <= dict(enumerate(payloads, 1)).items()
    end = HEADER_BYTES
    for number, payload in enumerate(payloads, 1):
        start, end = end, end + frame.FRAME_BYTES + len(payload)
        if not harm.touches(start, end):
            assert number in found
    # All bytes are accounted for, in order.
    at = frame.first_frame(KEY, broken)
    for piece in pieces:
        assert piece.start == at
        assert piece.end > at
        at = piece.end
    assert at == len(broken)


@settings(deadline=None)
@given(PAYLOADS, st.binary(max_size=60))
def test_a_payload_never_passes_for_a_frame(payloads: list[bytes], rest: bytes) -> None:
    # Whoever makes the payload does not know the key; here the whole file stands in one.
    inner = framed(payloads)
    outer = frame.encode(OTHER_KEY, 1, inner)
    torn = outer[1:] + rest
    assert [type(piece) for piece in frame.scan(OTHER_KEY, torn, 0)] == [Damage]


def test_another_version_is_refused_and_a_damaged_header_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frame, "FORMAT_VERSION", 2)
    newer = frame.header(KEY)
    monkeypatch.undo()
    with pytest.raises(SpoolCorruptError, match="format 2"):
        frame.first_frame(KEY, newer)
    damaged = bytes([newer[0] ^ 1]) + newer[1:]
    assert frame.first_frame(KEY, damaged) == 0
