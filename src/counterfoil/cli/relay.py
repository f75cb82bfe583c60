"""``counterfoil relay``: move what applications have committed into the log."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.wording.visible import counted

from . import options
from .outbox import Source, connect_to
from .terminal import say

if TYPE_CHECKING:
    from counterfoil.outbox import Connect
    from counterfoil.settings import Settings


def relay(
    source: Source = None,
    once: Annotated[bool, typer.Option("--once", help="Move what is there now, and end.")] = False,
    url: options.Url = None,
    key_file: options.KeyFile = None,
) -> None:
    """Move events from an application's outbox into the log, until SIGTERM or Ctrl-C.

    Each is moved within a second of its commit. Any number of relays may run. A SQLite file is
    opened here with this program's own SQLite, which is safe beside any other process.
    """
    settings = options.settings(url, key_file=key_file)
    connect = connect_to(source, settings)
    moved = asyncio.run(_once(settings, connect) if once else _until_told(settings, connect))
    say(f"Moved {counted(moved, 'event')}.")


async def _once(settings: Settings, connect: Connect) -> int:
    from counterfoil.assembly import open_log

    async with open_log(settings) as audit:
        return await audit.relay(connect).drain()


async def _until_told(settings: Settings, connect: Connect) -> int:
    from counterfoil.assembly import open_log

    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):  # Windows: there Ctrl-C interrupts
            loop.add_signal_handler(number, told.set)
    async with open_log(settings) as audit, audit.relay(connect) as relay:
        say("Moving what is committed; SIGTERM or Ctrl-C ends it.")
        await told.wait()
    return relay.moved
