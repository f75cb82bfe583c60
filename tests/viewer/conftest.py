"""The viewer on a real log, visited without a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from counterfoil import AuditLog
from counterfoil.access import Services
from counterfoil.server.app import create_app
from counterfoil.viewer import no_such_page, router

#: Makes a visitor who is signed in with a new key of a role, perhaps bound to a company.
MakeVisitor = Callable[..., Awaitable[httpx2.AsyncClient]]


@pytest.fixture
async def audit(tmp_path: Path) -> AsyncIterator[AuditLog]:
    async with AuditLog.open(f"sqlite:///{tmp_path / 'audit.db'}") as audit:
        yield audit


@pytest.fixture
async def services(audit: AuditLog) -> Services:
    return Services.of(audit)


@pytest.fixture
async def app(services: Services) -> AsyncIterator[FastAPI]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Services]:
        yield services

    app = create_app(opened, pages=[router], missing=no_such_page)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser that is not signed in."""
    async with browser_of(app) as browser:
        yield browser


@pytest.fixture
async def visitor(app: FastAPI, services: Services) -> AsyncIterator[MakeVisitor]:
    async with AsyncExitStack() as stack:

        async def make(role: str = "reader", **bound: Any) -> httpx2.AsyncClient:
            browser = await stack.enter_async_context(browser_of(app))
            _, key = await services.keyring.create(role, **bound)
            entered = await browser.post("/sign-in", data={"key": key})
            assert entered.status_code == 303, entered.text
            return browser

        yield make


def browser_of(app: FastAPI) -> httpx2.AsyncClient:
    """A browser without a network in between."""
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=transport, base_url="http://log.example")


def csrf_of(page: str) -> str:
    """What the forms of a page send along."""
    return page.partition('name="csrf" value="')[2].partition('"')[0]
