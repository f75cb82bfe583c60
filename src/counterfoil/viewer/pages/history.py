"""Histories: what one person did, and what happened to one thing."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from counterfoil.search.language import format_terms, value_of
from counterfoil.search.terms import FieldTerm
from counterfoil.viewer.asking import PAGE
from counterfoil.viewer.page import render
from counterfoil.viewer.route import PageRoute
from counterfoil.viewer.texts import text
from counterfoil.viewer.visitor import signed_in
from counterfoil.wording.visible import short

router = APIRouter(route_class=PageRoute, include_in_schema=False)

#: The ways in which a person stands in events: tab -> filter, and the search's field for it.
_PERSON: Final = {
    "did": ("user_id", "user"),
    "account": ("resource_id", "resource"),
    "about": ("subject", "subject"),
    "for": ("on_behalf_of", "on-behalf-of"),
}
_LONGEST_TITLE: Final = 80


@router.get("/people/{name:path}")
async def person(request: Request, name: str) -> Response:
    """What a person did, and what was done about them."""
    tab = request.query_params.get("tab", "did")
    tab = tab if tab in _PERSON else "did"
    filter_name, field = _PERSON[tab]
    filters: dict[str, Any] = {filter_name: name}
    value = name
    if tab == "account":
        filters["resource_type"] = "user"
        value = f"user/{name}"
    base = f"/people/{quote(name, safe='')}"
    tabs = [(one, base if one == "did" else f"{base}?tab={one}", one == tab) for one in _PERSON]
    here = base if tab == "did" else f"{base}?tab={tab}"
    return await _history(request, "person", name, filters, tabs, here, (field, value))


@router.get("/resources/{kind}/{name:path}")
async def resource(request: Request, kind: str, name: str) -> Response:
    """What happened to a resource."""
    here = f"/resources/{quote(kind, safe='')}/{quote(name, safe='')}"
    filters = {"resource_type": kind, "resource_id": name}
    tabs = [("history", here, True)]
    value = f"{kind}/{name}"
    return await _history(request, "resource", value, filters, tabs, here, ("resource", value))


async def _history(
    request: Request,
    kind: str,
    title: str,
    filters: dict[str, Any],
    tabs: list[tuple[str, str, bool]],
    here: str,
    term: tuple[str, str],
) -> Response:
    visitor, log = await signed_in(request)
    cursor = request.query_params.get("cursor") or None
    page = await log.query(limit=PAGE, cursor=cursor, **filters)
    first = await log.query(limit=1, order="oldest", **filters)
    last = page if cursor is None else await log.query(limit=1, **filters)
    field, value = term
    search = "/?q=" + quote(format_terms([FieldTerm(field, (value_of(value),))]), safe=":")
    return render(
        "history.html",
        visitor,
        kind=text(f"history.{kind}"),
        title=short(title, _LONGEST_TITLE),
        page=page,
        cursor=cursor,
        first=first.events[0] if first.events else None,
        last=last.events[0] if last.events else None,
        tabs=tabs,
        here=here,
        search=search,
    )
