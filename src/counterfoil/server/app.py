"""The application: routes, errors and pages, put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from counterfoil import __version__
from counterfoil.access import Services
from counterfoil.errors import CounterfoilError

from . import problem
from .description import describe
from .feed import Feeds
from .gate import Gate
from .options import ServerOptions
from .problem import ProblemError
from .routes import append, docs, keys, proving, reading, session, stream, verification
from .signals import noticed


def create_app(
    open_services: Callable[[], AbstractAsyncContextManager[Services]],
    options: ServerOptions | None = None,
    *,
    pages: Sequence[APIRouter] = (),
) -> FastAPI:
    """The server's ASGI application.

    Routes find what they work on in ``request.app.state.services``.

    Args:
        open_services: opens the log and what stands around it, in the worker's event loop.
        options: how it answers.
        pages: routers of pages for people, which check keys and sessions by the services.
    """
    settled = options or ServerOptions()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services() as services:
            app.state.services = services
            ending = asyncio.create_task(_end_streams(services, app.state.feeds))
            try:
                with noticed(services.closing):
                    yield
            finally:
                services.closing.set()
                await ending
                await services.close()

    app = FastAPI(
        title="Counterfoil",
        version=__version__,
        summary="The audit log you can prove.",
        lifespan=lifespan,
        # The route for it is one of ours.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.options = settled
    app.state.feeds = Feeds()
    app.state.verifying = asyncio.Lock()
    for module in (append, reading, proving, verification, session, keys, stream):
        app.include_router(module.router, prefix="/v1")
    for router in pages:
        app.include_router(router)
    app.add_exception_handler(CounterfoilError, _ours)
    app.add_exception_handler(ProblemError, _own)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RequestValidationError, _invalid)
    # FastAPI's way of giving a description of one's own.
    vars(app)["openapi"] = lambda: describe(app)
    if settled.docs:
        app.include_router(docs.router)
    app.add_middleware(Gate)
    return app


async def _end_streams(services: Services, feeds: Feeds) -> None:
    """What goes on for ever ends when the server begins to: it waits for open answers."""
    await services.closing.wait()
    await feeds.close()


async def _ours(request: Request, error: Any) -> Response:
    return problem.respond(problem.describe(error), request.state.request_id)


async def _own(request: Request, error: Any) -> Response:
    return problem.respond(error.problem, request.state.request_id, error.headers)


async def _framework(request: Request, error: Any) -> Response:
    found = problem.own(problem.titled(error.status_code))
    found["status"] = error.status_code
    headers = dict(error.headers or {})
    if error.status_code == 405:
        # All of the path's methods, and not those of its first route alone (RFC 9110).
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return problem.respond(found, request.state.request_id, headers)


def _methods(request: Request) -> set[str]:
    found: set[str] = set()
    for route in request.app.routes:
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    return found


async def _invalid(request: Request, error: Any) -> Response:
    # The places and the kinds of what is wrong, and not the values.
    wrong = [
        {"in": ".".join(str(part) for part in one["loc"]), "reason": one["msg"]}
        for one in error.errors()[:20]
    ]
    found = problem.own("bad_request", "Mend what `errors` lists.", errors=wrong)
    return problem.respond(found, request.state.request_id)
