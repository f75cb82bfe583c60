"""Trust: each checkpoint that a server shows must continue the last one that was seen.

So a server that shows this client another past than before is found out by the client itself.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any

from counterfoil.errors import (
    FormatError,
    NotFoundError,
    ProofError,
    RollbackError,
    SignatureError,
)
from counterfoil.log.proving.evidence import SignedCheckpoint
from counterfoil.proof import Checkpoint, Note, verify_consistency
from counterfoil.record.instant import from_rfc3339
from counterfoil.wire.connection import not_ours

from .link import Link


class Trust:
    """Checks what a server signs against what is known of it.

    Args:
        link: to the server.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    async def open(self, answer: Mapping[str, Any], wanted: str | None = None) -> SignedCheckpoint:
        """A checkpoint as the server shows it, signed by the pinned key.

        Args:
            answer: its members.
            wanted: the log that it must be of; None takes that of the answer.

        Raises:
            FormatError, SignatureError: it is damaged, or not signed by the pinned key.
            StoreUnavailableError: the answer is none that a server gives.
        """
        session = await self._link.session()
        try:
            log, note = str(answer["log"]), str(answer["note"]).encode()
            signed_at = from_rfc3339(str(answer["signed_at"]))
        except (KeyError, ValueError) as error:
            raise not_ours() from error
        if wanted is not None and log != wanted:
            raise not_ours()
        origin = Checkpoint.parse(Note.parse(note).text).origin
        key = session.verifier_key(origin, log)
        if key is None:
            raise SignatureError("The server has no key that its checkpoints could be checked by.")
        return SignedCheckpoint(log, Checkpoint.open(note, key), note, key, signed_at)

    async def accept(self, signed: SignedCheckpoint) -> None:
        """Check that a checkpoint goes with the last one seen, and remember the larger one.

        Raises:
            RollbackError: the server shows another past than before.
            StoreUnavailableError: the proof cannot be fetched; nothing is remembered.
        """
        earlier = await self._last(signed.log)
        if earlier is not None:
            await self._compare(signed, earlier)
            if earlier.size >= signed.size:
                return

        def remember(known: dict[str, Any]) -> None:
            held = known.setdefault("checkpoints", {})
            other = _checkpoint(held.get(signed.log))
            # Another process may have seen more meanwhile.
            if other is None or other.size < signed.size:
                held[signed.log] = signed.text

        await self._link.known.update(remember)

    async def logs(self) -> list[str]:
        """The logs of which a checkpoint is remembered."""
        return sorted((await self._link.known.read()).get("checkpoints", {}))

    async def consistency(self, log: str, old_size: int, new_size: int | None) -> list[bytes]:
        """The proof between two sizes, as the server gives it.

        Raises:
            NotFoundError: there is no such log, or it is not that large.
        """
        params = [("log", log), ("old", str(old_size))]
        if new_size is not None:
            params.append(("new", str(new_size)))
        answer = (await self._link.ask("GET", "/v1/consistency", params=params)).json()
        try:
            return [b64decode(text, validate=True) for text in answer["hashes"]]
        except (KeyError, TypeError, Base64Error, ValueError) as error:
            raise not_ours() from error

    async def _last(self, log: str) -> Checkpoint | None:
        return _checkpoint((await self._link.known.read()).get("checkpoints", {}).get(log))

    async def _compare(self, signed: SignedCheckpoint, earlier: Checkpoint) -> None:
        old, new = sorted((earlier, signed.checkpoint), key=lambda one: one.size)
        try:
            proof: list[bytes] = []
            if old.size not in (0, new.size):
                proof = await self.consistency(signed.log, old.size, new.size)
            verify_consistency(old.size, old.root, new.size, new.root, proof)
        except (ProofError, NotFoundError) as error:
            raise RollbackError(
                f"The server's log {signed.log} does not continue the checkpoint that it showed at "
                f"{earlier.size} events: it is another copy, or was altered.",
                remedy="Ask who runs the server. If the log was restored from a backup, and you "
                f"accept what was lost, take the log out of {self._link.known.path}.",
            ) from error


def _checkpoint(note: object) -> Checkpoint | None:
    """A remembered checkpoint. Its signature was checked before it was remembered."""
    if not isinstance(note, str):
        return None
    try:
        return Checkpoint.parse(Note.parse(note.encode()).text)
    except FormatError:
        return None
