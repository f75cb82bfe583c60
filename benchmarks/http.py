"""HTTP: what the server makes of the library's speed, and how soon live readers hear.

The server is a process of its own, as `counterfoil serve` runs it, on a SQLite file. The clients
are bare sockets in this process, which share the machine with it.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from fastapi import FastAPI

from counterfoil.assembly import server_app
from counterfoil.log.host import Host
from counterfoil.record.entry import UntimedEntry
from counterfoil.settings import load_settings

from .event import CONTEXT, DETAILS
from .figure import Figure, below, share, told
from .ingest import Case, ours

ROUNDS = 3
BATCH, BATCHES, SENDERS = 100, 200, 4
CONNECTIONS, POSTS = 64, 6_400
READERS, EVENTS_A_SECOND, SECONDS = 200, 500, 5
EVENT = {
    "event_type": "price_changed",
    "details": DETAILS,
    "context": CONTEXT.model_dump(exclude_none=True),
}
_AT = re.compile(rb'"at":([0-9.]+)')


async def run() -> list[Figure]:
    """The figures of the server."""
    rounds = [await _round() for _ in range(ROUNDS)]
    library, batched, single, storeless = (
        median(costs) for costs in zip(*[one[:4] for one in rounds], strict=True)
    )
    figures = [
        share(
            f"HTTP, NDJSON batches of {BATCH}, us an event",
            batched,
            library,
            median(one[0] / one[1] for one in rounds),
            0.5,
        ),
        share(
            f"HTTP, single events from {CONNECTIONS} connections, us an event",
            single,
            storeless,
            median(one[3] / one[2] for one in rounds),
            0.5,
        ),
    ]
    lags = await _live()
    figures.append(below(f"{READERS} live readers, the latest event, ms", max(lags) * 1e3, 1000))
    figures.append(told(f"{READERS} live readers, median, ms", median(lags) * 1e3))
    return figures


async def _round() -> tuple[float, float, float, float]:
    """Microseconds an event: the library, batches, single events, and those without a store."""
    with TemporaryDirectory() as folder:
        library = await ours(f"sqlite:///{folder}/audit.db", Case(64, 12_800, 64))
    with served() as server:
        body = (orjson.dumps(EVENT) + b"\n") * BATCH
        request = server.post(body, "application/x-ndjson")
        batched = await _send(server, request, SENDERS, BATCHES) / BATCH
        one = server.post(orjson.dumps(EVENT), "application/json")
        single = await _send(server, one, CONNECTIONS, POSTS)
    with served("benchmarks.http:storeless_app") as server:
        one = server.post(orjson.dumps(EVENT), "application/json")
        storeless = await _send(server, one, CONNECTIONS, POSTS)
    return library.wall, batched, single, storeless


def storeless_app() -> FastAPI:
    """The same application, whose events are taken in and go nowhere."""

    async def append(_: Host, entries: Sequence[UntimedEntry]) -> list[Any]:
        return [entry.event_id for entry in entries]

    Host.append = append  # type: ignore[method-assign]
    return server_app(load_settings())


class Server:
    """A server process, its keys and its address."""

    def __init__(self, port: int, writer: str, reader: str) -> None:
        self.port = port
        self._writer = writer
        self._reader = reader

    def post(self, body: bytes, media_type: str) -> bytes:
        """A request that appends."""
        return (
            f"POST /v1/events HTTP/1.1\r\nHost: log\r\nAuthorization: Bearer {self._writer}\r\n"
            f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def stream(self) -> bytes:
        """A request that listens."""
        return (
            "GET /v1/stream?event_type=price_changed HTTP/1.1\r\nHost: log\r\n"
            f"Authorization: Bearer {self._reader}\r\n\r\n"
        ).encode()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection to it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 24)
        try:
            yield Connection(reader, writer)
        finally:
            writer.close()


class Connection:
    """Sends a request and reads its answer, and nothing more."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, request: bytes) -> bytes:
        """The answer's body.

        Raises:
            RuntimeError: the answer is no success.
        """
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await self.reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 20"):
            raise RuntimeError(body.decode())
        return body


@contextmanager
def served(factory: str = "counterfoil.assembly:served_app") -> Iterator[Server]:
    """A server on an empty log."""
    with TemporaryDirectory() as name:
        environment = {
            **os.environ,
            "COUNTERFOIL_URL": f"sqlite:///{name}/audit.db",
            "COUNTERFOIL_SERVER__READS_PER_MINUTE": "0",
            "COUNTERFOIL_SERVER__LOG_LEVEL": "warning",
        }
        keys = [create_key(environment, role) for role in ("writer", "reader")]
        program = (
            "from counterfoil.server.run import run; run("
            f"{factory!r}, host='127.0.0.1', port=0, workers=1, keep_alive=65, drain_timeout=5,"
            " started=lambda address: print(address, flush=True))"
        )
        with running(environment, "-c", program) as address:
            yield Server(int(address.rpartition(":")[2]), *keys)


@contextmanager
def running(environment: dict[str, str], *arguments: str) -> Iterator[str]:
    """A server process: Python with these arguments. Gives the first line that it prints."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline()
    finally:
        process.terminate()
        process.communicate(timeout=30)


def create_key(environment: dict[str, str], role: str, *options: str) -> str:
    """A new access key, made on the command line."""
    made = subprocess.run(
        [sys.executable, "-m", "counterfoil", "key", "create", "--json", "--role", role, *options],
        env=environment,
        capture_output=True,
        check=True,
    )
    key: str = orjson.loads(made.stdout)["key"]
    return key


async def _send(server: Server, request: bytes, connections: int, count: int) -> float:
    """Microseconds a request, so many connections each sending one after the other."""
    each = count // connections

    async def sender() -> None:
        async with server.connection() as connection:
            await connection.ask(request)
            for _ in range(each):
                await connection.ask(request)

    began = time.perf_counter()
    await asyncio.gather(*[sender() for _ in range(connections)])
    return (time.perf_counter() - began) / ((each + 1) * connections) * 1e6


async def _live() -> list[float]:
    """Seconds from sending an event to each reader's having it, of each piece's first event."""
    lags: list[float] = []
    wanted = EVENTS_A_SECOND * SECONDS
    with served() as server:
        ready = asyncio.Barrier(READERS + 1)

        async def reader() -> None:
            async with server.connection() as connection:
                connection.writer.write(server.stream())
                await connection.reader.readuntil(b"retry:")
                await ready.wait()
                heard = 0
                while heard < wanted:
                    piece = await connection.reader.read(1 << 20)
                    if not piece:
                        raise RuntimeError("a stream ended early")
                    heard += piece.count(b"\nid: ") + piece.startswith(b"id: ")
                    first = _AT.search(piece)
                    if first is not None:
                        lags.append(time.perf_counter() - float(first[1]))

        readers = [asyncio.create_task(reader()) for _ in range(READERS)]
        await ready.wait()
        async with server.connection() as connection:
            began = time.perf_counter()
            size = EVENTS_A_SECOND // 10
            for turn in range(SECONDS * 10):
                await asyncio.sleep(max(0.0, began + turn / 10 - time.perf_counter()))
                event = EVENT | {"details": {"at": time.perf_counter()}}
                body = (orjson.dumps(event) + b"\n") * size
                await connection.ask(server.post(body, "application/x-ndjson"))
        await asyncio.gather(*readers)
    return lags
