"""``counterfoil search``: the text index that the server keeps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from counterfoil.wording.visible import counted

from . import options
from .terminal import progress, say, write_json

if TYPE_CHECKING:
    from counterfoil.settings import Settings

app = typer.Typer(help="The text index, by which words are found.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """The text index, by which words are found."""


@app.command("status")
def status(url: options.Url = None, as_json: options.AsJson = False) -> None:
    """Tell how many events the text index does not hold yet."""
    behind = asyncio.run(_behind(options.settings(url)))
    if as_json:
        write_json({"behind": behind})
    else:
        say(f"The text index is {counted(behind, 'event')} behind.")


@app.command("rebuild")
def rebuild(url: options.Url = None, as_json: options.AsJson = False) -> None:
    """Throw the text index away, and make it again from what reading shows.

    Searching goes on meanwhile, and reads what is not in the index yet.
    """
    events = asyncio.run(_rebuild(options.settings(url)))
    if as_json:
        write_json({"events": events})
    else:
        say(f"The text index holds {counted(events, 'event')}.")


async def _behind(settings: Settings) -> int:
    from counterfoil.assembly import indexer_of

    async with indexer_of(settings) as indexer:
        return await indexer.behind()


async def _rebuild(settings: Settings) -> int:
    from counterfoil.assembly import indexer_of

    async with indexer_of(settings) as indexer:
        await indexer.index.reset()
        with progress() as shown:
            total = await indexer.behind()
            task = shown.add_task("Indexing", total=total)
            return await indexer.catch_up(told=lambda events: shown.advance(task, events))
