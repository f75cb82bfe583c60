"""Running the server: one uvicorn, or several workers behind one port."""

from __future__ import annotations

from typing import Any

import uvicorn

from .protocol import Protocol


def run(factory: str, *, host: str, port: int, workers: int = 1, **options: Any) -> None:
    """Serve until SIGTERM or SIGINT; what is under way is finished first.

    Args:
        factory: ``module:function`` that makes the application in each worker.
        host, port: where to listen.
        workers: processes that share the port.
        options: further ones of uvicorn's.
    """
    uvicorn.run(
        factory,
        factory=True,
        http=Protocol,
        loop="uvloop",
        host=host,
        port=port,
        workers=workers,
        server_header=False,
        date_header=True,
        access_log=False,
        log_config=None,
        **options,
    )
