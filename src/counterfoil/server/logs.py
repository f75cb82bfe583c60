"""Log lines of the server's own: structured, as JSON or for a console.

Everything goes through the standard library's logging, the web server's lines and the log's own
alike. No line holds a secret, a query or a path with ids in it.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def configure_logs(form: str, level: str) -> None:
    """Have this process write structured lines to standard error.

    Args:
        form: ``json``, ``console``, or ``auto`` for what fits standard error.
        level: the least level that is written.
    """
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Of the web server only what is wrong: what it did, the gate says.
    logging.getLogger("uvicorn").setLevel(max(logging.WARNING, root.level))
