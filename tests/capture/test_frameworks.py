"""The same middleware around FastAPI, Starlette, Litestar and Quart, over real HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import fastapi
import httpx2
import litestar
import pytest
import quart
from litestar.middleware import DefineMiddleware
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from websockets.asyncio.client import connect

from counterfoil import AuditLog, AuditOptions
from counterfoil.capture import bind_context, current_context
from counterfoil.capture.asgi import AuditMiddleware
from counterfoil.capture.fastapi import Audit
from counterfoil.capture.request_rule import RequestRule
from tests.capture.serving import serving

RULE = RequestRule(
    "PUT",
    "/files/{name}",
    "file.stored",
    resource_type="file",
    resource_id="name",
    options=AuditOptions(include_request_body=True),
)


def around(audit: AuditLog) -> dict[str, Any]:
    return {"audit": audit, "rules": [RULE], "body_limit": 1_000}


def told(size: int) -> dict[str, Any]:
    bind_context(user_id="u-1")
    return {"size": size, "request_id": current_context().request_id}


def starlette_app(audit: AuditLog) -> Any:
    async def store(request: Request) -> Response:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
        if request.path_params["name"] == "broken":
            raise LookupError
        return JSONResponse(told(size))

    return Starlette(
        routes=[Route("/files/{name}", store, methods=["PUT"])],
        middleware=[Middleware(AuditMiddleware, **around(audit))],
    )


def fastapi_app(audit: AuditLog) -> Any:
    app = fastapi.FastAPI()
    app.add_middleware(AuditMiddleware, **around(audit))

    @app.put("/files/{name}")
    async def store(name: str, request: fastapi.Request) -> dict[str, Any]:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
        if name == "broken":
            raise LookupError
        return told(size)

    return app


def litestar_app(audit: AuditLog) -> Any:
    @litestar.put("/files/{name:str}")
    async def store(request: litestar.Request[Any, Any, Any]) -> dict[str, Any]:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
        if request.path_params["name"] == "broken":
            raise LookupError
        return told(size)

    return litestar.Litestar(
        [store],
        middleware=[DefineMiddleware(AuditMiddleware, **around(audit))],
        request_max_body_size=None,
    )


def quart_app(audit: AuditLog) -> Any:
    app = quart.Quart(__name__)
    app.config["MAX_CONTENT_LENGTH"] = None

    @app.put("/files/<name>")
    async def store(name: str) -> dict[str, Any]:
        size = 0
        async for chunk in quart.request.body:
            size += len(chunk)
        if name == "broken":
            raise LookupError
        return told(size)

    app.asgi_app = AuditMiddleware(app.asgi_app, **around(audit))  # type: ignore[method-assign]
    return app


FRAMEWORKS = [starlette_app, fastapi_app, litestar_app, quart_app]


@pytest.mark.parametrize("make", FRAMEWORKS)
async def test_an_upload_streams_through_and_is_recorded(
    audit: AuditLog, make: Callable[[AuditLog], Any]
) -> None:
    chunk, count = b"x" * 65_536, 64  # 4 MiB

    async def upload() -> Any:
        for _ in range(count):
            yield chunk

    async with serving(make(audit)) as client:
        given = await client.put("/files/a.txt", content=upload(), headers={"X-Request-Id": "r-1"})
    assert given.status_code == 200
    assert given.json() == {"size": count * len(chunk), "request_id": "r-1"}
    assert given.headers["x-request-id"] == "r-1"
    (event,) = [event async for event in audit.events()]
    assert (event.type, event.outcome, event.user_id) == ("file.stored", "success", "u-1")
    assert (event.resource_type, event.resource_id) == ("file", "a.txt")
    assert (event.request_id, event.ip_address) == ("r-1", "127.0.0.1")
    assert event.details == {"method": "PUT", "path": "/files/{name}", "status": 200}
    body = (event.metadata or {})["request_body"]
    assert (len(body["text"]), body["size"], body["complete"]) == (
        1_000,
        count * len(chunk),
        False,
    )


@pytest.mark.parametrize("make", FRAMEWORKS)
async def test_an_application_s_error_is_answered_as_always_and_recorded(
    audit: AuditLog, make: Callable[[AuditLog], Any]
) -> None:
    async with serving(make(audit)) as client:
        given = await client.put("/files/broken", content=b"x")
        assert given.status_code == 500
    (event,) = [event async for event in audit.events()]
    assert (event.outcome, event.resource_id) == ("failure", "broken")


async def test_websockets_and_lifespan_work_behind_it(audit: AuditLog) -> None:
    steps: list[str] = []

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> Any:
        steps.append("started")
        yield
        steps.append("stopped")

    app = fastapi.FastAPI(lifespan=lifespan)
    app.add_middleware(AuditMiddleware, audit=audit)

    @app.websocket("/chat")
    async def chat(socket: fastapi.WebSocket, logger: Audit) -> None:
        await socket.accept()
        await logger.log_event("chat.joined")
        async for text in socket.iter_text():
            await socket.send_text(text.upper())

    async with serving(app) as client:
        address = str(client.base_url).replace("http", "ws").rstrip("/")
        async with connect(
            f"{address}/chat", additional_headers={"X-Request-Id": "r-1"}, proxy=None
        ) as socket:
            await socket.send("hello")
            assert await socket.recv() == "HELLO"
    assert steps == ["started", "stopped"]
    (event,) = [event async for event in audit.events()]
    assert (event.type, event.request_id) == ("chat.joined", "r-1")


async def test_the_dependency_says_what_is_missing() -> None:
    app = fastapi.FastAPI()

    @app.get("/")
    async def home(logger: Audit) -> None: ...

    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        with pytest.raises(Exception, match="AuditMiddleware"):
            await client.get("/")
