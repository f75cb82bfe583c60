"""The real server on a real log, over a socket of this machine."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import uvicorn

from counterfoil import AuditLog
from counterfoil.access import Services
from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.server.app import create_app
from counterfoil.server.options import ServerOptions


class RealServer:
    """A running server.

    Attributes:
        url: its address.
        audit: the log that it serves.
        services: what stands around that.
    """

    def __init__(self, audit: AuditLog, services: Services, port: int, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.audit = audit
        self.services = services
        self._folder = folder

    async def key(self, role: str, **bound: Any) -> str:
        """A new access key."""
        _, text = await self.services.keyring.create(role, **bound)
        return text

    async def options(self, role: str, **bound: Any) -> dict[str, Any]:
        """What a log is opened with by a new key of a role."""
        token = await self.key(role, **bound)
        name = token.split("_")[1]
        return {
            "url": self.url,
            "token": token,
            "key_file": self._folder / f"{name}.known",
            "spool": self._folder / f"{name}.spool",
        }


class _Uvicorn(uvicorn.Server):
    def capture_signals(self) -> Any:
        """Signals are the tests' own."""
        return nullcontext()


def listen(port: int = 0) -> socket.socket:
    """A socket that listens on this machine alone."""
    # With its protocol named, asyncio sends what it is given at once (TCP_NODELAY).
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen()
    return listening


@asynccontextmanager
async def run(app: Any, listening: socket.socket, **options: Any) -> AsyncIterator[None]:
    """An ASGI application behind uvicorn."""
    for name in ("uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    config = uvicorn.Config(app, log_config=None, access_log=False, **options)
    server = _Uvicorn(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
        listening.close()


@asynccontextmanager
async def served(
    folder: Path, options: ServerOptions | None = None, port: int = 0, **log: Any
) -> AsyncIterator[RealServer]:
    """The server on a log in a folder."""
    async with AuditLog.open(f"sqlite:///{folder / 'audit.db'}", **log) as audit:
        services = Services.of(audit, clock=log.get("clock", SYSTEM_CLOCK))

        @asynccontextmanager
        async def opened() -> AsyncIterator[Services]:
            yield services

        listening = listen(port)
        port = listening.getsockname()[1]
        async with run(create_app(opened, options), listening, timeout_graceful_shutdown=2):
            yield RealServer(audit, services, port, folder)
