"""``counterfoil outbox``: the table in an application's database that events commit with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.errors import ConfigurationError
from counterfoil.wording.visible import counted

from . import options
from .terminal import say

if TYPE_CHECKING:
    from counterfoil.outbox import Connect
    from counterfoil.settings import Settings

#: Seconds that a database may take to answer.
_TIMEOUT = 10.0

Source = Annotated[
    str | None,
    typer.Argument(
        help="The application's database: a PostgreSQL address, sqlite:///shop.db or a file; "
        "else the setting outbox.",
        show_default=False,
    ),
]

app = typer.Typer(no_args_is_help=True, help="Events that commit with the application's work.")


@app.command()
def create(source: Source = None) -> None:
    """Make the table counterfoil_outbox, where there is none yet.

    It is made where the role makes its tables. The application's role needs INSERT on it, the
    relay's SELECT, UPDATE and DELETE.
    """
    asyncio.run(_create(connect_to(source, options.settings(None))))
    say("The table counterfoil_outbox is there.")


@app.command()
def retry(source: Source = None) -> None:
    """Let a relay try again what no log took, once the reason is gone."""
    count = asyncio.run(_retry(connect_to(source, options.settings(None))))
    say(f"To be tried again: {counted(count, 'event')}.")


async def _create(connect: Connect) -> None:
    from counterfoil.outbox import opened_source

    async with opened_source(connect, _TIMEOUT) as source:
        await source.create()


async def _retry(connect: Connect) -> int:
    from counterfoil.outbox import opened_source

    async with opened_source(connect, _TIMEOUT) as source:
        return await source.retry()


def connect_to(source: str | None, settings: Settings) -> Connect:
    """How a command connects to an application's database.

    Raises:
        ConfigurationError: none is named, or it is of no known form, or no file.
    """
    from counterfoil.outbox.place import connector_to

    place = source or settings.outbox
    if not place:
        raise ConfigurationError(
            "No application's database is named.",
            remedy="Give its address or file, or set COUNTERFOIL_OUTBOX.",
        )
    return connector_to(place)
