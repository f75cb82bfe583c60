"""Witnesses' cosignatures of checkpoints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import FormatError, SignatureError
from counterfoil.proof import (
    Checkpoint,
    Note,
    Signature,
    cosign,
    cosigner_key,
    verify_cosignatures,
)
from tests.proof.samples import CHECKPOINT, KEY, OTHER_WITNESS, TEXT, WITNESS
from tests.proof.vectors import SPEC_CHECKPOINT, SPEC_COSIGNATURE, SPEC_TIME


def cosigned(*cosignatures: Signature, text: bytes = TEXT) -> Note:
    return Note(text, (KEY.sign(text), *cosignatures))


def test_published_layout():
    published = Signature.parse(SPEC_COSIGNATURE)
    assert published.key_id.hex() == "8d66cf3f"
    assert len(published.value) == 72
    made = cosign(SPEC_CHECKPOINT, WITNESS, SPEC_TIME)
    assert made.value[:8] == published.value[:8]
    # The published message, and a plain Ed25519 signature of it.
    WITNESS.verifier.verify(b"cosignature/v1\ntime 1679315147\n" + SPEC_CHECKPOINT, made.value[8:])


@given(time=st.integers(0, 2**63 - 1))
def test_a_cosignature_tells_who_and_when(time: int):
    witness = cosigner_key(WITNESS)
    note = Note.parse(cosigned(cosign(TEXT, WITNESS, time)).encode())
    (found,) = verify_cosignatures(note, [witness])
    assert (found.witness, found.time, found.signature) == (witness, time, note.signatures[1])


def test_unknown_witnesses_are_ignored():
    note = cosigned(cosign(TEXT, WITNESS, 1), cosign(TEXT, OTHER_WITNESS, 2))
    assert verify_cosignatures(note, []) == []
    assert [found.time for found in verify_cosignatures(note, [cosigner_key(OTHER_WITNESS)])] == [2]
    keys = [cosigner_key(OTHER_WITNESS), cosigner_key(WITNESS)]
    assert [found.time for found in verify_cosignatures(note, keys)] == [1, 2]


def test_extension_lines_are_covered():
    text = TEXT + b"an extension\n"
    cosignature = cosign(text, WITNESS, 1)
    assert verify_cosignatures(cosigned(cosignature, text=text), [cosigner_key(WITNESS)])
    with pytest.raises(SignatureError, match="false"):
        verify_cosignatures(cosigned(cosignature), [cosigner_key(WITNESS)])


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value[:7] + bytes([value[7] ^ 1]) + value[8:],
        lambda value: value[:-1] + bytes([value[-1] ^ 1]),
        lambda value: value[:-1],
        lambda value: value + b"\0",
        lambda value: value[8:],
        lambda value: b"\x80" + value[1:],
        lambda value: value[:1],
    ],
)
def test_one_false_cosignature_refuses_the_note(change):
    good = cosign(TEXT, WITNESS, 1)
    note = cosigned(good, good._replace(value=change(good.value)))
    with pytest.raises(SignatureError, match=r"false|not a time"):
        verify_cosignatures(note, [cosigner_key(WITNESS)])


def test_a_cosignature_is_no_signature_and_the_other_way_round():
    good = cosign(TEXT, WITNESS, 1)
    plain = WITNESS.sign(TEXT)
    as_plain = good._replace(key_id=plain.key_id)
    as_cosignature = plain._replace(key_id=good.key_id)
    with pytest.raises(SignatureError, match="false"):
        Note(TEXT, (as_plain,)).verify([WITNESS.verifier])
    with pytest.raises(SignatureError, match="not a time"):
        verify_cosignatures(cosigned(as_cosignature), [cosigner_key(WITNESS)])


def test_a_time_past_the_standards_last_is_refused():
    time = 2**63
    signature = WITNESS.sign_message(b"cosignature/v1\ntime %d\n%b" % (time, TEXT))
    late = cosign(TEXT, WITNESS, 1)._replace(value=time.to_bytes(8, "big") + signature)
    with pytest.raises(SignatureError, match="not a time"):
        verify_cosignatures(cosigned(late), [cosigner_key(WITNESS)])


def test_only_checkpoints_are_cosigned():
    with pytest.raises(FormatError):
        cosign(b"whatever a stranger sent\n", WITNESS, 1)


@pytest.mark.parametrize("time", [-1, 2**63])
def test_a_time_out_of_range_is_refused(time: int):
    with pytest.raises(FormatError, match="time"):
        cosign(TEXT, WITNESS, time)


def test_the_logs_own_signature_still_opens_the_checkpoint():
    note = cosigned(cosign(TEXT, WITNESS, 1)).encode()
    assert Checkpoint.open(note, KEY.verifier) == CHECKPOINT
