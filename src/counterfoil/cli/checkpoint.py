"""``counterfoil checkpoint``: the log's signed statement of what it is."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.errors import NotFoundError
from counterfoil.wording.visible import counted, visible

from . import options
from .reading import reading
from .terminal import say, write_json

if TYPE_CHECKING:
    from counterfoil.log.proving.evidence import SignedCheckpoint


def checkpoint(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the note to this file.")
    ] = None,
    key_output: Annotated[
        Path | None, typer.Option("--key-output", help="Write the verifier key to this file.")
    ] = None,
    company: Annotated[
        str | None, typer.Option("--company", help="The log that is this company's own.")
    ] = None,
    url: options.Url = None,
    log: options.Log = None,
    key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Sign the log as it is now, and print the note and the key that verifies it.

    Give both to whoever shall be able to check the log later.
    """
    settings = options.settings(url, log, key_file)

    async def sign() -> SignedCheckpoint:
        async with reading(settings) as audit:
            name = settings.log if company is None else await audit.company_log(company)
            if name is None:
                raise NotFoundError("The company has no log of its own.")
            return await audit.checkpoint(name)

    signed = asyncio.run(sign())
    if output is not None:
        output.write_bytes(signed.note)
    if key_output is not None:
        key_output.write_text(f"{signed.verifier_key}\n", encoding="utf-8")
    if as_json:
        write_json(
            {
                "log": signed.log,
                "origin": signed.origin,
                "size": signed.size,
                "root": signed.root.hex(),
                "verifier_key": str(signed.verifier_key),
                "note": signed.text,
            }
        )
        return
    if output is None:
        # As it is, so that it can be piped into a file.
        sys.stdout.write(signed.text)
        sys.stdout.flush()
    else:
        say(f"{output} covers {counted(signed.size, 'event')}.")
    typer.echo(f"verifier key: {visible(str(signed.verifier_key))}", err=output is None)
