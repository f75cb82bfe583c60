"""A server on a real log, and clients with keys of each role."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from counterfoil import AuditLog
from counterfoil.access import Services

from .serving import Served, serve

#: Makes a client whose key has a role, and perhaps a company and logs.
MakeClient = Callable[..., Awaitable[httpx2.AsyncClient]]


@pytest.fixture
async def audit(tmp_path: Path) -> AsyncIterator[AuditLog]:
    async with AuditLog.open(f"sqlite:///{tmp_path / 'audit.db'}") as audit:
        yield audit


@pytest.fixture
async def served(audit: AuditLog) -> AsyncIterator[Served]:
    async with serve(Services.of(audit)) as served:
        yield served


@pytest.fixture
def client(served: Served) -> MakeClient:
    async def make(role: str, **bound: Any) -> httpx2.AsyncClient:
        return await served.client(role, **bound)

    return make


@pytest.fixture
async def writer(served: Served) -> httpx2.AsyncClient:
    return await served.client("writer")


@pytest.fixture
async def reader(served: Served) -> httpx2.AsyncClient:
    return await served.client("reader")


@pytest.fixture
async def admin(served: Served) -> httpx2.AsyncClient:
    return await served.client("admin")
