"""Evidence: what an auditor takes away and checks without this log."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from counterfoil.proof import (
    PROOF_FILE_SUFFIX,
    Checkpoint,
    ProofFile,
    ProvenEntry,
    VerifierKey,
    check_disclosures,
    parse_disclosures,
)
from counterfoil.store import CheckpointRow

DISCLOSURES_SUFFIX = ".disclosures"


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A log's signed statement of its size and root (C2SP tlog-checkpoint).

    Attributes:
        log: the log's name.
        checkpoint: its origin, size and root.
        note: the signed note, verbatim: what is handed out.
        verifier_key: whoever checks the note needs it, from a trusted place.
        signed_at: when, in microseconds since the Unix epoch.
    """

    log: str
    checkpoint: Checkpoint
    note: bytes
    verifier_key: VerifierKey
    signed_at: int

    @classmethod
    def open(cls, log: str, row: CheckpointRow, key: VerifierKey) -> Self:
        """From a recorded checkpoint, whose signature is verified.

        Raises:
            FormatError, SignatureError: it is not one, or not this key's.
        """
        return cls(log, Checkpoint.open(row.note, key), row.note, key, row.signed_at)

    @property
    def origin(self) -> str:
        """The log's identity in the signed text."""
        return self.checkpoint.origin

    @property
    def size(self) -> int:
        """How many events it covers."""
        return self.checkpoint.size

    @property
    def root(self) -> bytes:
        """The tree's root, 32 bytes."""
        return self.checkpoint.root

    @property
    def text(self) -> str:
        """The signed note as text."""
        return self.note.decode()


@dataclass(frozen=True, slots=True)
class EventProof:
    """The proof that one event is in the log, and what the event's disclosures reveal.

    Attributes:
        event_id: the event's id.
        index: its place in the log.
        checkpoint: the checkpoint that covers it.
        tlog_proof: the proof file (C2SP tlog-proof v1); it carries the entry.
        disclosures: RFC 9901 disclosures, base64url. Leave out those that shall not be
            revealed: the proof holds without them.
    """

    event_id: str
    index: int
    checkpoint: SignedCheckpoint
    tlog_proof: bytes = field(repr=False)
    disclosures: tuple[str, ...] = field(repr=False)

    def verify(self, key: VerifierKey | None = None) -> ProvenEntry:
        """Check the proof and the disclosures, offline.

        Args:
            key: the log's verifier key from a trusted place; by default the one that this
                log gave, which proves only that the files belong together.

        Raises:
            ProofError: something does not hold; the message says what.
        """
        proven = ProofFile.parse(self.tlog_proof).verify(key or self.checkpoint.verifier_key)
        check_disclosures(proven.entry, parse_disclosures(self._disclosure_lines))
        return proven

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write ``<id>.tlog-proof`` and ``<id>.disclosures`` into a folder that exists.

        Returns:
            The two files. The second holds what the disclosures reveal.

        Raises:
            OSError: the folder cannot be written to.
        """
        proof = folder / f"{self.event_id}{PROOF_FILE_SUFFIX}"
        disclosures = folder / f"{self.event_id}{DISCLOSURES_SUFFIX}"
        proof.write_bytes(self.tlog_proof)
        disclosures.write_bytes(self._disclosure_lines)
        return proof, disclosures

    @property
    def _disclosure_lines(self) -> bytes:
        return "".join(f"{text}\n" for text in self.disclosures).encode()
