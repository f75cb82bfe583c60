"""Checkpoints: a log's signed statement of its size and root (C2SP tlog-checkpoint 1.0.0)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from counterfoil.errors import FormatError, SignatureError
from counterfoil.proof.encoding import from_decimal, from_hash, from_utf8, to_base64
from counterfoil.proof.key import SigningKey, VerifierKey
from counterfoil.proof.note import Note
from counterfoil.proof.refusal import check_hash
from counterfoil.proof.tile import check_size


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's size and root, under the log's origin.

    Extension lines are read, as the standard allows them, and kept so that the text comes
    out as it went in; a checkpoint that has any is never signed here, since nobody audits
    them.

    Attributes:
        origin: the log's identity; not empty.
        size: how many leaves the tree has, 0 to 2^63 - 1.
        root: the tree's root, 32 bytes.
        extensions: further lines, opaque; none is empty.

    Raises:
        ProofError: the size is out of range, or the root is not of 32 bytes.
        FormatError: the origin or an extension line is empty or has a line feed in it.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_size(self.size)
        check_hash(self.root, "The root")
        if any(not line or "\n" in line for line in (self.origin, *self.extensions)):
            raise FormatError("A checkpoint's origin and extension lines are single lines.")

    def encode(self) -> bytes:
        """The checkpoint's text: what is signed."""
        lines = (self.origin, str(self.size), to_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines).encode()

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read a checkpoint's text, without signatures.

        Raises:
            FormatError: it is not origin, size and root, a line each, and extension lines.
        """
        lines = from_utf8(text, "The checkpoint").split("\n")
        if lines.pop() or len(lines) < 3:
            raise FormatError(
                "A checkpoint is at least three lines, each ended by a line feed: origin,"
                " size, root."
            )
        origin, size, root, *extensions = lines
        return cls(
            origin,
            from_decimal(size, "The checkpoint's size"),
            from_hash(root, "The checkpoint's root"),
            tuple(extensions),
        )

    def sign(self, key: SigningKey) -> bytes:
        """The checkpoint as a note that the log's key signed.

        Raises:
            SignatureError: the key's name is not the origin.
            FormatError: the checkpoint has extension lines.
        """
        if key.name != self.origin:
            raise SignatureError("A log signs with a key whose name is its origin.")
        if self.extensions:
            raise FormatError("A checkpoint with extension lines is not signed.")
        text = self.encode()
        return Note(text, (key.sign(text),)).encode()

    @classmethod
    def open(cls, note: bytes, key: VerifierKey, *, origin: str | None = None) -> Self:
        """Read a signed checkpoint and verify the log's signature.

        The origin is checked as well: one private key may serve many logs, under as many
        names, and its signature does not cover the name.

        Args:
            note: the signed checkpoint.
            key: the log's verifier key.
            origin: the origin that is wanted; by default the key's name.

        Raises:
            FormatError: the bytes are not a note, or its text is not a checkpoint.
            SignatureError: the key did not sign it, its signature is false, or the
                checkpoint is another log's.
        """
        signed = Note.parse(note)
        signed.verify([key])
        checkpoint = cls.parse(signed.text)
        if checkpoint.origin != (key.name if origin is None else origin):
            raise SignatureError("The checkpoint is another log's: not of the wanted origin.")
        return checkpoint
