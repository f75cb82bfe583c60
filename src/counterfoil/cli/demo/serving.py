"""The demo's last chapter: the shop's events behind the server, to be looked at in a browser."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, NoReturn
from urllib.request import ProxyHandler, Request, build_opener

from counterfoil.cli.terminal import say
from counterfoil.errors import CounterfoilError

_HOST = "127.0.0.1"
#: Seconds for the server to start, and to finish what is under way.
_PATIENCE = 30.0


def can_serve() -> bool:
    """Whether the server's packages are installed."""
    return all(find_spec(name) is not None for name in ("fastapi", "jinja2", "uvicorn"))


def somebody_watches() -> bool:
    """Whether there is a person to leave the server to."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("CI") != "true"


def show(url: str, *, stay: bool) -> bool:
    """Serve a log, say where, and end on Ctrl-C.

    Args:
        url: the log's address.
        stay: leave it running; else it ends once it has answered.

    Returns:
        Whether it answered as it must.
    """
    key = asyncio.run(_key(url))
    with _server() as address:
        say(f"Open     {address}/", "bold", fold=False)
        say(f"Sign in  {key}", "bold", fold=False)
        page = _get(f"{address}/sign-in")
        counted = _get(f"{address}/v1/count", key)
        found = json.loads(counted)["count"]
        say(f"\nThe sign-in page has {len(page):,} bytes; the API counts {found:,} events.")
        if stay:
            say("Ctrl-C ends it, and the files go.")
            _wait_for_interrupt()
    return b"<form" in page and found > 0


async def _key(url: str) -> str:
    from counterfoil import AuditLog
    from counterfoil.access import Role, Services

    async with AuditLog.open(url, checkpoint_interval=None) as audit:
        services = Services.of(audit)
        _, secret = await services.keyring.create(Role.ADMIN, name="demo")
        await services.close()
    return secret


@contextmanager
def _server() -> Iterator[str]:
    """A server on a free port of this machine, with the settings of this process."""
    command = [sys.executable, "-m", "counterfoil", "serve", "--host", _HOST, "--port", "0"]
    before = signal.signal(signal.SIGTERM, _end)
    with subprocess.Popen(  # noqa: S603 - our own command
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield _ready(process)
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
            signal.signal(signal.SIGTERM, before)


def _ready(process: subprocess.Popen[bytes]) -> str:
    """The address that the server names, once it answers there."""
    assert process.stdout is not None
    # A server that hangs names none either.
    overdue = threading.Timer(_PATIENCE, process.kill)
    overdue.start()
    # "Listening on ADDRESS": from then on who connects waits until the application has begun.
    said = process.stdout.readline().decode().split()
    overdue.cancel()
    try:
        address = said[2]
        _get(f"{address}/readyz")
    except (IndexError, OSError) as error:
        raise CounterfoilError(
            "The demo's server did not start.",
            remedy="Try `counterfoil serve` by itself: it says why.",
        ) from error
    return address


def _get(url: str, key: str | None = None) -> bytes:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    # No proxy stands between us and this machine.
    opener = build_opener(ProxyHandler({}))
    with opener.open(Request(url, headers=headers), timeout=_PATIENCE) as answer:  # noqa: S310
        body: Any = answer.read()
    return bytes(body)


def _wait_for_interrupt() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        say()


def _end(*_: object) -> NoReturn:
    """Somebody ends the demo: the server ends, and the files go."""
    raise SystemExit(128 + signal.SIGTERM)
