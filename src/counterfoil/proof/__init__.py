"""The log's proofs: bytes in, bytes out.

Every format is a public standard: RFC 6962 trees, C2SP tlog-tiles, signed notes,
checkpoints, cosignatures, proof files and witness messages, and RFC 9901 disclosures.
Nothing here reads or writes anything: a caller hands in bytes, or a function that reads a
tile. Whatever is refused raises a ``ProofError`` that says why.
"""

from __future__ import annotations

from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.consistency import (
    consistency_proof,
    tiles_for_consistency,
    verify_consistency,
)
from counterfoil.proof.cosignature import (
    Cosignature,
    CosignerKey,
    cosign,
    cosigner_key,
    verify_cosignatures,
)
from counterfoil.proof.disclosure import (
    Disclosure,
    check_disclosures,
    disclosure_digest,
    encode_disclosures,
    parse_disclosures,
)
from counterfoil.proof.frontier import Appended, Frontier, TileGrowth
from counterfoil.proof.hashing import EMPTY_ROOT, leaf_hash, node_hash, tree_hash
from counterfoil.proof.inclusion import inclusion_proof, tiles_for_inclusion, verify_inclusion
from counterfoil.proof.key import SigningKey, VerifierKey
from counterfoil.proof.note import Note
from counterfoil.proof.proof_file import PROOF_FILE_SUFFIX, ProofFile, ProvenEntry
from counterfoil.proof.signature import Signature
from counterfoil.proof.tile import (
    TILE_WIDTH,
    ReadTile,
    TileId,
    root_from_tiles,
    tile_hash,
    tiles_for_root,
)
from counterfoil.proof.witness import (
    SIZE_CONTENT_TYPE,
    AddCheckpoint,
    add_cosignatures,
    encode_cosignatures,
    encode_size,
    parse_size,
)

__all__ = [
    "EMPTY_ROOT",
    "PROOF_FILE_SUFFIX",
    "SIZE_CONTENT_TYPE",
    "TILE_WIDTH",
    "AddCheckpoint",
    "Appended",
    "Checkpoint",
    "Cosignature",
    "CosignerKey",
    "Disclosure",
    "Frontier",
    "Note",
    "ProofFile",
    "ProvenEntry",
    "ReadTile",
    "Signature",
    "SigningKey",
    "TileGrowth",
    "TileId",
    "VerifierKey",
    "add_cosignatures",
    "check_disclosures",
    "consistency_proof",
    "cosign",
    "cosigner_key",
    "disclosure_digest",
    "encode_cosignatures",
    "encode_disclosures",
    "encode_size",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "parse_disclosures",
    "parse_size",
    "root_from_tiles",
    "tile_hash",
    "tiles_for_consistency",
    "tiles_for_inclusion",
    "tiles_for_root",
    "tree_hash",
    "verify_consistency",
    "verify_cosignatures",
    "verify_inclusion",
]
