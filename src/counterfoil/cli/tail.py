"""``counterfoil tail``: the newest events, and those to come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options
from .reading import reading
from .terminal import EventPrinter, write_json_line

if TYPE_CHECKING:
    from counterfoil.record import Event
    from counterfoil.settings import Settings


@options.with_filters()
def tail(
    filters: dict[str, Any],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is recorded, until Ctrl-C.")
    ] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, max=1000, help="How many to begin with.")
    ] = 10,
    ids: Annotated[bool, typer.Option("--ids", help="With each event's id.")] = False,
    url: options.Url = None,
    log: options.Log = None,
    utc: options.Utc = False,
    as_json: options.AsJson = False,
) -> None:
    """Show the newest events, the newest last; with -f those to come too."""
    settings = options.settings(url, log)
    filters["log"] = settings.named_log
    printer = EventPrinter(utc=utc, ids=ids)

    def show(event: Event) -> None:
        write_json_line(event.as_dict()) if as_json else printer.print([event])

    try:
        asyncio.run(_tail(settings, filters, lines, show, follow=follow))
    except KeyboardInterrupt:
        if not follow:
            raise


async def _tail(
    settings: Settings, filters: dict[str, Any], lines: int, show: Any, *, follow: bool
) -> None:
    async with reading(settings, filters) as audit:
        page = await audit.query(limit=max(lines, 1), **filters)
        for event in reversed(page.events[:lines]):
            show(event)
        if not follow:
            return
        # The page's end is where following begins, so that nothing falls between the two.
        async for event in audit.follow(after=page.end_cursor, **filters):
            show(event)
