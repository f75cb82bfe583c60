"""Append: record events, and answer once they are durable."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from counterfoil.access import Permission, ScopedLog
from counterfoil.server.authentication import Needs, services_of
from counterfoil.server.batch import (
    DRAFTS,
    JSON,
    MEDIA_TYPES,
    NDJSON,
    Batch,
    demand_count,
    lines_of,
)
from counterfoil.server.body import read_body
from counterfoil.server.description import answers
from counterfoil.server.idempotency import ids_for
from counterfoil.server.json_response import json_response
from counterfoil.server.options import ServerOptions
from counterfoil.server.problem import ProblemError, respond
from counterfoil.server.schema import Appended

router = APIRouter(tags=["events"])


@router.post("/events", status_code=201, responses=answers(Appended, "It is recorded.", status=201))
async def append_events(
    request: Request, log: Annotated[ScopedLog, Depends(Needs(Permission.WRITE))]
) -> Response:
    """Record one event, or many, and answer once they are committed and synced.

    One object is answered with its id. An array, or lines of NDJSON, are answered with a result
    each, in their order: one that is refused does not stop the others. With an
    `Idempotency-Key` the whole request may be sent again for 24 hours, and is recorded once;
    so may every event that brings an `event_id` (a UUIDv7) of its own.
    """
    options: ServerOptions = request.app.state.options
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise ProblemError(
            "unsupported_media_type",
            f"Send {JSON} or {NDJSON}.",
            headers={"Accept-Post": ", ".join(MEDIA_TYPES)},
        )
    body = await read_body(request, options.max_body, options.body_timeout)
    services = services_of(request)
    sent = request.headers.get("idempotency-key")
    give_id = await ids_for(sent, body, media_type, log.principal, services)
    batch = Batch(services.audit.host, log.principal, give_id, request.app.state.metrics)
    if media_type == JSON:
        try:
            given = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise ProblemError("bad_json", "Send one JSON object, or an array of them.") from None
        if type(given) is not list:
            (result,) = await batch.write(batch.of_json([given]))
            if "problem" in result:
                return respond(result["problem"], request.state.request_id)
            return json_response({"id": result["id"]}, 201)
        items = batch.of_json(demand_count(given, options.max_events))
    else:
        lines = lines_of(body, options.max_events)
        items = batch.of_drafts(lines) if media_type == DRAFTS else batch.of_ndjson(lines)
    return json_response({"results": await batch.write(items)})
