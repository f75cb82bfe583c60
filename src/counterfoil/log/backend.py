"""The backend: what an ``AuditLog`` stands on, a database or a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from counterfoil.errors import WriteError
from counterfoil.record.entry import UntimedEntry

from .company_logs import DEFAULT_LOG
from .proving.evidence import EventProof, SignedCheckpoint
from .read.questions import Questions
from .stats import Stats
from .verification.report import Report
from .verification.verifier import Progress, Since

#: What a writer is told of a sealed log, where nothing else was given.
SEALED_BY_OWNER = "sealed by its owner"
#: Told of an entry that was not, or is not known to be, written, and whose caller is gone.
Abandoned: TypeAlias = Callable[[UntimedEntry, WriteError], None]


class Proving(Protocol):
    """Signs, and proves; see ``Prover``."""

    async def checkpoint(self, log: str = DEFAULT_LOG) -> SignedCheckpoint:
        """The log's checkpoint as it is now."""

    async def prove(self, event_id: str) -> EventProof:
        """The proof that an event is in its log."""

    async def consistency(
        self, old_size: int, new_size: int | None = None, *, log: str = DEFAULT_LOG
    ) -> list[bytes]:
        """The proof that the log of one size is the beginning of that of another."""


class Verifying(Protocol):
    """Checks whole logs; see ``Verifier``."""

    async def verify(
        self,
        log: str | None = None,
        *,
        since: Since = None,
        processes: int | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """What is wrong with what is stored."""


class Backend(Protocol):
    """Takes finished entries, and answers what is asked of the log.

    Everything before it is the same for all: the policy chain, which has redacted what comes
    here, and the spool, which bridges the backend's absence. It is made open, and belongs to
    the event loop that made it.
    """

    @property
    def reader(self) -> Questions:
        """Answers questions about the events."""

    @property
    def prover(self) -> Proving:
        """Signs, and proves."""

    @property
    def verifier(self) -> Verifying:
        """Checks whole logs."""

    def start(self, abandoned: Abandoned) -> None:
        """Begin what goes on in the background."""

    def queue(self, entry: UntimedEntry) -> asyncio.Future[str] | None:
        """Queue an entry at once; what comes of it is as of ``put``.

        Who waits for the future and is cancelled calls ``left``.

        Returns:
            None where the entry must wait for a place: ``put`` does so.

        Raises:
            ClosedError: the log is closing.
        """

    def left(self, entry: UntimedEntry, future: asyncio.Future[str]) -> None:
        """Nobody waits any more for what a queued entry comes to; it is not withdrawn."""

    async def put(self, entry: UntimedEntry) -> str:
        """Record an entry, and return its id once it is committed and synced.

        Cancelling the caller does not withdraw it.

        Raises:
            WriteError: it is not recorded, or not known to be.
            StoreError: the backend is away before it was tried.
            RefusedError: it refuses to be written to.
        """

    async def append(self, entries: Sequence[UntimedEntry]) -> list[int]:
        """Append a group that must keep its order, past the queue.

        Args:
            entries: of at most 64 logs; every one named its id.

        Returns:
            The places of those whose id was there already; they are not recorded again.

        Raises:
            StoreError: nothing of it is there, or ``outcome_known`` is False.
            RefusedError: it refuses to be written to.
        """

    async def company_log(self, company_id: str) -> str | None:
        """The name of a company's own log; None where it has none (``log_per_company``).

        The name is random: it is what stands in the company's checkpoints and proofs, and what
        ``checkpoint``, ``verify`` and ``consistency`` want to have.
        """

    async def rotate_token_key(self) -> str:
        """Make a new token key, used from the next opening on; older ones are kept.

        Returns:
            The new key's id.

        Raises:
            KeyFileError: this process may not write the key file.
        """

    async def seal_logs(self, reason: str = SEALED_BY_OWNER) -> dict[str, SignedCheckpoint]:
        """Close every log of the database to every writer of any process.

        Each log's last entry, ``audit.config``, says so, and its last checkpoint is signed.
        Reading goes on. ``unseal`` opens the logs again; ``counterfoil.log.copying.copy``
        seals by itself.

        Args:
            reason: what a writer is told, after "The log is sealed:".

        Returns:
            The last checkpoints, by log.

        Raises:
            SealedError: it is sealed for another reason.
            KeyFileError: this process does not hold the key; the logs are sealed all the same.
        """

    async def unseal_logs(self) -> list[str]:
        """Open the logs of a sealed database again; returns their names.

        Raises:
            InputError: it is not sealed.
            SealedError: another database has taken over, or this one is a copy.
        """

    async def continue_restored(self, log: str = DEFAULT_LOG) -> str:
        """Go on writing to a log whose database was restored from a backup.

        The log gets a new origin and continues the same tree and indexes; its next entry is
        an ``audit.restored`` event that holds the checkpoint which it is behind of.

        Returns:
            The new origin, under which its checkpoints are signed from now on.

        Raises:
            InputError: the log is not behind what it published.
        """

    async def stats(self) -> Stats:
        """How much there is, where it is, and what waits."""

    async def finish(self) -> None:
        """Take no more entries, and write those that are queued."""

    async def seal(self) -> None:
        """Say the last that is to be said of what is written, and end what follows it."""

    async def close(self) -> None:
        """Let go of everything. Idempotent."""
