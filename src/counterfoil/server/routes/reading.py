"""Reading: events by id and by filter, how many there are, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from counterfoil.access import Permission, ScopedLog
from counterfoil.log.read.questions import MAX_LIMIT
from counterfoil.record.instant import rfc3339, to_micros
from counterfoil.server.authentication import Needs
from counterfoil.server.description import answers
from counterfoil.server.event_json import as_json
from counterfoil.server.json_response import json_response
from counterfoil.server.query_parameters import (
    CountFilters,
    Filters,
    OnlyKnown,
    count_filters,
    filters,
)
from counterfoil.server.schema import Count, EventPage, ShownEvent, TimelineShape

router = APIRouter(tags=["events"])

Reading = Annotated[ScopedLog, Depends(Needs(Permission.READ))]
Include = Annotated[
    list[Literal["evidence", "wording"]] | None,
    Query(
        description="`evidence`: also the entry's exact text, and the disclosures, by which it "
        "can be checked. `wording`: also the event in words, for people."
    ),
]


@router.get(
    "/events",
    responses=answers(EventPage, "A page of events."),
    dependencies=[
        Depends(OnlyKnown(count_filters, filters, more=("order", "limit", "cursor", "include")))
    ],
)
async def query_events(
    log: Reading,
    asked: Filters,
    order: Annotated[
        Literal["newest", "oldest"], Query(description="First, by the order of recording.")
    ] = "newest",
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Events of a page.")] = 50,
    cursor: Annotated[
        str | None,
        Query(max_length=200, description="A page's cursor, with the same filters and order."),
    ] = None,
    include: Include = None,
) -> Response:
    """A page of the events that match. Several values of a filter mean any of them."""
    page = await log.query(order=order, limit=limit, cursor=cursor, **asked)
    return json_response(
        {
            "events": [as_json(event, include or ()) for event in page],
            "next_cursor": page.next_cursor,
            "end_cursor": page.end_cursor,
        }
    )


@router.get("/events/{event_id}", responses=answers(ShownEvent, "The event."))
async def read_event(event_id: str, log: Reading, include: Include = None) -> Response:
    """One event."""
    return json_response(as_json(await log.get(event_id), include or ()))


@router.get(
    "/count",
    responses=answers(Count, "The number."),
    dependencies=[Depends(OnlyKnown(count_filters, filters, more=()))],
)
async def count_events(log: Reading, asked: Filters) -> Response:
    """How many events match."""
    return json_response({"count": await log.count(**asked)})


@router.get(
    "/timeline",
    responses=answers(TimelineShape, "The counts."),
    dependencies=[Depends(OnlyKnown(count_filters, more=("unit", "by", "fill")))],
)
async def timeline(
    log: Reading,
    asked: CountFilters,
    unit: Annotated[Literal["hour", "day"], Query(description="Days are UTC's.")] = "day",
    by: Annotated[
        list[Literal["type", "level", "outcome", "company_id"]] | None,
        Query(description="What to tell apart."),
    ] = None,
    fill: Annotated[bool, Query(description="Whether buckets without events are there.")] = True,
) -> Response:
    """How many events were recorded an hour or a day."""
    found = await log.timeline(unit, by=tuple(dict.fromkeys(by or ())), fill=fill, **asked)
    return json_response(
        {
            "unit": found.unit,
            "by": list(found.by),
            "total": found.total,
            "buckets": [
                {
                    "start": _text(bucket.start),
                    "end": _text(bucket.end),
                    "total": bucket.total,
                    "groups": [
                        {"group": list(group), "count": events}
                        for group, events in bucket.groups.items()
                    ],
                }
                for bucket in found
            ],
        }
    )


def _text(moment: datetime) -> str:
    return rfc3339(to_micros(moment))
