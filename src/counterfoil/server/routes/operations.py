"""Operations: whether the server lives, whether it can work, and how it does."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from counterfoil.access import Permission
from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.errors import CounterfoilError
from counterfoil.log import AuditLog
from counterfoil.record.instant import SECOND
from counterfoil.server.authentication import authenticate, services_of
from counterfoil.server.description import answers
from counterfoil.server.feed import Feeds
from counterfoil.server.json_response import json_response
from counterfoil.server.metrics import CONTENT_TYPE, Metrics
from counterfoil.server.options import ServerOptions
from counterfoil.server.problem import ProblemError
from counterfoil.server.schema import Health

router = APIRouter(tags=["operations"])

#: Seconds within which the database must answer.
_PATIENCE: Final = 2.0


@router.get("/healthz", responses=answers(Health, "It lives."))
async def healthz() -> Response:
    """Whether the process lives. It asks nothing of the database."""
    return json_response({"status": "ok"})


@router.get("/readyz", responses=answers(Health, "It can work."))
async def readyz(request: Request) -> Response:
    """Whether requests can be answered: the database answers, and the server is not ending."""
    services = services_of(request)
    if services.closing.is_set():
        raise ProblemError("not_ready", "The server is ending.")
    try:
        async with asyncio.timeout(_PATIENCE):
            await services.audit.host.ping()
    except (TimeoutError, CounterfoilError):
        raise ProblemError("not_ready", "The database does not answer.") from None
    return json_response({"status": "ok"})


@router.get(
    "/metrics",
    responses=answers(None, "The metrics.", media_type="text/plain"),
    openapi_extra={"security": [{"access key": []}]},
)
async def metrics(request: Request) -> Response:
    """Metrics of this process for Prometheus; for keys that may read and are bound to nothing."""
    options: ServerOptions = request.app.state.options
    if options.metrics == "off":
        raise ProblemError("no_such_path")
    if options.metrics == "key":
        log = await authenticate(request, Permission.READ)
        log.demand_all()
    found: Metrics = request.app.state.metrics
    await _measure(request, found)
    return Response(found.text(), media_type=CONTENT_TYPE)


async def _measure(request: Request, found: Metrics) -> None:
    services = services_of(request)
    feeds: Feeds = request.app.state.feeds
    host = services.audit.host
    found.streams.set(feeds.readers)
    found.queue.set(host.waiting)
    try:
        async with asyncio.timeout(_PATIENCE):
            events, size = await host.spooled()
            found.spooled.set(events)
            found.spool_bytes.set(size)
            found.uncovered.set(await host.uncovered())
            last = await services.verifications.last(None)
    except (TimeoutError, CounterfoilError):
        found.uncovered.set(math.nan)
        last = None
    await _measure_outbox(services.audit, found)
    await _measure_index(services.audit, found)
    age = math.nan if last is None else (SYSTEM_CLOCK.now() - last.ended_at) / SECOND
    found.verify_age.set(age)
    found.verify_ok.set(math.nan if last is None else float(last.ok))


async def _measure_index(audit: AuditLog, found: Metrics) -> None:
    """By itself: the index is a file or a schema of its own."""
    lag = math.nan
    indexer = audit.host.indexer
    if indexer is not None:
        with suppress(TimeoutError, CounterfoilError):
            async with asyncio.timeout(_PATIENCE):
                lag = await indexer.behind()
    found.unindexed.set(lag)


async def _measure_outbox(audit: AuditLog, found: Metrics) -> None:
    """By itself: an application's database that hangs says nothing of the log's."""
    waiting = oldest = refused = math.nan
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            outboxes = await audit.outboxes()
        # Not known of one is not known of all.
        waiting = sum(_known(one.waiting) for one in outboxes)
        refused = sum(_known(one.refused) for one in outboxes)
        ages = [math.nan if one.waiting is None else one.oldest or 0.0 for one in outboxes]
        oldest = math.nan if any(map(math.isnan, ages)) else max(ages, default=0.0)
    found.outbox.set(waiting)
    found.outbox_age.set(oldest)
    found.outbox_refused.set(refused)


def _known(count: int | None) -> float:
    return math.nan if count is None else count
