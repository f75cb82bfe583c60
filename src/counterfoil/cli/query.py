"""``counterfoil query``: search events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options
from .reading import reading
from .terminal import EventPrinter, say, write_json, write_json_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from counterfoil.log.read.page import Page
    from counterfoil.record import Event
    from counterfoil.settings import Settings

    Show = Callable[[Event], None]


@options.with_filters()
def query(
    filters: dict[str, Any],
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=1000, help="The most events to show.")
    ] = 50,
    oldest: Annotated[bool, typer.Option("--oldest", help="The oldest first.")] = False,
    cursor: Annotated[
        str | None, typer.Option("--cursor", help="Go on where an earlier page ended.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that match, without a limit.")
    ] = False,
    count: Annotated[bool, typer.Option("--count", help="Only how many there are.")] = False,
    ids: Annotated[bool, typer.Option("--ids", help="With each event's id.")] = False,
    only_ids: Annotated[
        bool, typer.Option("--only-ids", help="Nothing but ids, one a line, for a shell.")
    ] = False,
    url: options.Url = None,
    log: options.Log = None,
    utc: options.Utc = False,
    as_json: options.AsJson = False,
) -> None:
    """Search events: the newest first, one sentence each.

    Several values of one filter mean any of them; several filters, all of them.

    As JSON a page is one object; with --all it is one object a line.
    """
    settings = options.settings(url, log)
    filters["log"] = settings.named_log
    order = "oldest" if oldest else "newest"
    show = _one_by_one(utc=utc, ids=ids, only_ids=only_ids, as_json=as_json)
    if count:
        asyncio.run(_count(settings, filters, as_json=as_json))
    elif everything:
        asyncio.run(_all(settings, filters, order, show))
    else:
        page = asyncio.run(_page(settings, filters, order=order, limit=limit, cursor=cursor))
        if as_json:
            events = [event.as_dict() for event in page]
            write_json({"events": events, "next_cursor": page.next_cursor})
        else:
            _show(page, show, only_ids=only_ids)


def _one_by_one(*, utc: bool, ids: bool, only_ids: bool, as_json: bool) -> Show:
    if as_json:
        return lambda event: write_json_line(event.as_dict())
    if only_ids:
        return lambda event: print(event.id)  # noqa: T201 - for a shell
    printer = EventPrinter(utc=utc, ids=ids)
    return lambda event: printer.print([event])


def _show(page: Page, show: Show, *, only_ids: bool) -> None:
    for event in page:
        show(event)
    if only_ids:
        return
    if not page.events:
        say("No event matches.")
    elif page.next_cursor is not None:
        say(f"There are more: --cursor {page.next_cursor}", "dim")


async def _page(settings: Settings, filters: dict[str, Any], **how: Any) -> Page:
    async with reading(settings, filters) as audit:
        return await audit.query(**how, **filters)


async def _all(settings: Settings, filters: dict[str, Any], order: Any, show: Show) -> None:
    async with reading(settings, filters) as audit:
        async for event in audit.events(order=order, **filters):
            show(event)


async def _count(settings: Settings, filters: dict[str, Any], *, as_json: bool) -> None:
    async with reading(settings, filters) as audit:
        events = await audit.count(**filters)
    write_json({"count": events}) if as_json else say(str(events))
