"""Verification and statistics: whether the log is whole, and how much there is."""

from __future__ import annotations

import asyncio
import os
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from counterfoil.access import Permission, ScopedLog
from counterfoil.log.verification.report import Report
from counterfoil.record.instant import rfc3339, to_micros
from counterfoil.server.authentication import Needs
from counterfoil.server.description import answers
from counterfoil.server.json_response import json_response
from counterfoil.server.problem import ProblemError
from counterfoil.server.query_parameters import Log
from counterfoil.server.schema import ReportShape, StatsShape, VerificationStatus

router = APIRouter(tags=["verification"])

Reading = Annotated[ScopedLog, Depends(Needs(Permission.READ_LOGS))]


class VerifyRequest(BaseModel):
    """What is to be verified."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    log: str | None = Field(
        None, pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$", description="One log; by default all."
    )
    since: Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)] | Literal["last"] | None = Field(
        None, description="Events to take as they were found before: a number, or `last`."
    )
    processes: int | None = Field(
        None, ge=0, le=64, strict=True, description="Worker processes, at most one a processor."
    )


@router.get("/verify", responses=answers(VerificationStatus, "The last one."))
async def verify_status(log: Reading, name: Annotated[Log, Query(alias="log")] = None) -> Response:
    """What the last verification found that a server of this database ran."""
    last = await log.last_verification(name)
    return json_response({"last": None if last is None else last.as_dict()})


@router.post("/verify", responses=answers(ReportShape, "What was found."))
async def verify(
    request: Request,
    log: Annotated[ScopedLog, Depends(Needs(Permission.VERIFY))],
    wanted: VerifyRequest | None = None,
) -> Response:
    """Check everything that is stored, and report what is wrong. One runs at a time."""
    asked = wanted or VerifyRequest()
    verifying: asyncio.Lock = request.app.state.verifying
    if verifying.locked():
        raise ProblemError(
            "overloaded", "A verification is under way; look at GET /v1/verify afterwards."
        )
    async with verifying:
        # A question from elsewhere gets no more processes than there are processors.
        most = os.cpu_count() or 1
        processes = None if asked.processes is None else min(asked.processes, most)
        report = await log.verify(asked.log, since=asked.since, processes=processes)
    return json_response(as_json(report))


@router.get("/stats", responses=answers(StatsShape, "The numbers."))
async def stats(log: Reading) -> Response:
    """How much there is, where it is, and what waits; of all companies and logs."""
    found = await log.stats()
    return json_response(
        {
            "store": found.store,
            "logs": [
                {
                    "name": one.name,
                    "origin": one.origin,
                    "size": one.size,
                    "recorded_at": _time(one.recorded_at),
                    "checkpoint_size": one.checkpoint_size,
                    "checkpoint_at": _time(one.checkpoint_at),
                }
                for one in found.logs
            ],
            "waiting": found.waiting,
            "usage": dict(found.usage),
            "spool": None
            if found.spool is None
            else {**asdict(found.spool), "since": _time(found.spool.since)},
        }
    )


def as_json(report: Report) -> dict[str, Any]:
    """A report as the API shows it."""
    found = asdict(report)
    for log in found["logs"]:
        log["root"] = None if log["root"] is None else log["root"].hex()
    return {"ok": report.ok, "events": report.events, **found}


def _time(moment: Any) -> str | None:
    return None if moment is None else rfc3339(to_micros(moment))
