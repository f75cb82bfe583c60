"""Ed25519 keys that sign and verify notes (RFC 8032, C2SP signed-note).

The primitives are those of the ``cryptography`` package, imported where they are used:
a process that only appends never loads them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Self

from counterfoil.errors import FormatError, SignatureError
from counterfoil.proof.encoding import from_base64, to_base64
from counterfoil.proof.signature import Signature, SignatureType, check_key_name, compute_key_id

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SEED_BYTES = 32
PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64

_KEY_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)
_PRIVATE = "PRIVATE+KEY+"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key and the name it signs under: what whoever checks a note must hold.

    Attributes:
        name: the key's name; for a log, its origin.
        public_key: the Ed25519 public key, 32 bytes.
        id: the key's id, 4 bytes, computed from the others and the signature type.

    Raises:
        FormatError: the name cannot be a key's, or the public key is not of 32 bytes.
    """

    type: ClassVar[SignatureType] = SignatureType.ED25519

    name: str
    public_key: bytes
    id: bytes = field(init=False)

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.public_key) != PUBLIC_KEY_BYTES:
            raise FormatError("An Ed25519 public key has 32 bytes.")
        object.__setattr__(self, "id", compute_key_id(self.name, self.type, self.public_key))

    def __str__(self) -> str:
        """The verifier key's text: ``name+hex(key id)+base64(type || public key)``."""
        return _key_text(self.name, self.id, self.type, self.public_key)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a verifier key's text.

        Raises:
            FormatError: it is not of that form, of another signature type, or its id is
                not the one of its name and public key.
        """
        name, stated_id, public_key = _split_key_text(text, cls.type)
        key = cls(name, public_key)
        if key.id != stated_id:
            raise FormatError("The key's id is not the one of its name and public key.")
        return key

    def renamed(self, name: str) -> Self:
        """The same public key under another name."""
        return type(self)(name, self.public_key)

    def verify(self, text: bytes, value: bytes) -> None:
        """Check a signature's value over a note's text.

        Raises:
            SignatureError: it is not this key's signature of this text.
        """
        self._verify_message(text, value)

    def _verify_message(self, message: bytes, value: bytes) -> None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(value, message)
        except InvalidSignature as error:
            raise SignatureError("A known key's signature is false.") from error


class SigningKey:
    """A private key and the name it signs under. Keep it secret; ``repr`` shows no secret.

    One key may serve many logs: :meth:`renamed` gives it each log's origin as its name.
    """

    __slots__ = ("_private", "verifier")

    #: The verifier key that belongs to it.
    verifier: VerifierKey

    def __init__(self, name: str, seed: bytes) -> None:
        """Make the key of a seed of 32 bytes.

        Raises:
            FormatError: the name cannot be a key's, or the seed is not of 32 bytes.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if len(seed) != SEED_BYTES:
            raise FormatError("An Ed25519 seed has 32 bytes.")
        self._private: Ed25519PrivateKey = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, self._private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str) -> Self:
        """A new random key.

        Raises:
            FormatError: the name cannot be a key's.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def name(self) -> str:
        """The name it signs under."""
        return self.verifier.name

    def __repr__(self) -> str:
        return f"<SigningKey of {self.verifier}>"

    def renamed(self, name: str) -> Self:
        """The same key under another name.

        Raises:
            FormatError: the name cannot be a key's.
        """
        return type(self)(name, self._private.private_bytes_raw())

    def sign(self, text: bytes) -> Signature:
        """Sign a note's text (signature type 0x01)."""
        return Signature(self.name, self.verifier.id, self.sign_message(text))

    def sign_message(self, message: bytes) -> bytes:
        """The bare Ed25519 signature, 64 bytes; not for what a stranger chose."""
        return self._private.sign(message)

    def secret_text(self) -> str:
        """The private key's text, as golang.org/x/mod/sumdb/note writes it.

        ``PRIVATE+KEY+name+hex(key id)+base64(type || seed)``
        """
        seed = self._private.private_bytes_raw()
        return _PRIVATE + _key_text(self.name, self.verifier.id, self.verifier.type, seed)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a private key's text, as :meth:`secret_text` gives it.

        Raises:
            FormatError: it is not of that form, or its id is not the one of its name and
                public key.
        """
        if not text.startswith(_PRIVATE):
            raise FormatError("A private key's text begins with PRIVATE+KEY+.")
        name, stated_id, seed = _split_key_text(text[len(_PRIVATE) :], VerifierKey.type)
        key = cls(name, seed)
        if key.verifier.id != stated_id:
            raise FormatError("The key's id is not the one of its name and seed.")
        return key


def _key_text(name: str, key_id: bytes, signature_type: SignatureType, key: bytes) -> str:
    return f"{name}+{key_id.hex()}+{to_base64(bytes([signature_type]) + key)}"


def _split_key_text(text: str, signature_type: SignatureType) -> tuple[str, bytes, bytes]:
    """A key text's name, id and key; the key's base64 may itself hold a plus sign."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not _KEY_ID.fullmatch(parts[1]):
        raise FormatError("A key's text is name+hex(key id)+base64(type || key).")
    data = from_base64(parts[2], "The key")
    if data[:1] != bytes([signature_type]):
        raise FormatError(f"The key is not of signature type 0x{signature_type:02x}.")
    return parts[0], bytes.fromhex(parts[1]), data[1:]
