"""Proof files: one entry, provable offline (C2SP tlog-proof v1, ``.tlog-proof``).

The file carries the entry in its ``extra`` line, the inclusion proof, and the signed
checkpoint that the proof leads to. Whoever holds the log's verifier key needs nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from counterfoil.errors import FormatError, ProofError
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.cosignature import Cosignature, CosignerKey, verify_cosignatures
from counterfoil.proof.encoding import (
    from_base64,
    from_decimal,
    from_hash,
    from_utf8,
    to_base64,
)
from counterfoil.proof.hashing import leaf_hash
from counterfoil.proof.inclusion import verify_inclusion
from counterfoil.proof.key import VerifierKey
from counterfoil.proof.note import MAX_NOTE_BYTES, Note

#: What a proof file's name ends with.
PROOF_FILE_SUFFIX = ".tlog-proof"

#: The largest proof file that is read: a note of the largest size, and as much before it.
MAX_PROOF_FILE_BYTES = 2 * MAX_NOTE_BYTES

_HEADER = "c2sp.org/tlog-proof@v1"
_EXTRA = "extra "
_INDEX = "index "


@dataclass(frozen=True, slots=True)
class ProvenEntry:
    """What a proof file proved.

    Attributes:
        entry: the entry's bytes.
        index: its place in the log, from 0.
        checkpoint: the log's statement that covers it; its signature is verified.
        cosignatures: those of the witnesses that were asked for, verified; maybe none.
    """

    entry: bytes
    index: int
    checkpoint: Checkpoint
    cosignatures: list[Cosignature]


@dataclass(frozen=True, slots=True)
class ProofFile:
    """A proof file's parts. Nothing is verified until :meth:`verify` is called.

    Attributes:
        index: the entry's place in the log, from 0.
        hashes: the inclusion proof, from the leaf's sibling up to the root's child.
        checkpoint: the signed checkpoint, verbatim.
        entry: the entry's bytes, where the file carries it; not empty.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    entry: bytes | None = None

    def encode(self) -> bytes:
        """The file's bytes."""
        lines = [_HEADER]
        if self.entry:
            lines.append(_EXTRA + to_base64(self.entry))
        lines.append(f"{_INDEX}{self.index}")
        lines += map(to_base64, self.hashes)
        return "\n".join((*lines, "", "")).encode() + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a proof file.

        Raises:
            FormatError: the bytes are not a proof file.
        """
        if len(data) > MAX_PROOF_FILE_BYTES:
            raise FormatError(f"The proof file has more than {MAX_PROOF_FILE_BYTES} bytes.")
        head, empty_line, checkpoint = data.partition(b"\n\n")
        if not empty_line or not checkpoint:
            raise FormatError("The proof file has no checkpoint after an empty line.")
        header, *lines = from_utf8(head, "The proof file").split("\n")
        if header != _HEADER:
            raise FormatError(f"The first line of a proof file is {_HEADER}.")

        entry = None
        if lines and lines[0].startswith(_EXTRA):
            entry = from_base64(lines.pop(0)[len(_EXTRA) :], "The extra line")
            if not entry:
                raise FormatError("The extra line of a proof file is not empty.")
        if not lines or not lines[0].startswith(_INDEX):
            raise FormatError("The proof file has no index line in its place.")
        index = from_decimal(lines.pop(0)[len(_INDEX) :], "The index")
        hashes = tuple(
            from_hash(line, f"Hash {number} of the proof") for number, line in enumerate(lines)
        )
        return cls(index, hashes, checkpoint, entry)

    def verify(
        self,
        key: VerifierKey,
        *,
        entry: bytes | None = None,
        witnesses: Iterable[CosignerKey] = (),
        origin: str | None = None,
    ) -> ProvenEntry:
        """Check that the entry is in the log that the key belongs to.

        Args:
            key: the log's verifier key, from a place other than the file.
            entry: the entry, where the file does not carry it.
            witnesses: whose cosignatures to verify and return.
            origin: the log's origin; by default the key's name.

        Raises:
            ProofError: there is no entry, two different ones, or the proof does not hold.
            FormatError: the checkpoint is not one.
            SignatureError: the log's key did not sign the checkpoint, its signature or a
                known witness's is false, or the checkpoint is another log's.
        """
        if entry is not None and self.entry is not None and entry != self.entry:
            raise ProofError("The proof file carries another entry than the one given.")
        proven = self.entry if entry is None else entry
        if proven is None:
            raise ProofError(
                "The proof file does not carry the entry.", remedy="Give the entry beside it."
            )
        checkpoint = Checkpoint.open(self.checkpoint, key, origin=origin)
        cosignatures = verify_cosignatures(Note.parse(self.checkpoint), witnesses)
        verify_inclusion(
            leaf_hash(proven), self.index, checkpoint.size, self.hashes, checkpoint.root
        )
        return ProvenEntry(proven, self.index, checkpoint, cosignatures)
