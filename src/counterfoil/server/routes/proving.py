"""Proving: checkpoints, proofs, and the tree itself (C2SP tlog-checkpoint, tlog-tiles)."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from counterfoil.access import Permission, ScopedLog
from counterfoil.log.proving.evidence import SignedCheckpoint
from counterfoil.record.instant import rfc3339
from counterfoil.server.authentication import Needs
from counterfoil.server.description import answers
from counterfoil.server.json_response import json_response
from counterfoil.server.query_parameters import Log
from counterfoil.server.schema import CheckpointShape, ConsistencyShape, ProofShape

router = APIRouter(tags=["proofs"])

Reading = Annotated[ScopedLog, Depends(Needs(Permission.READ))]
ReadingLogs = Annotated[ScopedLog, Depends(Needs(Permission.READ_LOGS))]
Size = Annotated[int, Query(ge=0, le=2**63 - 1)]

_BINARY = "application/octet-stream"
#: A full tile never changes (C2SP tlog-tiles: "immutable").
_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}


@router.get("/events/{event_id}/proof", responses=answers(ProofShape, "The proof."))
async def prove_event(event_id: str, log: Reading) -> Response:
    """The proof that an event is in its log, for `counterfoil verify-proof`."""
    proof = await log.prove(event_id)
    return json_response(
        {
            "event_id": proof.event_id,
            "index": proof.index,
            "checkpoint": as_json(proof.checkpoint),
            "tlog_proof": proof.tlog_proof.decode(),
            "disclosures": list(proof.disclosures),
        }
    )


@router.get("/checkpoint", responses=answers(CheckpointShape, "The checkpoint."))
async def checkpoint(log: Reading, name: Annotated[Log, Query(alias="log")] = None) -> Response:
    """The log's size and root, signed now."""
    return json_response(as_json(await log.checkpoint(name)))


@router.get("/consistency", responses=answers(ConsistencyShape, "The proof."))
async def consistency(
    scoped: Reading,
    old: Size,
    new: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
    log: Log = None,
) -> Response:
    """The proof that the log of one size is the beginning of that of another (RFC 6962)."""
    size, hashes = await scoped.consistency(old, new, log=log)
    return json_response(
        {"old": old, "new": size, "hashes": [b64encode(one).decode() for one in hashes]}
    )


@router.get("/logs/{log}/checkpoint", responses=answers(None, "The note.", media_type="text/plain"))
async def tlog_checkpoint(log: str, scoped: ReadingLogs) -> Response:
    """The log's signed note, as C2SP tlog-tiles serves it."""
    signed = await scoped.checkpoint(log)
    return Response(signed.note, media_type="text/plain; charset=utf-8")


@router.get(
    "/logs/{log}/tile/entries/{path:path}",
    responses=answers(None, "The bundle.", media_type=_BINARY),
)
async def tlog_entries(log: str, path: str, scoped: ReadingLogs) -> Response:
    """A bundle of 256 entries or fewer, for keys that reach all that is in the log."""
    bundle, full = await scoped.entries(log, path)
    return _tile(bundle, full=full)


@router.get(
    "/logs/{log}/tile/{path:path}", responses=answers(None, "The hashes.", media_type=_BINARY)
)
async def tlog_tile(log: str, path: str, scoped: ReadingLogs) -> Response:
    """A tile of the log's tree: 256 hashes or fewer."""
    tile, full = await scoped.tile(log, path)
    return _tile(tile, full=full)


def as_json(signed: SignedCheckpoint) -> dict[str, Any]:
    """A checkpoint as the API shows it."""
    return {
        "log": signed.log,
        "origin": signed.origin,
        "size": signed.size,
        "root": signed.root.hex(),
        "note": signed.text,
        "verifier_key": str(signed.verifier_key),
        "signed_at": rfc3339(signed.signed_at),
    }


def _tile(data: bytes, *, full: bool) -> Response:
    headers = _FOR_EVER if full else None
    return Response(data, headers=headers, media_type=_BINARY)
