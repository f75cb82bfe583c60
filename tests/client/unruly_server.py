"""A real HTTP server that takes drafts as the protocol says, and misbehaves when told to.

It keeps what was committed, in order, and every byte that came in.
"""

from __future__ import annotations

import asyncio
import gzip
from base64 import b64encode
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from counterfoil.policy.redaction import Tokeniser
from counterfoil.proof import Checkpoint, SigningKey, leaf_hash
from counterfoil.record.spooled import decode

from .real_server import listen, run

DATABASE = "0123456789abcdef"
TOKEN = "cf_test_secret"
MASTER = bytes(range(32))

Answer = tuple[int, dict[str, str], bytes]


class CutError(Exception):
    """The connection is cut here."""


@dataclass
class Trouble:
    """What goes wrong with one append.

    Attributes:
        status, headers, problem: what is answered instead.
        commits: whether the events are recorded all the same.
        cut: whether the connection breaks within the answer.
        hangs: whether nothing is answered until the server is let go.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    problem: dict[str, Any] = field(default_factory=dict)
    commits: bool = False
    cut: bool = False
    hangs: bool = False


class UnrulyServer:
    """The application, and what it was told and given.

    Attributes:
        events: the committed drafts, in order.
        bodies: the bodies of all appends, unpacked, in order; those that failed too.
        raw: every byte of every request: paths, headers and bodies.
        troubles: what goes wrong with the next appends, one each; None lets one go.
        always: what goes wrong with every append while it stands there.
        most: events in one append, beyond which it is too large.
        refused: the problems of the events of some users.
        session: changes to what ``GET /v1/session`` tells.
        routes: answers of other paths.
    """

    def __init__(self) -> None:
        self.url = ""
        self.events: list[Any] = []
        self.bodies: list[list[Any]] = []
        self.raw: list[bytes] = []
        self.asked: list[str] = []
        self.sizes: list[int] = []
        self.troubles: deque[Trouble | None] = deque()
        self.always: Trouble | None = None
        self.most: int | None = None
        self.refused: dict[str, dict[str, Any]] = {}
        self.session: dict[str, Any] = {}
        self.routes: dict[str, Callable[[dict[str, list[str]]], Answer]] = {}
        self.key = SigningKey(DATABASE, bytes(32))
        self.tokens = Tokeniser([("k1", MASTER)])
        self.token_status = 200
        self.going = asyncio.Event()
        self.hanging = 0
        self._changed = asyncio.Condition()

    async def hold(self, count: int) -> None:
        """Wait until so many events are committed."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.events) >= count)

    async def hangs(self, count: int) -> None:
        """Wait until so many appends hang."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.hanging >= count)

    async def was_asked(self, count: int) -> None:
        """Wait until so many appends came."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.bodies) >= count)

    @property
    def ids(self) -> list[str]:
        """The committed events' ids, in order."""
        return [draft.event_id for draft in self.events]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = dict(scope["headers"])
        self.raw.append(scope["path"].encode() + b"?" + scope["query_string"])
        self.raw += [name + b": " + value for name, value in scope["headers"]]
        self.raw.append(body)
        if headers.get(b"content-encoding") == b"gzip":
            body = gzip.decompress(body)
            self.raw.append(body)
        self.asked.append(f"{scope['method']} {scope['path']}")
        status, answer_headers, data = await self._answer(scope, headers, body)
        cut = status < 0
        sent = [(name.encode(), value.encode()) for name, value in answer_headers.items()]
        length = len(data) + (100 if cut else 0)
        sent.append((b"content-length", str(length).encode()))
        start = {"type": "http.response.start", "status": abs(status), "headers": sent}
        await send(start)
        await send({"type": "http.response.body", "body": data, "more_body": cut})
        if cut:
            raise CutError

    async def _answer(self, scope: Any, headers: dict[bytes, bytes], body: bytes) -> Answer:
        if headers.get(b"authorization") != f"Bearer {TOKEN}".encode():
            return problem(401, code="unauthenticated", title="No valid access key.")
        path = scope["path"]
        if path == "/v1/session":
            return ok(self._session())
        if path == "/v1/events" and scope["method"] == "POST":
            assert headers[b"content-type"] == b"application/vnd.counterfoil.drafts+ndjson"
            return await self._append(body)
        if path == "/v1/token-keys":
            return self._token_keys(scope["query_string"].decode())
        if path in self.routes:
            from urllib.parse import parse_qs

            return self.routes[path](parse_qs(scope["query_string"].decode()))
        return 404, {}, b"nothing here"

    def _session(self) -> dict[str, Any]:
        return {
            "server": "counterfoil/0",
            "database": DATABASE,
            "public_key": b64encode(self.key.verifier.public_key).decode(),
            "key": {"id": "k", "name": "n", "role": "writer", "company": None, "logs": None},
            "limits": {"body_bytes": 8 << 20, "events": 1000},
            "encodings": [],
            "catalogue": {"profile": "baseline", "types": {}},
            "redaction": {},
            **self.session,
        }

    def _token_keys(self, query: str) -> Answer:
        if self.token_status != 200:
            return problem(self.token_status, code="forbidden")
        company = query.removeprefix("company=") or None
        keys = self.tokens.company_keys(company)
        return ok({"keys": [{"id": name, "key": b64encode(key).decode()} for name, key in keys]})

    async def _append(self, body: bytes) -> Answer:
        drafts = [decode(line) for line in body.splitlines()]
        self.sizes.append(len(body))
        self.bodies.append(drafts)
        async with self._changed:
            self._changed.notify_all()
        if self.most is not None and len(drafts) > self.most:
            return problem(413, code="too_large")
        trouble = self.troubles.popleft() if self.troubles else self.always
        if trouble is None:
            return ok({"results": await self._commit(drafts)})
        if trouble.hangs:
            async with self._changed:
                self.hanging += 1
                self._changed.notify_all()
            await self.going.wait()
        if trouble.commits:
            results = await self._commit(drafts)
            if trouble.cut:
                return -200, {}, orjson.dumps({"results": results})[:10]
            if trouble.status == 200:
                return ok({"results": results})
        if trouble.cut:
            return -200, {}, b'{"re'
        return problem(trouble.status, trouble.headers, **trouble.problem)

    async def _commit(self, drafts: list[Any]) -> list[dict[str, Any]]:
        known = {draft.event_id for draft in self.events}
        results = []
        for draft in drafts:
            if draft.user_id in self.refused:
                found = self.refused[draft.user_id]
                results.append({"status": found["status"], "id": draft.event_id, "problem": found})
                continue
            results.append({"status": 201, "id": draft.event_id})
            if draft.event_id not in known:
                known.add(draft.event_id)
                self.events.append(draft)
        async with self._changed:
            self._changed.notify_all()
        return results

    def checkpoint(self, leaves: list[bytes], log: str = "default") -> dict[str, Any]:
        """A checkpoint of a tree of these leaves, as ``GET /v1/checkpoint`` gives it."""
        origin = f"{DATABASE}/{log}"
        key = SigningKey(origin, bytes(32))
        note = Checkpoint(origin, len(leaves), root(leaves)).sign(key)
        return {"log": log, "note": note.decode(), "signed_at": "2026-01-01T00:00:00.000000Z"}


def root(leaves: list[bytes]) -> bytes:
    """The root of a tree (RFC 6962 section 2.1)."""
    from counterfoil.proof import node_hash

    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(root(leaves[:half]), root(leaves[half:]))


def ok(value: dict[str, Any]) -> Answer:
    """A good answer."""
    return 200, {"content-type": "application/json"}, orjson.dumps(value)


def problem(status: int, headers: dict[str, str] | None = None, **members: Any) -> Answer:
    """A problem."""
    found = {"content-type": "application/problem+json", **(headers or {})}
    return status, found, orjson.dumps({"status": status, **members})


@asynccontextmanager
async def serving(app: UnrulyServer, port: int = 0) -> AsyncIterator[int]:
    """The server on a port of this machine; gives the port."""
    listening = listen(port)
    port = listening.getsockname()[1]
    app.url = f"http://127.0.0.1:{port}"
    try:
        async with run(app, listening, lifespan="off", timeout_graceful_shutdown=1):
            yield port
    finally:
        app.going.set()
