"""The command line, on a server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from counterfoil.cli.app import app

from .real_server import RealServer, served

Run = Callable[..., Awaitable[str]]


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RealServer]:
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("COUNTERFOIL_"):
            monkeypatch.delenv(name)
    async with served(tmp_path) as server:
        yield server


@pytest.fixture
def run(server: RealServer) -> Run:
    """Runs a command with a key of a role, in a thread of its own."""

    async def call(role: str, *arguments: str, fails: int = 0) -> str:
        token = await server.key(role)
        environment = {"COUNTERFOIL_TOKEN": token, "COUNTERFOIL_URL": server.url}

        def invoke() -> Any:
            return CliRunner(env=environment).invoke(app, list(arguments))

        result = await asyncio.to_thread(invoke)
        assert result.exit_code == fails, result.output + repr(result.exception)
        assert token not in result.output
        return str(result.output)

    return call


async def test_events_are_written_and_read(run: Run, tmp_path: Path) -> None:
    event_id = (await run("writer", "log", "user_login", "-u", "u-42")).strip()
    assert event_id in await run("writer", "log", "user_login", "--event-id", event_id, "--json")
    assert "u-42 signed in" in await run("reader", "query")
    assert event_id in await run("reader", "query", "--json", "--user", "u-42")
    assert event_id in await run("reader", "show", event_id)
    assert "user_login" in await run("reader", "timeline", "--by", "type")
    assert "default" in await run("auditor", "stats")
    assert "all as recorded" in await run("auditor", "verify")
    assert "verifier key" in await run("auditor", "checkpoint")
    await run("auditor", "prove", event_id, "--output", str(tmp_path))
    assert (tmp_path / f"{event_id}.tlog-proof").is_file()


@pytest.mark.parametrize("command", [("serve",), ("key", "list")])
async def test_what_is_done_at_the_database_says_so(run: Run, command: tuple[str, ...]) -> None:
    assert "server's" in await run("admin", *command, fails=2)


async def test_a_key_that_may_not_read_says_so(run: Run) -> None:
    assert "may not read" in await run("writer", "query", fails=2)


async def test_settings_show_no_token(run: Run) -> None:
    shown = await run("reader", "config", "show")
    assert "token" in shown
    assert "***" in shown


async def test_without_a_token_the_error_says_where_to_put_it(server: RealServer) -> None:
    runner = CliRunner(env={"COUNTERFOIL_URL": server.url})
    result = await asyncio.to_thread(runner.invoke, app, ["query"])
    assert result.exit_code == 2
    assert "COUNTERFOIL_TOKEN" in result.output
