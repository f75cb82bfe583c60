"""Access keys: listed for those who may see them; made, rotated and revoked by who manages them."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from counterfoil.access import Permission, Role, ScopedLog
from counterfoil.errors import CounterfoilError, ForbiddenError, InputError
from counterfoil.record.instant import DAY, to_datetime
from counterfoil.viewer.page import render
from counterfoil.viewer.route import PageRoute
from counterfoil.viewer.visitor import Visitor, services_of, signed_in

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_MOST_DAYS: Final = 3_650


@router.get("/keys")
async def keys(request: Request) -> Response:
    """The list."""
    visitor, log = await signed_in(request)
    return await _page(request, visitor, log)


@router.post("/keys")
async def make(request: Request) -> Response:
    """Make a key, and show its secret this once."""
    visitor, log = await signed_in(request)
    log.principal.demand(Permission.MANAGE_KEYS)
    form = await request.form()
    try:
        _, secret = await services_of(request).keyring.create(
            str(form.get("role", "")),
            name=str(form.get("name", "")).strip(),
            company=str(form.get("company", "")).strip() or log.principal.company,
            logs=str(form.get("logs", "")).replace(",", " ").split() or None,
            expires_at=_expiry(str(form.get("days", "")).strip()),
            by=log.principal,
        )
    except (InputError, ForbiddenError) as error:
        return await _page(request, visitor, log, wrong=error)
    return await _page(request, visitor, log, made=secret)


@router.post("/keys/{key_id}/rotate")
async def rotate(request: Request, key_id: str) -> Response:
    """Make a key that takes another's place, and show its secret this once."""
    visitor, log = await signed_in(request)
    try:
        _, secret = await services_of(request).keyring.rotate(key_id, by=log.principal)
    except InputError as error:
        page = await _page(request, visitor, log, wrong=error)
    else:
        page = await _page(request, visitor, log, made=secret)
    # To load the address of a form again would only say that it takes no questions.
    page.headers["hx-push-url"] = "/keys"
    return page


@router.post("/keys/{key_id}/revoke")
async def revoke(request: Request, key_id: str) -> Response:
    """Refuse a key from now on."""
    _, log = await signed_in(request)
    await services_of(request).keyring.revoke(key_id, by=log.principal)
    return RedirectResponse("/keys", 303)


async def _page(
    request: Request,
    visitor: Visitor,
    log: ScopedLog,
    *,
    made: str | None = None,
    wrong: CounterfoilError | None = None,
) -> Response:
    held = await services_of(request).keyring.keys(log.principal)
    now = _now()
    rows = [
        (
            item.key,
            item.key.state(now),
            to_datetime(item.key.created_at),
            _moment(item.used_at),
            _moment(item.key.expires_at),
        )
        for item in reversed(held)
    ]
    # Those in use first, the newest at the top.
    rows.sort(key=lambda row: row[1] != "active")
    return render(
        "keys.html",
        visitor,
        400 if wrong else 200,
        keys=rows,
        made=made,
        wrong=wrong,
        own=log.principal.key_id,
        roles=[role.value for role in sorted(Role, key=lambda role: role is not Role.READER)],
    )


def _expiry(days: str) -> int | None:
    if not days:
        return None
    if not (days.isascii() and days.isdigit() and len(days) <= 4 and 1 <= int(days) <= _MOST_DAYS):
        raise InputError(
            "The number of days cannot be used.", remedy=f"Give 1 to {_MOST_DAYS:,}, or nothing."
        )
    return _now() + int(days) * DAY


def _now() -> int:
    return time.time_ns() // 1_000


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else to_datetime(micros)
