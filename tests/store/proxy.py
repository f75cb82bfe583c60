"""A way to a server that can be cut, or blocked, at a moment of the test's choosing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

from tests.postgres import at_port


class Proxy:
    """Passes bytes between clients and a server.

    Attributes:
        url: the address to connect to.
        lose: what is to happen once: the next ``request`` or ``answer`` is lost together with its
            connection, or the next answer is held back and the connection left open (``hold``).
        closing: from then on no connection is taken.
    """

    def __init__(self, url: str) -> None:
        self._server = urlsplit(url)
        self.url = ""
        self.lose: Literal["request", "answer", "hold"] | None = None
        self.closing = False
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1")
        port = server.sockets[0].getsockname()[1]
        self.url = at_port(self._server.geturl(), port)
        return server

    def lead_to(self, url: str) -> None:
        """Pass new connections to another server."""
        self._server = urlsplit(url)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closed:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        answers, requests = await asyncio.open_connection(self._server.hostname, self._server.port)
        ways = [
            asyncio.ensure_future(self._pass(reader, requests, "request")),
            asyncio.ensure_future(self._pass(answers, writer, "answer")),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in (writer, requests):
                end.transport.abort()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, what: str
    ) -> None:
        while data := await source.read(1 << 16):
            if self.lose == what or (self.lose == "hold" and what == "answer"):
                lost, self.lose, self._closed = self.lose, None, self.closing
                if lost != "hold":
                    return
                await asyncio.Event().wait()
            target.write(data)
            await target.drain()

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def proxy(url: str) -> AsyncIterator[Proxy]:
    """A way to the server of an address."""
    found = Proxy(url)
    async with await found.start():
        yield found
        await found.stop()
