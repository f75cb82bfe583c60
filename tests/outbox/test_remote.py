"""The log behind a server: the draft goes into the application's database, and a relay sends it."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from counterfoil import AuditLog
from counterfoil.errors import CounterfoilError
from counterfoil.record.spooled import decode, encode
from tests.server.serving import serve_with

from .application import EAGER, Application, own_events, recorded

ONE_OF_EACH = pytest.mark.parametrize("shop", ["sqlite3", "asyncpg"], indirect=True)


class _Uvicorn(uvicorn.Server):
    """Leaves the process's signals alone."""

    @property
    def install_signal_handlers(self) -> Any:
        return lambda: None


@asynccontextmanager
async def _listening(audit: AuditLog) -> AsyncIterator[tuple[str, str]]:
    """A server of a log on a port of this machine: its address, and a writer's key."""
    for name in ("uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    async with serve_with(audit) as served:
        _, token = await served.services.keyring.create("writer")
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            config = uvicorn.Config(
                served.app_with_its_services,
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=1,
            )
            server = _Uvicorn(config)
            task = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}", token
            finally:
                server.should_exit = True
                await task


@ONE_OF_EACH
async def test_a_relay_sends_what_is_committed(
    audit: AuditLog, shop: Application, tmp_path: Path
) -> None:
    async with _listening(audit) as (url, token):
        files: dict[str, Any] = {"key_file": tmp_path / "known", "spool": tmp_path / "spool"}
        async with AuditLog.open(url, token=token, limits=EAGER, **files) as remote:
            async with shop.transaction() as connection:
                await shop.sell(connection, "pen")
                ids = [
                    await remote.log_event("price_changed", f"u-{n}", connection=connection)
                    for n in range(5)
                ]
            async with shop.rolled_back() as connection:
                await remote.log_event("price_changed", "u-9", connection=connection)
            (again, *_) = await shop.waiting()
            relay = remote.relay(shop.connect)
            assert await relay.drain() == 5
            assert await recorded(audit) == ids
            # Sent once more, as after a crash: it is there, and recorded once. Another content
            # under its id is kept, and holds up nothing.
            await shop.forge(again)
            await shop.forge(encode(replace(decode(again), named=_NAMED, user_id="u-x")))
            async with shop.transaction() as connection:
                last = await remote.log_event("price_changed", connection=connection)
            await relay.drain()
            assert await recorded(audit) == [*ids, last]
            assert await shop.refused() == ["conflict"]
            assert len(await own_events(audit, "audit.conflict")) == 1
            (gap,) = await own_events(audit, "audit.gap")
            assert gap == {"kind": "outbox_refused", "count": 1, "reason": "conflict"}


_NAMED = frozenset({"event_id", "event_type", "user_id"})


@ONE_OF_EACH
async def test_what_cannot_be_sent_waits_for_the_server(
    audit: AuditLog, shop: Application, tmp_path: Path
) -> None:
    files: dict[str, Any] = {"key_file": tmp_path / "known", "spool": tmp_path / "spool"}
    hasty = replace(EAGER, write_timeout=2.0)
    async with _listening(audit) as (url, token):
        remote = await AuditLog.open(url, token=token, limits=hasty, **files)
    try:
        async with shop.transaction() as connection:
            await remote.log_event("price_changed", "u-1", connection=connection)
        with pytest.raises(CounterfoilError):
            await remote.relay(shop.connect).drain()
        assert len(await shop.waiting()) == 1
    finally:
        await remote.close()
    assert await audit.relay(shop.connect).drain() == 1
