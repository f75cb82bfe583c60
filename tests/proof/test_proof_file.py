"""Proof files: written by a log, checked by a stranger."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import FormatError, ProofError, SignatureError
from counterfoil.proof import (
    Note,
    ProofFile,
    SigningKey,
    VerifierKey,
    cosign,
    cosigner_key,
)
from tests.proof.samples import ENTRIES, GOOD_FILE, KEY, LOG_CHECKPOINT, proof_file


@given(index=st.integers(0, 299), with_entry=st.booleans())
def test_files_round_trip_and_verify(index: int, with_entry: bool):
    written = proof_file(index, with_entry=with_entry)
    read = ProofFile.parse(written.encode())
    assert read == written
    key = VerifierKey.parse(str(KEY.verifier))
    proven = read.verify(key, entry=None if with_entry else ENTRIES[index])
    assert (proven.entry, proven.index) == (ENTRIES[index], index)
    assert (proven.checkpoint, proven.cosignatures) == (LOG_CHECKPOINT, [])


def test_the_file_line_by_line():
    lines = GOOD_FILE.encode().decode().split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra eyJ2IjoxLCJuIjoxMjN9", "index 123"]
    assert lines[3 + len(GOOD_FILE.hashes)] == ""
    assert GOOD_FILE.encode().endswith(b"\n\n" + GOOD_FILE.checkpoint)


def test_published_file():
    """The example of C2SP tlog-proof, whose checkpoint is abridged there."""
    data = (
        b"c2sp.org/tlog-proof@v1\n"
        b"extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ\n"
        b"index 73894\n"
        b"gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n"
        b"B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=\n"
        b"EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=\n"
        b"RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=\n"
        b"AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=\n\n"
        b"example.com/fancylog\n109482\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n"
    )
    read = ProofFile.parse(data)
    assert (read.index, len(read.hashes)) == (73894, 5)
    assert (read.entry or b"").startswith(b"age-v1.2.1-darwin-arm64.tar.gz")
    assert read.encode() == data


def test_cosignatures_of_known_witnesses_are_returned():
    witnesses = [SigningKey(f"witness.example/w{n}", bytes([n] * 32)) for n in range(3)]
    text = LOG_CHECKPOINT.encode()
    signatures = [cosign(text, witness, time) for time, witness in enumerate(witnesses)]
    note = Note(text, (*Note.parse(GOOD_FILE.checkpoint).signatures, *signatures)).encode()
    file = replace(GOOD_FILE, checkpoint=note)
    known = [cosigner_key(witness) for witness in witnesses[1:]]
    proven = file.verify(KEY.verifier, witnesses=known)
    assert [found.time for found in proven.cosignatures] == [1, 2]

    false = replace(file, checkpoint=note.replace(b"\n300\n", b"\n301\n"))
    with pytest.raises(SignatureError, match="false"):
        false.verify(KEY.verifier, witnesses=known)


def test_the_entry_must_be_there_and_be_the_one():
    bare = replace(GOOD_FILE, entry=None)
    with pytest.raises(ProofError, match="does not carry the entry"):
        bare.verify(KEY.verifier)
    with pytest.raises(ProofError, match="another root"):
        bare.verify(KEY.verifier, entry=ENTRIES[124])
    with pytest.raises(ProofError, match="carries another entry"):
        GOOD_FILE.verify(KEY.verifier, entry=ENTRIES[124])
    assert GOOD_FILE.verify(KEY.verifier, entry=ENTRIES[123]).entry == ENTRIES[123]


def test_every_forged_part_is_refused():
    for forged in (
        replace(GOOD_FILE, entry=ENTRIES[123] + b" "),
        replace(GOOD_FILE, index=122),
        replace(GOOD_FILE, index=300),
        replace(GOOD_FILE, index=2**63 - 1),
        replace(GOOD_FILE, hashes=GOOD_FILE.hashes[::-1]),
        replace(GOOD_FILE, hashes=GOOD_FILE.hashes[1:]),
        replace(GOOD_FILE, hashes=(*GOOD_FILE.hashes, bytes(32))),
        replace(GOOD_FILE, checkpoint=replace(LOG_CHECKPOINT, size=123).sign(KEY)),
    ):
        with pytest.raises(ProofError):
            ProofFile.parse(forged.encode()).verify(KEY.verifier)


def test_another_logs_key_or_checkpoint_is_refused():
    with pytest.raises(SignatureError, match="None of the wanted keys"):
        GOOD_FILE.verify(SigningKey.generate(KEY.name).verifier)
    other = KEY.renamed("audit.example.com/other")
    relabelled = Note(LOG_CHECKPOINT.encode(), (other.sign(LOG_CHECKPOINT.encode()),)).encode()
    with pytest.raises(SignatureError, match="another log's"):
        replace(GOOD_FILE, checkpoint=relabelled).verify(other.verifier)
    with pytest.raises(SignatureError, match="another log's"):
        GOOD_FILE.verify(KEY.verifier, origin="audit.example.com/other")


HASH = b"gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ="
HEAD = b"c2sp.org/tlog-proof@v1\n"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no checkpoint"),
        (HEAD + b"index 0\n", "no checkpoint"),
        (HEAD + b"index 0\n\n", "no checkpoint"),
        (HEAD + b"index 0\n" + HASH + b"\ncheckpoint\n", "no checkpoint"),
        # The first ones of transparency-dev/merkle's tests.
        (b"wrong-header\nindex 0\n\ncheckpoint\n", "first line"),
        (HEAD + b"extra !!notbase64!!\nindex 0\n\ncheckpoint\n", "extra line is not standard"),
        (HEAD + b"\n\ncheckpoint\n", "no index line"),
        (HEAD + b"index notanumber\n\ncheckpoint\n", "index is not a decimal"),
        (HEAD + b"index -5\n\ncheckpoint\n", "index is not a decimal"),
        (HEAD + b"index 0\n!!notbase64!!\n\ncheckpoint\n", "Hash 0 of the proof is not standard"),
        (
            HEAD + b"index 0\n" + HASH[:-4] + b"\n\ncheckpoint\n",
            "Hash 0 of the proof is not a hash",
        ),
        (
            HEAD + b"index 0\n" + HASH + b"\n" + HASH[:8] + b"\n\nc\n",
            "Hash 1 of the proof is not a",
        ),
        # And more.
        (b"c2sp.org/tlog-proof@v2\nindex 0\n\nc\n", "first line"),
        (b"\n\n" + HEAD, "first line"),
        (HEAD + b"extra \nindex 0\n\nc\n", "extra line of a proof file is not empty"),
        (HEAD + b"extra  QQ==\nindex 0\n\nc\n", "extra line is not standard"),
        (HEAD + b"extra QQ==\nextra QQ==\nindex 0\n\nc\n", "no index line"),
        (HEAD + b"index 0\nextra QQ==\n\nc\n", "Hash 0"),
        (HEAD + b"extra QQ==\n\nc\n", "no index line"),
        (HEAD + b"index 00\n\nc\n", "index is not a decimal"),
        (HEAD + b"index 0 \n\nc\n", "index is not a decimal"),
        (HEAD + b"index 9223372036854775808\n\nc\n", "index is not a decimal"),
        (HEAD + b"Index 0\n\nc\n", "no index line"),
        (HEAD + b"index 0\n" + HASH + b" \n\nc\n", "Hash 0"),
        (HEAD + b"index 0\n" + HASH + b"\r\n\nc\n", "Hash 0"),
        (GOOD_FILE.encode().replace(b"\n", b"\r\n"), "no checkpoint"),
        (b"\xff" + GOOD_FILE.encode(), "not UTF-8"),
        (b"\xef\xbb\xbf" + GOOD_FILE.encode(), "first line"),
        (GOOD_FILE.encode() + bytes(2_000_000), "more than 2000000 bytes"),
    ],
)
def test_what_is_no_proof_file_is_refused(data: bytes, reason: str):
    with pytest.raises(FormatError, match=reason):
        ProofFile.parse(data)


@pytest.mark.parametrize("tail", [b"\n", b"x", b"x\n", b"\0", b"\r\n"])
def test_trailing_data_is_refused(tail: bytes):
    with pytest.raises(ProofError):
        ProofFile.parse(GOOD_FILE.encode() + tail).verify(KEY.verifier)
