"""One event: what changed, its context, its proof, and what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from counterfoil.access import ScopedLog
from counterfoil.errors import ProofError
from counterfoil.proof import Disclosure, check_disclosures
from counterfoil.record import Event
from counterfoil.search.language import format_terms, value_of
from counterfoil.search.terms import FieldTerm
from counterfoil.viewer.page import render, respond
from counterfoil.viewer.route import PageRoute
from counterfoil.viewer.visitor import signed_in
from counterfoil.wording.sentence import ABSENT, found_changes

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_NO_STORE: Final = {"cache-control": "no-store"}
_RELATED: Final = 6
#: Changes that are listed one a line; the whole states stand below.
_MOST_CHANGES: Final = 200


@router.get("/events/{event_id}")
async def event(request: Request, event_id: str) -> Response:
    """The event's page."""
    visitor, log = await signed_in(request)
    found = await log.get(event_id)
    changes = []
    for number, change in enumerate(found_changes(found)):
        if number == _MOST_CHANGES:
            break
        changes.append(change)
    states = None
    if isinstance(found.before_state, Mapping) or isinstance(found.after_state, Mapping):
        states = {"before": found.before_state, "after": found.after_state}
    return render(
        "event.html",
        visitor,
        event=found,
        changes=changes,
        absent=ABSENT,
        states=states,
        raw=found.as_dict(),
        altered=_altered(found),
        resource_href=_resource(found),
    )


@router.get("/parts/related/{event_id}")
async def related(request: Request, event_id: str) -> Response:
    """The events of the same request, session, resource and actor."""
    visitor, log = await signed_in(request)
    found = await log.get(event_id)
    groups = [group for name in _WAYS if (group := await _group(log, found, name)) is not None]
    return render("related.html", visitor, groups=groups)


@router.get("/data/events/{event_id}")
async def whole(request: Request, event_id: str) -> Response:
    """The event as JSON."""
    visitor, log = await signed_in(request)
    data = orjson.dumps((await log.get(event_id)).as_dict(), option=orjson.OPT_INDENT_2)
    return respond(data, visitor, kind="application/json")


@router.get("/data/events/{event_id}/evidence")
async def evidence(request: Request, event_id: str) -> Response:
    """What the reader's browser checks the event by."""
    _, log = await signed_in(request)
    proof = await log.prove(event_id)
    body = {
        "event": (await log.get(event_id)).as_dict(),
        "proof": proof.tlog_proof.decode(),
        "disclosures": list(proof.disclosures),
        "log": proof.checkpoint.log,
        "key": str(proof.checkpoint.verifier_key),
    }
    return JSONResponse(body, headers=_NO_STORE)


@router.get("/data/events/{event_id}/proof")
async def proof_file(request: Request, event_id: str) -> Response:
    """The proof file, to be kept and checked offline."""
    visitor, log = await signed_in(request)
    return respond((await log.prove(event_id)).tlog_proof, visitor, kind="text/plain")


@router.get("/data/events/{event_id}/disclosures")
async def disclosures(request: Request, event_id: str) -> Response:
    """The disclosures beside the proof file."""
    visitor, log = await signed_in(request)
    lines = "".join(f"{text}\n" for text in (await log.prove(event_id)).disclosures)
    return respond(lines.encode(), visitor, kind="text/plain")


_WAYS: Final = {
    "request": ("request", "request_id"),
    "session": ("session", "session_id"),
    "resource": ("resource", "resource_id"),
    "actor": ("user", "user_id"),
}


class Group(NamedTuple):
    """Events that share something with another one."""

    name: str
    href: str
    events: list[Event]
    more: bool


async def _group(log: ScopedLog, event: Event, name: str) -> Group | None:
    """The newest other events that share something with this one."""
    field, attribute = _WAYS[name]
    value = getattr(event, attribute)
    if value is None:
        return None
    filters: dict[str, Any] = {attribute: value, "log": event.log}
    if name == "resource":
        filters["resource_type"] = event.resource_type
        value = f"{event.resource_type}/{value}" if event.resource_type else value
    page = await log.query(limit=_RELATED, **filters)
    others = [one for one in page if one.id != event.id][: _RELATED - 1]
    if not others:
        return None
    href = "/?q=" + quote(format_terms([FieldTerm(field, (value_of(value),))]), safe=":")
    return Group(name, href, others, page.next_cursor is not None)


def _resource(event: Event) -> str | None:
    if event.resource_id is None or event.resource_type is None:
        return None
    return f"/resources/{quote(event.resource_type, safe='')}/{quote(event.resource_id, safe='')}"


def _altered(event: Event) -> bool:
    """Whether the entry does not commit to what is shown. Only the proof tells of the entry."""
    try:
        check_disclosures(
            event.entry, [Disclosure.parse(item.text()) for item in event.disclosures]
        )
    except ProofError:
        return True
    return False
