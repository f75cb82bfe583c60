"""Cosignatures: a witness's dated signature of a checkpoint (C2SP tlog-cosignature 1.0.1).

Only the Ed25519 cosignature, type 0x04. It says that at this time the witness had seen no
larger tree of this log, and that all it ever saw of it are consistent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from counterfoil.errors import FormatError, SignatureError
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.encoding import MAX_INTEGER
from counterfoil.proof.key import SIGNATURE_BYTES, SigningKey, VerifierKey
from counterfoil.proof.note import Note
from counterfoil.proof.signature import Signature, SignatureType

_TIME_BYTES = 8


@dataclass(frozen=True, slots=True)
class CosignerKey(VerifierKey):
    """A witness's verifier key: as :class:`VerifierKey`, with signature type 0x04."""

    type: ClassVar[SignatureType] = SignatureType.COSIGNATURE

    def verify(self, text: bytes, value: bytes) -> None:
        """Check a cosignature's value over a checkpoint's text.

        Raises:
            SignatureError: it is not this witness's cosignature of this text.
        """
        time, signature = _split(value)
        self._verify_message(_message(text, time), signature)


class Cosignature(NamedTuple):
    """A cosignature that has been verified.

    Attributes:
        witness: the key that made it.
        time: when, in seconds since the Unix epoch, by the witness's clock.
        signature: the signature as it stands in the note.
    """

    witness: CosignerKey
    time: int
    signature: Signature


def cosigner_key(key: SigningKey) -> CosignerKey:
    """The verifier key of the cosignatures that a signing key makes."""
    return CosignerKey(key.name, key.verifier.public_key)


def cosign(text: bytes, key: SigningKey, time: int) -> Signature:
    """Cosign a checkpoint, whose consistency the caller has verified.

    Args:
        text: the checkpoint's text, without signatures; extension lines are covered.
        key: the witness's key.
        time: seconds since the Unix epoch, 0 to 2^63 - 1.

    Raises:
        FormatError: the text is not a checkpoint's, or the time is out of range.
    """
    Checkpoint.parse(text)
    if not 0 <= time <= MAX_INTEGER:
        raise FormatError("A cosignature's time is from 0 to 2^63 - 1 seconds.")
    value = time.to_bytes(_TIME_BYTES, "big") + key.sign_message(_message(text, time))
    return Signature(key.name, cosigner_key(key).id, value)


def verify_cosignatures(note: Note, witnesses: Iterable[CosignerKey]) -> list[Cosignature]:
    """The good cosignatures of known witnesses, in the note's order; maybe none.

    Whether a time is believable is for the caller to say: this package has no clock.

    Raises:
        SignatureError: a known witness's cosignature is false, or two different keys share
            both name and id.
    """
    return [
        Cosignature(witness, _split(signature.value)[0], signature)
        for witness, signature in note.verified_by(witnesses)
    ]


def _message(text: bytes, time: int) -> bytes:
    return b"cosignature/v1\ntime %d\n%b" % (time, text)


def _split(value: bytes) -> tuple[int, bytes]:
    """A cosignature's time and bare signature."""
    time = int.from_bytes(value[:_TIME_BYTES], "big")
    if len(value) != _TIME_BYTES + SIGNATURE_BYTES or time > MAX_INTEGER:
        raise SignatureError("A known witness's cosignature is not a time and a signature.")
    return time, value[_TIME_BYTES:]
