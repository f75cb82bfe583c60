"""What a log and a witness send each other."""

from __future__ import annotations

import pytest

from counterfoil.errors import FormatError, ProofError, SignatureError
from counterfoil.proof import (
    SIZE_CONTENT_TYPE,
    AddCheckpoint,
    Checkpoint,
    Note,
    add_cosignatures,
    cosign,
    cosigner_key,
    encode_cosignatures,
    encode_size,
    parse_size,
    verify_consistency,
    verify_cosignatures,
)
from tests.proof.samples import CHECKPOINT, KEY, NOTE, OTHER_WITNESS, TEXT, WITNESS
from tests.proof.vectors import REQUESTS, SIGSUM_CHECKPOINT, SIGSUM_KEY

HASH = b"KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"


@pytest.mark.parametrize("body", REQUESTS)
def test_published_requests(body: str):
    request = AddCheckpoint.parse(body.encode())
    assert request.encode() == body.encode()
    old = Checkpoint.open(SIGSUM_CHECKPOINT, SIGSUM_KEY)
    new = Checkpoint.open(request.checkpoint, SIGSUM_KEY)
    assert request.old_size == old.size
    verify_consistency(old.size, old.root, new.size, new.root, request.proof)
    with pytest.raises(ProofError):
        verify_consistency(old.size, old.root, new.size, new.root, request.proof[::-1])


@pytest.mark.parametrize("count", [0, 1, 63])
def test_requests_round_trip(count: int):
    request = AddCheckpoint(7, tuple(bytes([n] * 32) for n in range(count)), NOTE)
    assert AddCheckpoint.parse(request.encode()) == request


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no checkpoint"),
        (b"old 1\n", "no checkpoint"),
        (b"old 1\n\n", "no checkpoint"),
        (b"old 1\n" + HASH + NOTE, "Hash 1|no checkpoint"),
        (b"\nold 1\n\n" + NOTE, "first line"),
        (b"new 1\n\n" + NOTE, "first line"),
        (b"1\n\n" + NOTE, "first line"),
        (b"old 01\n\n" + NOTE, "old size is not a decimal"),
        (b"old -1\n\n" + NOTE, "old size is not a decimal"),
        (b"old 1 \n\n" + NOTE, "old size is not a decimal"),
        (b"old 1\r\n\n" + NOTE, "old size is not a decimal"),
        (b"old \n\n" + NOTE, "old size is not a decimal"),
        (b"old 9223372036854775808\n\n" + NOTE, "old size is not a decimal"),
        (b"old 1\nAAAA\n\n" + NOTE, "Hash 0 is not a hash"),
        (b"old 1\n" + HASH[:-2] + b"\n\n" + NOTE, "Hash 0 is not standard base64"),
        (b"old 1\n" + HASH * 64 + b"\n" + NOTE, "more than 63 hashes"),
        (b"old 1\n\xff\n\n" + NOTE, "not UTF-8"),
        (b"old 1\n\n" + bytes(2_000_000), "too long"),
    ],
)
def test_what_is_no_request_is_refused(body: bytes, reason: str):
    with pytest.raises(FormatError, match=reason):
        AddCheckpoint.parse(body)


def test_what_is_no_request_is_not_made():
    with pytest.raises(FormatError, match="more than 63 hashes"):
        AddCheckpoint(1, (bytes(32),) * 64, NOTE)
    with pytest.raises(ProofError, match="tree size"):
        AddCheckpoint(-1, (), NOTE)


# sigsum.org/sigsum-go, pkg/client: conflict answers.
@pytest.mark.parametrize(("body", "size"), [(b"0\n", 0), (b"50\n", 50)])
def test_sizes(body: bytes, size: int):
    assert SIZE_CONTENT_TYPE == "text/x.tlog.size"
    assert parse_size(body) == size
    assert encode_size(size) == body


@pytest.mark.parametrize(
    "body", [b"", b"\n", b"50", b"050\n", b"50\n\n", b"50\r\n", b" 50\n", b"-1\n", b"\xff\n"]
)
def test_what_is_no_size_is_refused(body: bytes):
    with pytest.raises(FormatError, match="size"):
        parse_size(body)


def test_a_size_out_of_range_is_not_sent():
    with pytest.raises(ProofError):
        encode_size(-1)


def test_known_cosignatures_are_added():
    body = encode_cosignatures([cosign(TEXT, WITNESS, 1), cosign(TEXT, OTHER_WITNESS, 2)])
    witnesses = [cosigner_key(WITNESS)]
    note = add_cosignatures(NOTE, body, witnesses)
    assert note.startswith(NOTE)
    assert Checkpoint.open(note, KEY.verifier) == CHECKPOINT
    assert [s.name for s in Note.parse(note).signatures] == [KEY.name, WITNESS.name]

    # A later cosignature of the same witness takes the place of its earlier one.
    body = encode_cosignatures([cosign(TEXT, WITNESS, 3)])
    note = add_cosignatures(note, body, witnesses)
    assert [found.time for found in verify_cosignatures(Note.parse(note), witnesses)] == [3]
    assert len(Note.parse(note).signatures) == 2


def test_an_answer_without_a_good_cosignature_is_refused():
    witnesses = [cosigner_key(WITNESS)]
    for signatures, reason in (
        ([cosign(TEXT, OTHER_WITNESS, 1)], "no cosignature of a known witness"),
        ([WITNESS.sign(TEXT)], "no cosignature of a known witness"),
        ([cosign(TEXT.replace(b"42", b"43"), WITNESS, 1)], "false"),
    ):
        with pytest.raises(SignatureError, match=reason):
            add_cosignatures(NOTE, encode_cosignatures(signatures), witnesses)


@pytest.mark.parametrize("body", [b"", b"\n", b"text\n", b"\xff\n", NOTE])
def test_an_answer_that_is_no_signature_lines_is_refused(body: bytes):
    with pytest.raises(FormatError):
        add_cosignatures(NOTE, body, [cosigner_key(WITNESS)])


def test_an_unfinished_answer_is_refused():
    body = encode_cosignatures([cosign(TEXT, WITNESS, 1)])
    with pytest.raises(FormatError, match="line feed"):
        add_cosignatures(NOTE, body[:-1], [cosigner_key(WITNESS)])
