"""Signed notes: a text, and who signed it (C2SP signed-note 1.0.0)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self, TypeVar

from counterfoil.errors import FormatError, SignatureError
from counterfoil.proof.encoding import from_utf8
from counterfoil.proof.key import VerifierKey
from counterfoil.proof.signature import Signature

#: The largest note that is read, in bytes, and the most signatures that it may have: the
#: limits of golang.org/x/mod/sumdb/note. The standard asks for at least 16 signatures.
MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100

KeyT = TypeVar("KeyT", bound=VerifierKey)

_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures. Nothing is verified until :meth:`verify` is called.

    Attributes:
        text: what is signed; UTF-8, ended by a line feed.
        signatures: the signatures as they stand, good or not; at least one.

    Raises:
        FormatError: the text or the number of signatures is not a note's.
    """

    text: bytes
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        from_utf8(self.text, "The note")
        if not self.text.endswith(b"\n"):
            raise FormatError("The note's text does not end with a line feed.")
        if _CONTROL.search(self.text):
            raise FormatError("The note has a control character other than the line feed.")
        if not self.signatures:
            raise FormatError("The note has no signature.")
        if len(self.signatures) > MAX_SIGNATURES:
            raise FormatError(f"The note has more than {MAX_SIGNATURES} signatures.")

    def encode(self) -> bytes:
        """The note's bytes."""
        return self.text + b"\n" + b"".join(line.encode() for line in self.signatures)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a note; text and signatures are split at the last empty line.

        Raises:
            FormatError: the bytes are not a note.
        """
        if len(data) > MAX_NOTE_BYTES:
            raise FormatError(f"The note has more than {MAX_NOTE_BYTES} bytes.")
        at = data.rfind(b"\n\n")
        if at < 0:
            raise FormatError("The note has no empty line between text and signatures.")
        return cls(data[: at + 1], parse_signatures(data[at + 2 :]))

    def verified_by(self, keys: Iterable[KeyT]) -> list[tuple[KeyT, Signature]]:
        """The good signatures of known keys, in the note's order; maybe none.

        Signatures by unknown keys are ignored, as the standard asks, even where they share
        a known key's name or id.

        Raises:
            SignatureError: a known key's signature is false, or two different keys share
                both name and id.
        """
        known: dict[tuple[str, bytes], KeyT] = {}
        for key in keys:
            if known.setdefault((key.name, key.id), key) != key:
                raise SignatureError("Two of the known keys share both name and id.")
        good = []
        for signature in self.signatures:
            if signer := known.get((signature.name, signature.key_id)):
                signer.verify(self.text, signature.value)
                good.append((signer, signature))
        return good

    def verify(self, keys: Iterable[KeyT]) -> list[tuple[KeyT, Signature]]:
        """As :meth:`verified_by`, but at least one of the keys must have signed.

        Raises:
            SignatureError: a known key's signature is false, two different keys share both
                name and id, or none of the keys signed the note.
        """
        if good := self.verified_by(keys):
            return good
        raise SignatureError("None of the wanted keys signed the note.")


def parse_signatures(data: bytes) -> tuple[Signature, ...]:
    """Read signature lines, each ended by a line feed; at most 100.

    Raises:
        FormatError: a line is not a signature, or the last has no line feed.
    """
    if _CONTROL.search(data):
        raise FormatError("The signatures have a control character other than the line feed.")
    lines = from_utf8(data, "The signatures").split("\n")
    if lines.pop():
        raise FormatError("The last signature line does not end with a line feed.")
    if len(lines) > MAX_SIGNATURES:
        raise FormatError(f"There are more than {MAX_SIGNATURES} signatures.")
    return tuple(Signature.parse(line) for line in lines)
