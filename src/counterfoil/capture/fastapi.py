"""FastAPI: dependencies that give a logger bound to the request.

They need :class:`counterfoil.capture.asgi.AuditMiddleware` around the application.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, cast

from counterfoil.errors import ConfigurationError, MissingExtraError
from counterfoil.log import AuditLog

from .asgi import SCOPE_KEY
from .bound import BlockingAuditLog, BoundAuditLog
from .recording import is_async, resolve

try:
    from fastapi import Depends
    from fastapi.requests import HTTPConnection
except ImportError as error:
    raise MissingExtraError("The FastAPI dependency", "fastapi") from error


async def audit_logger(connection: HTTPConnection) -> BoundAuditLog:
    """The middleware's log, bound to the request or websocket that is being handled.

    Raises:
        ConfigurationError: the middleware is not there, or has no async log.
    """
    source = connection.scope.get(SCOPE_KEY)
    log = None if source is None else resolve(source)
    if log is None or not is_async(log):
        raise ConfigurationError(
            "The request carries no audit log.",
            remedy="Add AuditMiddleware to the application, with an AuditLog.",
        )
    return BoundAuditLog(cast(AuditLog, log))


async def blocking_audit_logger(
    log: Annotated[BoundAuditLog, Depends(audit_logger)],
) -> BlockingAuditLog:
    """The same for endpoints that FastAPI runs in threads, those written with ``def``."""
    return BlockingAuditLog(log, asyncio.get_running_loop())


Audit = Annotated[BoundAuditLog, Depends(audit_logger)]
BlockingAudit = Annotated[BlockingAuditLog, Depends(blocking_audit_logger)]
