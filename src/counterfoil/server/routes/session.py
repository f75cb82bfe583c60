"""The session: who a key is, and what a client of the library needs to work like the server."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from counterfoil import __version__
from counterfoil.access import Permission, ScopedLog
from counterfoil.record.instant import rfc3339
from counterfoil.server.authentication import Needs, services_of
from counterfoil.server.description import answers
from counterfoil.server.json_response import json_response
from counterfoil.server.options import ServerOptions
from counterfoil.server.schema import CatalogueShape, SessionShape, TokenKeys

router = APIRouter(tags=["clients"])

Anybody = Annotated[ScopedLog, Depends(Needs())]


@router.get("/session", responses=answers(SessionShape, "The session."))
async def session(request: Request, log: Anybody) -> Response:
    """Who the key is, what the server takes, and the rules that it records by."""
    services = services_of(request)
    options: ServerOptions = request.app.state.options
    who = log.principal
    told = who.may(Permission.SEE_CATALOGUE)
    host = services.audit.host
    public_key = host.public_key
    return json_response(
        {
            "server": f"counterfoil/{__version__}",
            "database": host.database,
            "public_key": None if public_key is None else b64encode(public_key).decode(),
            "key": {
                "id": who.key_id,
                # What its owner calls it is nothing for the page of a customer either.
                "name": who.name if told else "",
                "role": who.role.value,
                "company": who.company,
                "logs": None if who.logs is None else sorted(who.logs),
            },
            "limits": {"body_bytes": options.max_body, "events": options.max_events},
            "encodings": ["gzip"],
            # By which rules events are recorded is nothing that a page of a customer needs.
            "catalogue": {"profile": options.profile, "types": options.types if told else {}},
            "redaction": options.redaction if told else {},
            "expires_at": None if who.expires_at is None else rfc3339(who.expires_at),
        }
    )


@router.get("/token-keys", responses=answers(TokenKeys, "The keys."))
async def token_keys(
    log: Annotated[ScopedLog, Depends(Needs(Permission.WRITE))],
    company: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=128,
            description="The company; without it, the keys of events that have none.",
        ),
    ] = None,
) -> Response:
    """The keys by which a client makes a company's session ids and pseudonyms, newest first.

    A client keeps them in memory only. A key that is bound to a company gets that company's.
    """
    keys = log.token_keys(company)
    return json_response(
        {"keys": [{"id": name, "key": b64encode(key).decode()} for name, key in keys]}
    )


@router.get("/catalogue", responses=answers(CatalogueShape, "The rules."))
async def catalogue(
    request: Request, log: Annotated[ScopedLog, Depends(Needs(Permission.SEE_CATALOGUE))]
) -> Response:
    """How each event type is recorded: level, periods, and what becomes of it in an outage."""
    rules = services_of(request).audit.host.catalogue
    return json_response(
        {
            "profile": rules.profile.name,
            "types": {name: rule.as_dict() for name, rule in sorted(rules.rules.items())},
            "default": rules.default.as_dict(),
        }
    )
