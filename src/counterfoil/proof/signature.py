"""A signature line of a note (C2SP signed-note): whose key, and its signature's bytes."""

from __future__ import annotations

from enum import IntEnum
from hashlib import sha256
from typing import NamedTuple

from counterfoil.errors import FormatError
from counterfoil.proof.encoding import from_base64, to_base64

KEY_ID_BYTES = 4

_DASH = "\N{EM DASH} "


class SignatureType(IntEnum):
    """The signature types in use, by their identifier byte."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


class Signature(NamedTuple):
    """One signature as it stands in a note, good or not.

    Attributes:
        name: the key's name.
        key_id: the key's id, 4 bytes; with the name it tells the key and the algorithm.
        value: the signature itself, whose form the algorithm sets.
    """

    name: str
    key_id: bytes
    value: bytes

    def encode(self) -> bytes:
        """The signature line with its line end."""
        return f"{_DASH}{self.name} {to_base64(self.key_id + self.value)}\n".encode()

    @classmethod
    def parse(cls, line: str) -> Signature:
        """Read a signature line without its line end.

        Raises:
            FormatError: it is not an em dash, a key name and base64, one space between.
        """
        if not line.startswith(_DASH):
            raise FormatError("A signature line does not begin with an em dash and a space.")
        name, _, encoded = line[len(_DASH) :].partition(" ")
        check_key_name(name)
        data = from_base64(encoded, "A signature")
        if len(data) <= KEY_ID_BYTES:
            raise FormatError("A signature is too short to hold a key id and a value.")
        return cls(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


def compute_key_id(name: str, signature_type: SignatureType, public_key: bytes) -> bytes:
    """A key's id: the first 4 bytes of SHA-256 over its name, type and public key."""
    named = name.encode() + b"\n" + bytes([signature_type]) + public_key
    return sha256(named).digest()[:KEY_ID_BYTES]


def check_key_name(name: str) -> None:
    """Refuse what cannot be a key name.

    Raises:
        FormatError: it is empty, or has white space, a control character, a plus sign or
            half of a surrogate pair.
    """
    if not name or any(
        char == "+" or char < " " or char.isspace() or "\ud800" <= char <= "\udfff" for char in name
    ):
        raise FormatError(
            "A key name is not empty and has no white space, control character or plus sign."
        )
