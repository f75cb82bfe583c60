"""A log, its checkpoints, witnesses, proofs and disclosures, for tests that need some."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

from counterfoil.proof import (
    Checkpoint,
    ProofFile,
    SigningKey,
    inclusion_proof,
    leaf_hash,
    tree_hash,
)
from tests.proof.tiles import StoredTiles

KEY = SigningKey("audit.example.com/default", bytes(range(32)))
CHECKPOINT = Checkpoint(KEY.name, 42, bytes(range(32)))
NOTE = CHECKPOINT.sign(KEY)
TEXT = CHECKPOINT.encode()

WITNESS = SigningKey("witness.example/w1", bytes([7] * 32))
OTHER_WITNESS = SigningKey("witness.example/w2", bytes([8] * 32))

# A log of 300 entries, and the proof of one of them.
ENTRIES = [b'{"v":1,"n":%d}' % number for number in range(300)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
TILES = StoredTiles.of(LEAVES)
LOG_CHECKPOINT = Checkpoint(KEY.name, len(LEAVES), tree_hash(LEAVES))


def proof_file(index: int, *, with_entry: bool = True) -> ProofFile:
    hashes = inclusion_proof(index, len(LEAVES), TILES.read)
    return ProofFile(
        index, tuple(hashes), LOG_CHECKPOINT.sign(KEY), ENTRIES[index] if with_entry else None
    )


GOOD_FILE = proof_file(123)

# Disclosures, and entries that commit to them, made without the package.
SALT = "_26bc4LT-ac6q2KI6cBW5es"


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def disclosure(name: str, value: Any, salt: str = SALT) -> bytes:
    return json.dumps([salt, name, value], ensure_ascii=False).encode()


def entry(*disclosures: bytes, **changed: Any) -> bytes:
    digests = [base64url(sha256(base64url(d).encode()).digest()) for d in disclosures]
    return json.dumps({"_sd_alg": "sha-256", "_sd": sorted(digests), **changed}).encode()


ACTOR = disclosure("actor", {"user_id": "u-1", "kind": "user"})
DETAILS = disclosure("details", {"details": {"n": [1, 2.5, None, True, "ö"]}})
