"""The schema of a PostgreSQL database: created, or brought up to date, by one session at a time."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from counterfoil.errors import ConfigurationError, SchemaError

from . import migration
from .postgres_address import postgres_address
from .postgres_connection import Connector, Session
from .postgres_error import FAILURES, store_error
from .postgres_session import Sessions
from .statement import read_statement

#: Seconds to wait for the server, and for whoever migrates already.
_TIMEOUT = 30.0
#: Applications' roles that are still there.
_KNOWN_ROLES = (
    "SELECT name FROM counterfoil.application_role JOIN pg_roles ON rolname = name ORDER BY name"
)


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
        for row in await session.fetch(_KNOWN_ROLES):
            await _grant(session, row["name"])


async def prepare_database(url: str, roles: Sequence[str]) -> None:
    """Migrate a database as its owner, and give applications' roles what they need.

    Args:
        url: the database's address, for the role that owns the schema.
        roles: names of roles that are there already; they keep their rights across migrations.

    Raises:
        ConfigurationError: there is no such role, or the address cannot be used.
        StoreError: the database cannot be reached or migrated.
    """
    address = postgres_address(url)
    sessions = Sessions(Connector(address, _TIMEOUT), patience=_TIMEOUT, size=1)
    try:
        async with sessions.one() as session:
            await migrate(session)
            async with session.transaction():
                for role in roles:
                    await _grant(session, role)
    except FAILURES as error:
        raise store_error(error, address.name) from error
    finally:
        await sessions.close()


async def holds_log(url: str, *, patience: float) -> bool:
    """Whether a database has the schema of a log; nothing is made in it.

    Args:
        patience: seconds to wait for the server, above 0.

    Raises:
        ConfigurationError: the address cannot be used.
        StoreError: the database cannot be reached.
    """
    address = postgres_address(url)
    sessions = Sessions(Connector(address, patience), patience=patience, size=1)
    try:
        async with sessions.one() as session:
            return bool(await session.fetchval(read_statement("postgres", "has_migrations")))
    except FAILURES as error:
        raise store_error(error, address.name) from error
    finally:
        await sessions.close()


async def _grant(session: Session, role: str) -> None:
    quoted = await session.fetchval(
        "SELECT quote_ident(rolname) FROM pg_roles WHERE rolname = $1", role
    )
    if quoted is None:
        raise ConfigurationError(
            "There is no such role in the database.", remedy="Create it first: CREATE ROLE … LOGIN."
        )
    await session.execute(read_statement("postgres", "grants").replace(":role", quoted))
    await session.execute(
        "INSERT INTO counterfoil.application_role (name) VALUES ($1) ON CONFLICT DO NOTHING", role
    )


async def _applied(session: Session) -> dict[int, str]:
    if not await session.fetchval(read_statement("postgres", "has_migrations")):
        return {}
    rows: list[asyncpg.Record] = await session.fetch(read_statement("postgres", "migrations"))
    return {row["number"]: row["checksum"] for row in rows}
