"""The prover: what a server signs and proves, checked here."""

from __future__ import annotations

from typing import Any

from counterfoil.errors import ProofError
from counterfoil.log.company_logs import DEFAULT_LOG
from counterfoil.log.proving.evidence import EventProof, SignedCheckpoint
from counterfoil.log.read.questions import uuid_of
from counterfoil.record.entry import parse
from counterfoil.wire.connection import not_ours

from .link import Link
from .trust import Trust


class ServerProver:
    """Fetches checkpoints and proofs, and believes none that does not hold.

    Signatures are checked with the pinned key, proofs by recomputing them, and each checkpoint
    against the last one seen.

    Args:
        link: to the server.
        trust: checks checkpoints.
    """

    def __init__(self, link: Link, trust: Trust) -> None:
        self._link = link
        self._trust = trust

    async def checkpoint(self, log: str = DEFAULT_LOG) -> SignedCheckpoint:
        """The log as it is now, signed by the server."""
        answer = await self._link.ask("GET", "/v1/checkpoint", params=[("log", log)])
        signed = await self._trust.open(answer.json(), log)
        await self._trust.accept(signed)
        return signed

    async def prove(self, event_id: str) -> EventProof:
        """The proof that an event is in its log, verified."""
        name = str(uuid_of(event_id))
        answer = (await self._link.ask("GET", f"/v1/events/{name}/proof")).json()
        proof = await self._proof(name, answer)
        entry = parse(proof.verify().entry)
        if entry.get("id") != name or entry.get("log") != proof.checkpoint.log:
            raise ProofError("The server proved another event than the one asked for.")
        await self._trust.accept(proof.checkpoint)
        return proof

    async def consistency(
        self, old_size: int, new_size: int | None = None, *, log: str = DEFAULT_LOG
    ) -> list[bytes]:
        """The proof that the log of one size is the beginning of that of another."""
        return await self._trust.consistency(log, old_size, new_size)

    async def _proof(self, event_id: str, answer: dict[str, Any]) -> EventProof:
        try:
            checkpoint, index = answer["checkpoint"], int(answer["index"])
            tlog_proof = str(answer["tlog_proof"]).encode()
            disclosures = tuple(map(str, answer["disclosures"]))
        except (KeyError, TypeError, ValueError) as error:
            raise not_ours() from error
        if not isinstance(checkpoint, dict):
            raise not_ours()
        signed = await self._trust.open(checkpoint)
        return EventProof(event_id, index, signed, tlog_proof, disclosures)
