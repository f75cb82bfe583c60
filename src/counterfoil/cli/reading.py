"""Opening the log to read, and what a filter must become for that."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from counterfoil.errors import KeyFileError

if TYPE_CHECKING:
    from counterfoil import AuditLog
    from counterfoil.settings import Settings

logger = logging.getLogger("counterfoil")


@asynccontextmanager
async def reading(
    settings: Settings, filters: dict[str, Any] | None = None
) -> AsyncIterator[AuditLog]:
    """The log, open for reading; it must be there.

    Args:
        filters: those of a query; a session's id in clear finds its token too.
    """
    from counterfoil.assembly import open_log

    async with open_log(settings, create=False, writes=False) as audit:
        if filters and "session_id" in filters:
            filters["session_id"] = _with_tokens(audit, filters)
        yield audit


def _with_tokens(audit: AuditLog, filters: dict[str, Any]) -> list[str]:
    sessions: list[str] = list(filters["session_id"])
    try:
        for company in filters.get("company_id") or [None]:
            for session in filters["session_id"]:
                sessions += audit.tokens(session, company_id=company)
    except KeyFileError as error:
        logger.warning("Sessions are only found by their tokens. %s", error)
    return sessions
