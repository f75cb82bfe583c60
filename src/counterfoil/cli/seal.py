"""``counterfoil seal`` and ``unseal``: close a database's logs to writers, and open them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.wording.visible import counted, visible

from . import options
from .reading import reading
from .terminal import say, write_json

if TYPE_CHECKING:
    from counterfoil.log.proving.evidence import SignedCheckpoint


def seal(
    reason: Annotated[
        str, typer.Option("--reason", help="What writers are told.")
    ] = "sealed by its owner",
    url: options.Url = None,
    key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Close every log to every writer, and sign its last checkpoint; reading goes on."""
    settings = options.settings(url, None, key_file)

    async def run() -> dict[str, SignedCheckpoint]:
        async with reading(settings) as audit:
            return await audit.seal(reason)

    signed = asyncio.run(run())
    if as_json:
        write_json({log: {"size": one.size, "note": one.text} for log, one in signed.items()})
        return
    for log, one in signed.items():
        say(f"Log {visible(log)} is sealed at {counted(one.size, 'event')}.")


def unseal(
    url: options.Url = None,
    key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Open the logs of a sealed database again, unless another has taken over."""
    settings = options.settings(url, None, key_file)

    async def run() -> list[str]:
        async with reading(settings) as audit:
            return await audit.unseal()

    logs = asyncio.run(run())
    if as_json:
        write_json(logs)
    else:
        say(f"{counted(len(logs), 'log')} may be written to again.")
