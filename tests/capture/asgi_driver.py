"""Drives an ASGI application message by message, as a server would."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    """What an application sent."""

    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def status(self) -> int:
        return next(m["status"] for m in self.messages if m["type"] == "http.response.start")

    def header(self, name: str) -> list[str]:
        start = next(m for m in self.messages if m["type"] == "http.response.start")
        return [v.decode() for k, v in start["headers"] if k.lower() == name.encode()]

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.messages)


def http_scope(
    method: str = "GET",
    path: str = "/",
    headers: Iterable[tuple[str, str]] = (),
    client: tuple[str, int] | None = ("192.0.2.1", 4711),
    root_path: str = "",
) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": root_path,
        "query_string": b"",
        "headers": [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers],
        "client": client,
        "server": ("192.0.2.100", 80),
    }


async def call(
    app: Any,
    scope: dict[str, Any],
    chunks: Iterable[bytes] = (),
    *,
    disconnect: bool = False,
) -> Answer:
    """Send a request and return the answer; ``disconnect`` ends the body without its end."""
    answer = Answer()
    pending = iter([*chunks])
    ended = False

    async def receive() -> dict[str, Any]:
        nonlocal ended
        chunk = next(pending, None)
        if chunk is not None:
            return {"type": "http.request", "body": chunk, "more_body": True}
        if not ended and not disconnect:
            ended = True
            return {"type": "http.request", "body": b"", "more_body": False}
        if disconnect:
            return {"type": "http.disconnect"}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        answer.messages.append(dict(message))

    await app(scope, receive, send)
    return answer


async def read_all(receive: Any) -> tuple[bytes, bool]:
    """The request's body, and whether it came to its end."""
    data = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(data), False
        data += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(data), True


async def answer(send: Any, status: int = 200, body: bytes = b"ok") -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})
