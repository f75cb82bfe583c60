"""asyncpg: connections to PostgreSQL, and those of its pools."""

from __future__ import annotations

from typing import Any, Final

import asyncpg

from counterfoil.errors import OutboxError

from .adapter import Adapter
from .statement import MAKE_IT, MISSING, statement, statements


class AsyncpgAdapter:
    """Writes in the transaction that a connection is in; without one each write commits itself."""

    blocking = False

    async def put(self, connection: Any, draft: bytes) -> None:
        """Add a draft."""
        try:
            await connection.execute(statement("postgresql", "put"), draft)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise _refusal(error) from error

    async def create(self, connection: Any) -> None:
        """Make the table, in the connection's transaction if it is in one."""
        try:
            for one in statements("postgresql", "create"):
                await connection.execute(one)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise _refusal(error) from error


ADAPTER: Final[Adapter] = AsyncpgAdapter()


def _refusal(error: Exception) -> OutboxError:
    if isinstance(error, asyncpg.UndefinedTableError):
        return OutboxError(MISSING, remedy=f"Roll the transaction back. {MAKE_IT}")
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return OutboxError(
            "The application's role may not write to the outbox.",
            remedy="Roll the transaction back; GRANT INSERT ON counterfoil_outbox to the role.",
        )
    if isinstance(error, asyncpg.InFailedSQLTransactionError):
        return OutboxError(
            "The transaction has failed before, and takes nothing more.",
            remedy="Roll it back.",
        )
    return OutboxError(
        f"The application's connection failed ({type(error).__name__}).",
        remedy="Look at the error's cause, and roll the transaction back.",
    )
