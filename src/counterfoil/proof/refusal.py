"""Checks on what a verifier is handed, before anything is computed from it.

The hashes, roots and key ids that are compared in this package are public, so that plain
comparison gives nothing away; signatures are compared by ``cryptography``.
"""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.errors import ProofError
from counterfoil.proof.hashing import HASH_BYTES


def check_hash(value: bytes, what: str) -> None:
    """Refuse anything but 32 bytes; ``what`` names the value in the error.

    Raises:
        ProofError: it is not ``bytes``, or not 32 of them.
    """
    if type(value) is not bytes or len(value) != HASH_BYTES:
        raise ProofError(f"{what} is not a hash of 32 bytes.")


def check_hashes(proof: Sequence[bytes], length: int) -> None:
    """Refuse anything but a list or tuple of exactly ``length`` hashes.

    Raises:
        ProofError: another type, another length, or a hash that is not of 32 bytes.
    """
    if not isinstance(proof, list | tuple):
        raise ProofError("The proof is not a sequence of hashes.")
    if len(proof) != length:
        raise ProofError(f"The proof has {len(proof)} hashes; these sizes call for {length}.")
    for number, value in enumerate(proof):
        check_hash(value, f"Hash {number} of the proof")
