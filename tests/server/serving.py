"""The application with its log, asked without a network in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
from fastapi import FastAPI

from counterfoil import AuditLog
from counterfoil.access import Services
from counterfoil.server.app import create_app
from counterfoil.server.options import ServerOptions


class Served:
    """A running application, and clients of it."""

    def __init__(self, app: FastAPI, services: Services, stack: AsyncExitStack) -> None:
        self.app = app
        self.services = services
        self._stack = stack

    @property
    def app_with_its_services(self) -> Any:
        """The application for a web server; it has begun already, and ends with its fixture."""

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "lifespan":
                await _no_lifespan(receive, send)
            else:
                await self.app(scope, receive, send)

        return app

    async def client(self, role: str | None = None, **bound: Any) -> httpx2.AsyncClient:
        """A client with a new key of a role; None has none."""
        headers = {}
        if role is not None:
            _, text = await self.services.keyring.create(role, **bound)
            headers["Authorization"] = f"Bearer {text}"
        transport = httpx2.ASGITransport(app=self.app)
        return await self._stack.enter_async_context(
            httpx2.AsyncClient(transport=transport, base_url="http://log.example", headers=headers)
        )

    async def viewer(self, role: str = "reader", **bound: Any) -> httpx2.AsyncClient:
        """A client with a viewer token that a new key of a role made."""
        key, _ = await self.services.keyring.create(role)
        by = await self.services.keyring.principal(key.id)
        bound.setdefault("origins", ["https://app.example.com"])
        made = await self.services.viewer_tokens.mint(by, **bound)
        client = await self.client()
        client.headers["Authorization"] = f"Bearer {made.text}"
        return client


async def _no_lifespan(receive: Any, send: Any) -> None:
    for what in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{what}.complete"})


@asynccontextmanager
async def serve(services: Services, options: ServerOptions | None = None) -> AsyncIterator[Served]:
    """The application on services that are open."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Services]:
        yield services

    app = create_app(opened, options)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        yield Served(app, services, stack)


@asynccontextmanager
async def serve_with(audit: AuditLog, **options: Any) -> AsyncIterator[Served]:
    """The application on an open log, with options."""
    async with serve(Services.of(audit), ServerOptions(**options)) as served:
        yield served
