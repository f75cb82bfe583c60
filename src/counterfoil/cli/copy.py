"""``counterfoil copy``: a database's logs into another database, of any engine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.wording.visible import counted, visible

from . import options
from .terminal import progress, say, write_json

if TYPE_CHECKING:
    from counterfoil.log.copying import CopyReport


def copy(
    source: Annotated[str, typer.Argument(help="The address of the database to copy.")],
    target: Annotated[str, typer.Argument(help="The address of an empty database.")],
    log: Annotated[
        str | None, typer.Option("--log", help="Only this log; with --new-origin.")
    ] = None,
    new_origin: Annotated[
        bool,
        typer.Option(
            "--new-origin", help="Leave the source open; the copy signs under an origin of its own."
        ),
    ] = False,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="The source's key file.")
    ] = None,
    target_key_file: Annotated[
        Path | None, typer.Option("--target-key-file", help="The target's key file.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Move all logs to another database, verified, with their origins and their key.

    The source is sealed: from then on nothing writes to it, and the target takes over. Killed
    at any moment and run again, it goes on. With --new-origin the source stays as it is.
    """
    from counterfoil.log.copying import copy as copy_logs

    for address, name in ((source, "source"), (target, "target")):
        if "://" not in address and not address.startswith(("sqlite:", "memory:")):
            raise typer.BadParameter(f"The {name} is an address, such as sqlite:///audit.db.")

    async def run() -> CopyReport:
        with progress() as shown:
            task = shown.add_task("Copying", total=None)

            def advance(what: str, done: int, total: int) -> None:
                shown.update(task, description=what, completed=done, total=total)

            return await copy_logs(
                source,
                target,
                log=log,
                new_origin=new_origin,
                key_file=key_file,
                target_key_file=target_key_file,
                progress=advance,
            )

    report = asyncio.run(run())
    if as_json:
        write_json(
            {
                "source": report.source,
                "target": report.target,
                "moved": report.moved,
                "seconds": round(report.seconds, 3),
                "logs": [
                    {"log": name, "events": events, "origin": report.origins[name]}
                    for name, events in report.logs.items()
                ],
            }
        )
        return
    events, logs = counted(report.events, "event"), counted(len(report.logs), "log")
    say(f"{visible(report.target)} has {events} in {logs}, verified.", "green")
    if report.moved:
        say(f"{visible(report.source)} is sealed for good. Open the log at its new address.")
    else:
        say(f"{visible(report.source)} is as it was; the copy has an origin of its own.")
