"""A server that misbehaves when told to, and what a client opens it with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from counterfoil import AuditLog, Limits

from .unruly_server import TOKEN, UnrulyServer, serving

#: Short enough for tests, and long enough for a busy machine where nothing is to go wrong.
QUICK = Limits(write_timeout=5.0, retry_after=0.01)

Open = Callable[..., AbstractAsyncContextManager[AuditLog]]


@pytest.fixture
async def server() -> AsyncIterator[UnrulyServer]:
    app = UnrulyServer()
    async with serving(app):
        yield app


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Opens a server's log, with its files in the test's folder."""

    def open_one(server: UnrulyServer, **options: Any) -> AbstractAsyncContextManager[AuditLog]:
        given = {
            "token": TOKEN,
            "limits": QUICK,
            "key_file": tmp_path / "server.known",
            "spool": tmp_path / "server.spool",
        }
        return AuditLog.open(server.url, **{**given, **options})

    return open_one
