"""Events: append, and read by id."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from counterfoil.access import Permission, ScopedLog
from counterfoil.errors import CounterfoilError
from counterfoil.record import Event
from counterfoil.server.authentication import Needs, services_of
from counterfoil.server.event_call import read_call
from counterfoil.server.problem import ProblemError, describe

router = APIRouter(tags=["events"])

Reading = Annotated[ScopedLog, Depends(Needs(Permission.READ))]
Writing = Annotated[ScopedLog, Depends(Needs(Permission.WRITE))]


@router.post("/events", status_code=201)
async def append_events(request: Request, log: Writing) -> Response:
    """Record events; answered once they are committed."""
    audit = services_of(request).audit
    body = await request.body()
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ProblemError("bad_json", "Send one JSON object or an array of them.") from None
    if not isinstance(given, list):
        return json_response({"id": await audit.log_event(**read_call(given, log.principal))}, 201)

    async def one(item: Any) -> dict[str, Any]:
        try:
            return {"status": 201, "id": await audit.log_event(**read_call(item, log.principal))}
        except CounterfoilError as error:
            found = describe(error)
            return {"status": found["status"], "id": found.get("event_id"), "problem": found}

    return json_response({"results": await asyncio.gather(*map(one, given))})


@router.get("/events/{event_id}")
async def read_event(event_id: str, log: Reading) -> Response:
    """One event by its id."""
    return json_response(as_json(await log.get(event_id)))


def as_json(event: Event) -> dict[str, Any]:
    """An event as the API shows it."""
    return event.as_dict()


def json_response(value: Any, status: int = 200) -> Response:
    """An answer of plain JSON values."""
    return Response(orjson.dumps(value), status, media_type="application/json")
