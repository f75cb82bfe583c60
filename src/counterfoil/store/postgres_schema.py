"""The schema of a PostgreSQL database: created, or brought up to date, by one session at a time."""

from __future__ import annotations

import asyncpg

from counterfoil.errors import SchemaError

from . import migration
from .postgres_session import Session
from .statement import read_statement


async def migrate(session: Session) -> None:
    """Create the schema, or bring it up to date, in one transaction.

    Raises:
        SchemaError: the schema is newer than this code, a migration was changed, or the schema
            is something else's.
    """
    migrations = migration.load("postgres")
    if not migration.pending(migrations, await _applied(session)):
        return
    async with session.transaction():
        # However long it takes; others wait for it, and find nothing left to do.
        await session.execute("SET LOCAL statement_timeout = 0")
        await session.execute("SELECT pg_advisory_xact_lock(hashtext('counterfoil'), 0)")
        if await session.fetchval(read_statement("postgres", "is_foreign")):
            raise SchemaError(
                "The database has a schema counterfoil that is something else's.",
                remedy="Give the log a database of its own, or rename that schema.",
            )
        if not await session.fetchval("SELECT to_regnamespace('counterfoil') IS NOT NULL"):
            await session.execute("CREATE SCHEMA counterfoil")
        await session.execute(read_statement("postgres", "migration_table"))
        for item in migration.pending(migrations, await _applied(session)):
            await session.execute(item.sql)
            await session.execute(
                "INSERT INTO counterfoil.migration (number, name, checksum) VALUES ($1, $2, $3)",
                item.number,
                item.name,
                item.checksum,
            )


async def _applied(session: Session) -> dict[int, str]:
    if not await session.fetchval(read_statement("postgres", "has_migrations")):
        return {}
    rows: list[asyncpg.Record] = await session.fetch(read_statement("postgres", "migrations"))
    return {row["number"]: row["checksum"] for row in rows}
