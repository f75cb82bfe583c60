"""``counterfoil show``: one event, whole."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.wording.moment import full_time
from counterfoil.wording.sentence import sentence
from counterfoil.wording.visible import safe_json, visible

from . import options
from .reading import reading
from .terminal import LEVELS, print_fields, say, write_json

if TYPE_CHECKING:
    from counterfoil.record import Event

_FIRST = ("id", "log", "index", "type", "level", "outcome", "occurred_at", "recorded_at")


def show(
    event_id: Annotated[str, typer.Argument(help="The event's id.")],
    url: options.Url = None,
    utc: options.Utc = False,
    as_json: options.AsJson = False,
) -> None:
    """Show one event with everything that is kept of it."""
    settings = options.settings(url)

    async def read() -> Event:
        async with reading(settings) as audit:
            return await audit.get(event_id)

    event = asyncio.run(read())
    if as_json:
        write_json(event.as_dict())
        return
    say(sentence(event), LEVELS[event.level.value][1].replace("dim", "bold"))
    print_fields(_fields(event, utc=utc))


def _fields(event: Event, *, utc: bool) -> Iterator[tuple[str, str]]:
    fields = event.as_dict()
    for name in (*_FIRST, *(name for name in fields if name not in _FIRST)):
        if name in fields:
            yield name, _shown(getattr(event, name), fields[name], utc=utc)


def _shown(value: Any, plain: Any, *, utc: bool) -> str:
    if isinstance(value, datetime):
        return full_time(value, utc=utc)
    if isinstance(plain, (dict, list)):
        return safe_json(plain, indent=True)
    return visible(str(plain))
