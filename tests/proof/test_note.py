"""Signed notes: reading, writing, and whose signatures count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import FormatError, SignatureError
from counterfoil.proof import Note, Signature, SigningKey, VerifierKey
from tests.proof.vectors import (
    ENOCH,
    ENOCH_LINE,
    NOTE_TEXT,
    PETER,
    PETER_LINE,
    PETER_SECRET,
    SPEC_KEY,
    SPEC_NOTE,
    SPEC_NOTE_WITH_EMPTY_LINE,
)

PETER_KEY, ENOCH_KEY = VerifierKey.parse(PETER), VerifierKey.parse(ENOCH)


def test_published_notes():
    note = Note.parse(SPEC_NOTE)
    assert note.text == b"This is an example message.\n"
    assert note.verify([VerifierKey.parse(SPEC_KEY)])
    assert note.encode() == SPEC_NOTE

    signed = Note(NOTE_TEXT, (SigningKey.parse(PETER_SECRET).sign(NOTE_TEXT),))
    assert signed.encode() == NOTE_TEXT + b"\n" + PETER_LINE


def test_the_last_empty_line_splits():
    note = Note.parse(SPEC_NOTE_WITH_EMPTY_LINE)
    assert note.text.decode().endswith("sole:\n\ned è subito sera.\n")
    assert [signature.name for signature in note.signatures] == ["quasimodo.example/salvatore"]
    assert note.encode() == SPEC_NOTE_WITH_EMPTY_LINE


def test_unknown_keys_are_ignored():
    note = Note.parse(NOTE_TEXT + b"\n" + PETER_LINE + ENOCH_LINE)
    peter, enoch = note.signatures
    assert note.verify([PETER_KEY]) == [(PETER_KEY, peter)]
    assert note.verify([ENOCH_KEY, PETER_KEY]) == [(PETER_KEY, peter), (ENOCH_KEY, enoch)]
    assert note.verified_by([]) == []


def test_a_shared_name_or_id_does_not_make_a_key_known():
    peter = Signature.parse(PETER_LINE.decode().rstrip("\n"))
    same_name = Signature(peter.name, bytes(4), peter.value)
    same_id = Signature("Peter", peter.key_id, peter.value)
    with pytest.raises(SignatureError, match="None of the wanted keys"):
        Note(NOTE_TEXT, (same_name, same_id)).verify([PETER_KEY])


def test_no_wanted_signature_refuses():
    note = Note.parse(NOTE_TEXT + b"\n" + PETER_LINE)
    for keys in ([], [ENOCH_KEY]):
        with pytest.raises(SignatureError, match="None of the wanted keys"):
            note.verify(keys)


def test_one_false_signature_of_a_known_key_refuses_the_note():
    peter = Signature.parse(PETER_LINE.decode().rstrip("\n"))
    for value in (bytes(64), peter.value[:-1], peter.value + b"\0", b"\0"):
        false = Signature(peter.name, peter.key_id, value)
        with pytest.raises(SignatureError, match="false"):
            Note(NOTE_TEXT, (peter, false)).verify([PETER_KEY, ENOCH_KEY])
    with pytest.raises(SignatureError, match="false"):
        Note(NOTE_TEXT + b"!\n", (peter,)).verify([PETER_KEY])


def test_two_keys_of_one_name_and_id_are_refused():
    note = Note.parse(NOTE_TEXT + b"\n" + PETER_LINE)
    assert note.verify([PETER_KEY, PETER_KEY])
    double = VerifierKey(PETER_KEY.name, bytes(32))
    object.__setattr__(double, "id", PETER_KEY.id)
    with pytest.raises(SignatureError, match="share both name and id"):
        note.verify([PETER_KEY, double])


@pytest.mark.parametrize("count", [16, 100])
def test_many_signatures_are_accepted(count: int):
    others = [SigningKey(f"witness.example/{n}", bytes([n] * 32)) for n in range(count - 1)]
    data = NOTE_TEXT + b"\n" + b"".join(key.sign(NOTE_TEXT).encode() for key in others) + PETER_LINE
    note = Note.parse(data)
    assert len(note.verify([PETER_KEY, *(key.verifier for key in others)])) == count


@given(
    text=st.text(st.characters(exclude_categories=["Cc", "Cs"])).map(
        lambda line: f"{line}\n\n{line}\n"
    ),
    seed=st.binary(min_size=32, max_size=32),
)
def test_round_trip(text: str, seed: bytes):
    key = SigningKey("example.com/log", seed)
    note = Note(text.encode(), (key.sign(text.encode()), key.sign(b"other\n")))
    assert Note.parse(note.encode()) == note
    assert note.verified_by([]) == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        # The malformed messages of the Go package's tests.
        (NOTE_TEXT, "no empty line"),
        (NOTE_TEXT + b"\n", "no signature"),
        (NOTE_TEXT + b"\n" + PETER_LINE[:-1], "line feed"),
        (b"\x01" + NOTE_TEXT + b"\n" + PETER_LINE, "control character"),
        (b"\xff" + NOTE_TEXT + b"\n" + PETER_LINE, "not UTF-8"),
        (
            NOTE_TEXT + b"\n" + PETER_LINE.replace(b" PeterNeumann", b" Bad Name"),
            "not standard base64",
        ),
        (NOTE_TEXT + b"\n" + PETER_LINE + b"Unexpected line.\n", "em dash"),
        (NOTE_TEXT + b"\n" + PETER_LINE * 101, "more than 100"),
        # And more.
        (b"", "no empty line"),
        (b"\n" + PETER_LINE, "no empty line"),
        (b"text" + PETER_LINE, "no empty line"),
        ((NOTE_TEXT + b"\n" + PETER_LINE).replace(b"\n", b"\r\n"), "no empty line"),
        (NOTE_TEXT + b"\n" + PETER_LINE.replace(b"\n", b"\r\n"), "control character"),
        (NOTE_TEXT + b"\n" + PETER_LINE.replace(b" ", b"\t"), "control character"),
        (NOTE_TEXT + b"\n" + PETER_LINE + b"\xff\n", "not UTF-8"),
        (NOTE_TEXT + b"\n" + PETER_LINE + b"\n", "no signature"),
        (NOTE_TEXT + b"\n" + PETER_LINE.replace("—".encode(), b"-"), "em dash"),
        (NOTE_TEXT + b"\n" + PETER_LINE.replace(b"PeterNeumann ", b""), "too short"),
        (NOTE_TEXT + b"\n" + PETER_LINE.replace(b"PeterNeumann", b"Peter+N"), "key name"),
        (NOTE_TEXT + b"\n" + PETER_LINE.replace(b" x08", b"  x08"), "base64"),
        (NOTE_TEXT + b"\n" + PETER_LINE.replace(b"=\n", b"\n"), "base64"),
        (NOTE_TEXT + b"\n" + PETER_LINE.replace(b"=\n", b"==\n"), "base64"),
        (NOTE_TEXT + b"\n" + PETER_LINE.replace(b"AM=\n", b"AN=\n"), "base64"),
        (NOTE_TEXT + b"\n" + PETER_LINE.replace(b"/", b"_"), "base64"),
        (NOTE_TEXT + "\n— name AAAAAA==\n".encode(), "too short"),
        (b"x" * 1_000_000 + b"\n\n" + PETER_LINE, "more than 1000000 bytes"),
    ],
)
def test_what_is_no_note_is_refused(data: bytes, reason: str):
    with pytest.raises(FormatError, match=reason):
        Note.parse(data)


def test_what_is_no_note_is_not_made():
    signature = SigningKey("example.com/log", bytes(32)).sign(NOTE_TEXT)
    for text in (b"", b"no line feed", b"\xff\n", b"\r\n", b"\0\n"):
        with pytest.raises(FormatError):
            Note(text, (signature,))
    with pytest.raises(FormatError, match="no signature"):
        Note(NOTE_TEXT, ())
