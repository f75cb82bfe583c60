"""``counterfoil serve``: the log over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from . import options


def serve(
    host: Annotated[str | None, typer.Option("--host", help="The address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", "-p", min=0, max=65_535, help="The port.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=64, help="Processes that share the port.")
    ] = None,
    url: options.Url = None,
    log: options.Log = None,
    key_file: options.KeyFile = None,
) -> None:
    """Serve the log over HTTP: the API under /v1, its pages under /docs."""
    from counterfoil.assembly import serve as run

    settings = options.settings(url, log, key_file)
    given = {"host": host, "port": port, "workers": workers}
    changes = {name: value for name, value in given.items() if value is not None}
    run(settings.model_copy(update={"server": settings.server.model_copy(update=changes)}))
