"""A log, and applications beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from counterfoil import AuditLog
from tests.postgres import Postgres

from .application import EAGER, KINDS, Application, PostgresApplication, SQLiteApplication


@pytest.fixture
def log_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'audit.db'}"


@pytest.fixture
async def audit(log_url: str) -> AsyncIterator[AuditLog]:
    async with AuditLog.open(log_url, checkpoint_interval=None, limits=EAGER) as found:
        yield found


@pytest.fixture
def shop_url(postgres: Postgres) -> Iterator[str]:
    """The address of an empty PostgreSQL database."""
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture
def older_shop_url(older_postgres: Postgres) -> Iterator[str]:
    """The address of an empty database on a server of another major version."""
    url = older_postgres.create()
    yield url
    older_postgres.drop(url)


@pytest.fixture(params=KINDS)
async def shop(request: pytest.FixtureRequest, tmp_path: Path, audit: AuditLog) -> Application:
    """An application whose tables are there."""
    found: Application
    if request.param == "older asyncpg":
        found = PostgresApplication(request.getfixturevalue("older_shop_url"))
    elif request.param == "asyncpg":
        found = PostgresApplication(request.getfixturevalue("shop_url"))
    else:
        found = SQLiteApplication(tmp_path / "shop.db", kind=request.param)
    await found.prepare(audit)
    return found
