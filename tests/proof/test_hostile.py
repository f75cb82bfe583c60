"""Whatever bytes are handed in: a ProofError, or a value that is written the same way again.

So nothing but a refusal comes out of a hostile file, and no file can be changed without
changing what it says.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import ProofError
from counterfoil.proof import (
    AddCheckpoint,
    Checkpoint,
    Frontier,
    Note,
    ProofFile,
    SigningKey,
    TileId,
    VerifierKey,
    check_disclosures,
    encode_size,
    parse_disclosures,
    parse_size,
)
from tests.proof.reference import numbered_leaves
from tests.proof.samples import ACTOR, DETAILS, GOOD_FILE, KEY, entry
from tests.proof.vectors import (
    PETER,
    PETER_SECRET,
    REQUESTS,
    RFC_TEXT,
    SIGSUM_CHECKPOINT,
    SIGSUM_KEY,
    SPEC_NOTE_WITH_EMPTY_LINE,
)

Rewrite = Callable[[bytes], bytes]


def of_text(rewrite: Callable[[str], str]) -> Rewrite:
    """For a format whose parser takes text: what is not UTF-8 never gets there."""
    return lambda data: rewrite(data.decode(errors="surrogateescape")).encode(
        errors="surrogateescape"
    )


#: Each format: how it is read and written again, and a good example.
FORMATS: dict[str, tuple[Rewrite, bytes]] = {
    "note": (lambda data: Note.parse(data).encode(), SPEC_NOTE_WITH_EMPTY_LINE),
    "checkpoint": (
        lambda data: Checkpoint.parse(data).encode(),
        SIGSUM_CHECKPOINT.partition(b"\n\n")[0] + b"\nan extension\n",
    ),
    "proof file": (lambda data: ProofFile.parse(data).encode(), GOOD_FILE.encode()),
    "request": (lambda data: AddCheckpoint.parse(data).encode(), REQUESTS[0].encode()),
    "size": (lambda data: encode_size(parse_size(data)), b"20852014\n"),
    "verifier key": (of_text(lambda text: str(VerifierKey.parse(text))), PETER.encode()),
    "signing key": (
        of_text(lambda text: SigningKey.parse(text).secret_text()),
        PETER_SECRET.encode(),
    ),
    "tile path": (of_text(lambda text: TileId.parse(text).path), b"tile/1/x001/x234/067.p/5"),
    "frontier": (
        lambda data: Frontier.from_bytes(data).to_bytes(),
        Frontier().append(numbered_leaves(11)).frontier.to_bytes(),
    ),
    "disclosures": (
        lambda data: b"".join(b"%b\n" % d.text.encode() for d in parse_disclosures(data)),
        f"{RFC_TEXT}\n".encode() * 2,
    ),
}

#: Bytes that mean something to one of the formats.
TOKENS = st.sampled_from(
    [b"\n", b"\n\n", b"\r\n", b"\0", b" ", b"=", b"+", b"0", b"-1", b"\xff", "—".encode(), b"~"]
)


@st.composite
def mutations(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes with a few pieces cut out, replaced, repeated or put in."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + draw(st.integers(0, 64)))))
        put = draw(TOKENS | st.binary(max_size=4) | st.just(data[start:end] * 2))
        data = data[:start] + put + data[end:]
    return data


def accepted_or_refused(rewrite: Rewrite, data: bytes) -> None:
    with suppress(ProofError):
        assert rewrite(data) == data


@pytest.mark.parametrize("name", FORMATS)
def test_good_examples_are_written_the_same_way_again(name: str):
    rewrite, good = FORMATS[name]
    assert rewrite(good) == good


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_mutations(name: str, data: st.DataObject):
    rewrite, good = FORMATS[name]
    accepted_or_refused(rewrite, data.draw(mutations(good)))


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.binary(max_size=200))
def test_arbitrary_bytes(name: str, data: bytes):
    accepted_or_refused(FORMATS[name][0], data)


@given(data=mutations(GOOD_FILE.encode()))
def test_a_mutated_proof_file_proves_nothing_else(data: bytes):
    try:
        proven = ProofFile.parse(data).verify(KEY.verifier)
    except ProofError:
        return
    # What is still accepted says the same: only lines of unknown signers can have changed.
    good = GOOD_FILE.verify(KEY.verifier)
    assert (proven.entry, proven.index, proven.checkpoint) == (
        good.entry,
        good.index,
        good.checkpoint,
    )


@given(data=mutations(SIGSUM_CHECKPOINT))
def test_a_mutated_checkpoint_states_nothing_else(data: bytes):
    try:
        checkpoint = Checkpoint.open(data, SIGSUM_KEY)
    except ProofError:
        return
    assert checkpoint == Checkpoint.open(SIGSUM_CHECKPOINT, SIGSUM_KEY)


@given(data=mutations(entry(ACTOR, DETAILS)) | st.binary())
def test_a_mutated_entry_raises_nothing_else(data: bytes):
    with suppress(ProofError):
        assert check_disclosures(data, []) == json.loads(data)["_sd"]
