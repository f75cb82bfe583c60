"""Certificates, and the package that speaks HTTP."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from counterfoil.errors import ConfigurationError, MissingExtraError, StoreUnavailableError
from tests.certificate import make_certificate

from .conftest import Open
from .real_server import listen, run
from .unruly_server import UnrulyServer


@asynccontextmanager
async def encrypted(folder: Path, name: str = "127.0.0.1") -> AsyncIterator[UnrulyServer]:
    """The test server behind TLS."""
    certificate, key = make_certificate(folder, name)
    app = UnrulyServer()
    listening = listen()
    app.url = f"https://127.0.0.1:{listening.getsockname()[1]}"
    options: dict[str, Any] = {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}
    async with run(app, listening, lifespan="off", timeout_graceful_shutdown=1, **options):
        yield app


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    opened: Open, tmp_path: Path
) -> None:
    async with encrypted(tmp_path) as server:
        with pytest.raises(StoreUnavailableError, match="certificate was refused"):
            async with opened(server):
                pass
    assert server.raw == []


async def test_roots_of_ones_own_are_taken_from_the_environment(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with encrypted(tmp_path) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        async with opened(server) as log:
            assert await log.log_event("user_login") == server.ids[0]


async def test_a_certificate_of_another_name_is_refused(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with encrypted(tmp_path, "192.0.2.1") as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        with pytest.raises(StoreUnavailableError, match="certificate was refused"):
            async with opened(server):
                pass
    assert server.raw == []


async def test_without_the_http_client_the_error_says_what_to_install(
    server: UnrulyServer, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == "httpx2":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtraError, match=r"pip install 'counterfoil\[client\]'"):
        async with opened(server):
            pass


def test_the_http_client_is_loaded_for_servers_alone() -> None:
    program = (
        "import asyncio, sys\n"
        "from counterfoil import AuditLog\n"
        "async def main():\n"
        "    async with AuditLog.open('memory:') as log:\n"
        "        await log.log_event('user_login')\n"
        "asyncio.run(main())\n"
        "assert 'httpx2' not in sys.modules\n"
        "assert 'counterfoil.log.remote' not in sys.modules\n"
    )
    environment = {"PATH": os.environ.get("PATH", "")}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


async def test_an_address_in_the_clear_must_be_allowed(opened: Open) -> None:
    far = UnrulyServer()
    far.url = "http://192.0.2.7"
    with pytest.raises(ConfigurationError, match="plain_http"):
        async with opened(far):
            pass
