"""Viewer tokens, for applications that show their customers their own events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from counterfoil.access import Permission, ScopedLog
from counterfoil.record.instant import SECOND, rfc3339
from counterfoil.server.authentication import Needs, services_of
from counterfoil.server.description import answers
from counterfoil.server.json_response import json_response
from counterfoil.server.schema import NewViewerToken

router = APIRouter(prefix="/viewer-tokens", tags=["viewer tokens"])

Text = Annotated[str, Field(min_length=1, max_length=200)]
Values = Annotated[list[Text], Field(min_length=1, max_length=20)]


class FixedFilters(BaseModel):
    """What every event that a token shows must have: one of each list's values."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    event_type: Values | None = None
    user_id: Values | None = None
    resource_type: Values | None = None
    resource_id: Values | None = None


class ViewerTokenRequest(BaseModel):
    """A viewer token that is to be made."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [{"company": "c-1", "origins": ["https://app.example.com"], "name": "u-42"}]
        },
    )

    company: str | None = Field(
        None,
        min_length=1,
        max_length=128,
        description="Whose events it shows; by default those of the key's own company.",
    )
    origins: list[Annotated[str, Field(max_length=300)]] = Field(
        min_length=1,
        max_length=10,
        description="Exact origins of the pages that use it: https, or on the same machine.",
    )
    filters: FixedFilters | None = Field(None, description="By default all of the company's.")
    lifetime: int = Field(900, ge=60, le=3_600, strict=True, description="Seconds.")
    name: str = Field("", max_length=200, description="Who looks, for the trail.")


@router.post("", status_code=201, responses=answers(NewViewerToken, "The token.", status=201))
async def mint_viewer_token(
    request: Request,
    wanted: ViewerTokenRequest,
    log: Annotated[ScopedLog, Depends(Needs(Permission.MINT_TOKENS))],
) -> Response:
    """Make a token that shows a company's events in a page for some minutes. It only reads.

    It is refused once it has expired, and within seconds of the key that made it being revoked.
    """
    filters = {} if wanted.filters is None else wanted.filters.model_dump(exclude_none=True)
    made = await services_of(request).viewer_tokens.mint(
        log.principal,
        origins=wanted.origins,
        company=wanted.company,
        filters=filters,
        lifetime=wanted.lifetime * SECOND,
        person=wanted.name,
    )
    found = {
        "token": made.text,
        "expires_at": rfc3339(made.expires_at),
        "company": made.principal.company,
    }
    return json_response(found, 201)
