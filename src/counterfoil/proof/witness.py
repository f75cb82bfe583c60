"""What a log and a witness say to each other (C2SP tlog-witness 1.0.0): bytes only.

A log posts to ``<witness>/add-checkpoint``. The answer is 200 with cosignature lines, or
409 with the size that the witness has, from where the log must prove. Other statuses: 403
bad signature, 404 unknown origin, 422 bad proof, 400 old size larger than the new.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from counterfoil.errors import FormatError, SignatureError
from counterfoil.proof.cosignature import CosignerKey, verify_cosignatures
from counterfoil.proof.encoding import from_decimal, from_hash, from_utf8, to_base64
from counterfoil.proof.note import MAX_NOTE_BYTES, Note, parse_signatures
from counterfoil.proof.signature import Signature
from counterfoil.proof.tile import check_size

#: The content type of the size that a witness answers a conflict with.
SIZE_CONTENT_TYPE = "text/x.tlog.size"

#: The most hashes that a request may have.
MAX_PROOF_HASHES = 63

_OLD = "old "
# The old size's line, the hashes' lines and the empty line.
_MAX_HEAD_BYTES = 64 + 45 * MAX_PROOF_HASHES


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request to cosign a checkpoint. Nothing is verified by reading it.

    Attributes:
        old_size: the size that the log believes the witness to have, 0 to 2^63 - 1.
        proof: the consistency proof from there, at most 63 hashes.
        checkpoint: the signed checkpoint, verbatim.

    Raises:
        ProofError: the old size is out of range.
        FormatError: the proof has more than 63 hashes.
    """

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    def __post_init__(self) -> None:
        check_size(self.old_size)
        if len(self.proof) > MAX_PROOF_HASHES:
            raise FormatError(f"The proof has more than {MAX_PROOF_HASHES} hashes.")

    def encode(self) -> bytes:
        """The request's body."""
        lines = (f"{_OLD}{self.old_size}", *map(to_base64, self.proof), "", "")
        return "\n".join(lines).encode() + self.checkpoint

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read a request's body; the checkpoint is not looked into.

        Raises:
            FormatError: it is not an old size, at most 63 hashes, an empty line and more.
        """
        if len(body) > _MAX_HEAD_BYTES + MAX_NOTE_BYTES:
            raise FormatError("The request is too long.")
        head, empty_line, checkpoint = body.partition(b"\n\n")
        if not empty_line or not checkpoint:
            raise FormatError("The request has no checkpoint after an empty line.")
        old, *hashes = from_utf8(head, "The request").split("\n")
        if not old.startswith(_OLD):
            raise FormatError("The first line of the request is not the old size.")
        return cls(
            from_decimal(old[len(_OLD) :], "The old size"),
            tuple(from_hash(line, f"Hash {number}") for number, line in enumerate(hashes)),
            checkpoint,
        )


def encode_size(size: int) -> bytes:
    """The body of a 409 answer: the size of the checkpoint that the witness last cosigned.

    Raises:
        ProofError: the size is out of range.
    """
    check_size(size)
    return b"%d\n" % size


def parse_size(body: bytes) -> int:
    """Read the body of a 409 answer.

    Raises:
        FormatError: it is not one decimal and a line feed.
    """
    size, line_feed, rest = from_utf8(body, "The size").partition("\n")
    if not line_feed or rest:
        raise FormatError("The size is not one line, ended by a line feed.")
    return from_decimal(size, "The size")


def encode_cosignatures(cosignatures: Iterable[Signature]) -> bytes:
    """The body of a 200 answer."""
    return b"".join(cosignature.encode() for cosignature in cosignatures)


def add_cosignatures(note: bytes, body: bytes, witnesses: Iterable[CosignerKey]) -> bytes:
    """Add the cosignatures of a 200 answer to the checkpoint that was sent.

    Those of unknown keys are left out, and a witness's earlier one is replaced.

    Args:
        note: the signed checkpoint.
        body: the answer's body.
        witnesses: the keys to believe.

    Raises:
        FormatError: the note or the answer is not of its form, or the note would have too
            many signatures.
        SignatureError: a known witness's cosignature is false, or there is none.
    """
    sent = Note.parse(note)
    answered = Note(sent.text, parse_signatures(body))
    good = {found.witness: found.signature for found in verify_cosignatures(answered, witnesses)}
    if not good:
        raise SignatureError("The answer has no cosignature of a known witness.")
    signers = {(signature.name, signature.key_id) for signature in good.values()}
    kept = [known for known in sent.signatures if (known.name, known.key_id) not in signers]
    return Note(sent.text, (*kept, *good.values())).encode()
