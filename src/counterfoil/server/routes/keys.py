"""Access keys, for those who manage them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from counterfoil.access import Permission, Role, ScopedLog
from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.record.instant import SECOND, to_micros
from counterfoil.server.authentication import Needs, services_of
from counterfoil.server.description import answers
from counterfoil.server.json_response import json_response
from counterfoil.server.schema import KeyList, KeyShape, NewKey

router = APIRouter(prefix="/keys", tags=["keys"])

Managing = Annotated[ScopedLog, Depends(Needs(Permission.MANAGE_KEYS))]
KeyId = Annotated[str, Path(pattern="^[a-z0-9]{12}$", description="The key's id.")]


class KeyRequest(BaseModel):
    """A key that is to be made."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [{"role": "reader", "name": "support desk", "company": "c-1"}]
        },
    )

    role: Role
    name: str = Field("", max_length=200, description="What people call it.")
    company: str | None = Field(
        None, min_length=1, max_length=128, description="The only company that it reaches."
    )
    logs: list[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]] | None = Field(
        None, min_length=1, max_length=100, description="The only logs that it reaches."
    )
    expires_at: datetime | None = Field(None, description="When it ends; RFC 3339.")


class RotateRequest(BaseModel):
    """How a key is to be rotated."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    overlap: int = Field(
        86_400,
        ge=0,
        le=90 * 86_400,
        strict=True,
        description="Seconds that the old key stays valid.",
    )


@router.get("", responses=answers(KeyList, "The keys."))
async def list_keys(
    request: Request, log: Annotated[ScopedLog, Depends(Needs(Permission.SEE_KEYS))]
) -> Response:
    """The access keys that yours reaches, without their secrets."""
    held = await services_of(request).keyring.keys(log.principal)
    now = SYSTEM_CLOCK.now()
    return json_response({"keys": [one.key.as_dict(now, one.used_at) for one in held]})


@router.post("", status_code=201, responses=answers(NewKey, "The key.", status=201))
async def create_key(request: Request, wanted: KeyRequest, log: Managing) -> Response:
    """Make an access key, which reaches no farther than yours. It is shown this once."""
    ends = wanted.expires_at
    key, secret = await services_of(request).keyring.create(
        wanted.role,
        name=wanted.name,
        company=wanted.company,
        logs=wanted.logs,
        expires_at=None if ends is None else to_micros(ends),
        by=log.principal,
    )
    return json_response({**key.as_dict(SYSTEM_CLOCK.now(), None), "key": secret}, 201)


@router.post(
    "/{key_id}/rotate", status_code=201, responses=answers(NewKey, "The new key.", status=201)
)
async def rotate_key(
    request: Request, key_id: KeyId, log: Managing, wanted: RotateRequest | None = None
) -> Response:
    """Make a key that takes another's place, which stays valid for a while."""
    overlap = (wanted or RotateRequest()).overlap * SECOND
    keyring = services_of(request).keyring
    key, secret = await keyring.rotate(key_id, overlap=overlap, by=log.principal)
    return json_response({**key.as_dict(SYSTEM_CLOCK.now(), None), "key": secret}, 201)


@router.post("/{key_id}/revoke", responses=answers(KeyShape, "The revoked key."))
async def revoke_key(request: Request, key_id: KeyId, log: Managing) -> Response:
    """Refuse a key from now on. Its record stays, and so does what it did."""
    key = await services_of(request).keyring.revoke(key_id, by=log.principal)
    return json_response(key.as_dict(SYSTEM_CLOCK.now(), None))
