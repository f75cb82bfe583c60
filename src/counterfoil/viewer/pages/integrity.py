"""Integrity: what is signed, what was verified, and what all of it proves."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from counterfoil.access import Permission, ScopedLog
from counterfoil.access.verifications import Verification
from counterfoil.errors import ForbiddenError, InputError, KeyFileError, NotFoundError
from counterfoil.log.proving.evidence import SignedCheckpoint
from counterfoil.proof.encoding import to_base64
from counterfoil.record.instant import to_datetime
from counterfoil.viewer.page import render
from counterfoil.viewer.route import PageRoute
from counterfoil.viewer.visitor import signed_in

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/integrity")
async def integrity(request: Request) -> Response:
    """The page, about one log."""
    visitor, log = await signed_in(request)
    asked = request.query_params.get("log") or None
    checkpoint = await _checkpoint(log, asked)
    verified = await _last_verification(log)
    return render(
        "integrity.html",
        visitor,
        log=await log.reached(asked),
        chooses=log.principal.company is None,
        checkpoint=checkpoint,
        signed_at=None if checkpoint is None else to_datetime(checkpoint.signed_at),
        root=None if checkpoint is None else checkpoint.root.hex(),
        report=None,
        verified=verified,
    )


@router.post("/integrity/verify")
async def verify(request: Request) -> Response:
    """Check the whole log, and show the report."""
    visitor, log = await signed_in(request)
    log.principal.demand(Permission.VERIFY)
    report = await log.verify()
    return render("report_page.html", visitor, report=report, verified=None)


@router.get("/data/checkpoint")
async def checkpoint(request: Request) -> Response:
    """The log's checkpoint and verifier key, for the browser to compare."""
    _, log = await signed_in(request)
    signed = await log.checkpoint(request.query_params.get("log"))
    body = {"note": signed.text, "key": str(signed.verifier_key), "log": signed.log}
    return JSONResponse(body, headers={"cache-control": "no-store"})


@router.get("/data/consistency")
async def consistency(request: Request) -> Response:
    """The proof that a larger checkpoint continues a smaller one."""
    _, log = await signed_in(request)
    old, new = (_size(request.query_params.get(name, "")) for name in ("old", "new"))
    _, hashes = await log.consistency(old, new, log=request.query_params.get("log"))
    return JSONResponse([to_base64(item) for item in hashes], headers={"cache-control": "no-store"})


def _size(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) <= 15):
        raise InputError("A size is missing.", remedy="Give old= and new= as whole numbers.")
    return int(given)


async def _checkpoint(log: ScopedLog, name: str | None) -> SignedCheckpoint | None:
    """The log's checkpoint; None where there is none yet.

    Raises:
        ForbiddenError, NotFoundError: a log was named that they do not reach, or that is not there.
    """
    try:
        return await log.checkpoint(name)
    except KeyFileError:
        return None
    except NotFoundError:
        if name is not None:
            raise
        return None


async def _last_verification(log: ScopedLog) -> Verification | None:
    try:
        return await log.last_verification()
    except ForbiddenError:
        # It was about companies that the key does not reach.
        return None
