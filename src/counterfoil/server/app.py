"""The application: routes, errors and pages, put together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import compile_path

from counterfoil import __version__
from counterfoil.access import Services
from counterfoil.errors import CounterfoilError, ThrottledError

from . import problem
from .authentication import takes_viewers
from .cross_origin import Preflight
from .description import describe
from .feed import Feeds
from .gate import Gate
from .metrics import Metrics
from .options import ServerOptions
from .problem import ProblemError
from .rates import Rates
from .routes import (
    append,
    docs,
    keys,
    operations,
    proving,
    reading,
    session,
    stream,
    verification,
    viewer_tokens,
)
from .signals import noticed

#: What stands under /v1.
_API = (append, reading, proving, verification, session, keys, viewer_tokens, stream)
#: Seconds between turns of tidying up.
_UPKEEP = 60.0

logger = logging.getLogger("counterfoil")


def create_app(
    open_services: Callable[[], AbstractAsyncContextManager[Services]],
    options: ServerOptions | None = None,
    *,
    pages: Sequence[APIRouter] = (),
    missing: Callable[[Request], Awaitable[Response]] | None = None,
) -> FastAPI:
    """The server's ASGI application.

    Routes find what they work on in ``request.app.state.services``.

    Args:
        open_services: opens the log and what stands around it, in the worker's event loop.
        options: how it answers.
        pages: routers of pages for people, which check keys and sessions by the services.
        missing: what people are shown where there is no path; None for what programs are.
    """
    settled = options or ServerOptions()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services() as services:
            app.state.services = services
            ending = asyncio.create_task(_end_streams(services, app.state.feeds))
            upkeep = asyncio.create_task(_upkeep(services))
            try:
                with noticed(services.closing):
                    yield
            finally:
                services.closing.set()
                await ending
                upkeep.cancel()
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
    app.state.metrics = Metrics()
    app.state.rates = Rates(settled.reads_per_minute, settled.writes_per_minute)
    app.state.feeds = Feeds()
    app.state.verifying = asyncio.Lock()
    app.state.routers = [("/v1", module.router) for module in _API]
    app.state.routers += [("", operations.router), *(("", router) for router in pages)]
    if settled.docs:
        app.state.routers.append(("", docs.router))
    app.state.missing = missing
    app.state.templates = {}
    for prefix, router in app.state.routers:
        app.include_router(router, prefix=prefix)
        for route in router.routes:
            app.state.templates[id(route)] = prefix + getattr(route, "path", "")
    app.add_exception_handler(CounterfoilError, _ours)
    app.add_exception_handler(ProblemError, _own)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RequestValidationError, _invalid)
    # FastAPI's way of giving a description of one's own.
    vars(app)["openapi"] = lambda: describe(app)
    app.add_middleware(Preflight, paths=_viewed(app.state.routers))
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)
    app.add_middleware(Gate, options=settled, metrics=app.state.metrics)
    return app


async def _end_streams(services: Services, feeds: Feeds) -> None:
    """What goes on for ever ends when the server begins to: it waits for open answers."""
    await services.closing.wait()
    await feeds.close()


async def _upkeep(services: Services) -> None:
    """Now and then, record what was read and forget what is past."""
    while True:
        await asyncio.sleep(_UPKEEP)
        try:
            await services.tidy()
        except CounterfoilError as error:
            logger.warning("Tidying up was put off. %s", error)


async def _ours(request: Request, error: Any) -> Response:
    headers = {}
    if isinstance(error, ThrottledError):
        headers["Retry-After"] = str(error.retry_after)
    return problem.respond(problem.describe(error), request.state.request_id, headers)


async def _own(request: Request, error: Any) -> Response:
    return problem.respond(error.problem, request.state.request_id, error.headers)


async def _framework(request: Request, error: Any) -> Response:
    cause = error.__cause__
    if isinstance(cause, ProblemError):
        # What the gate refused while the framework was reading the body.
        return await _own(request, cause)
    missing = request.app.state.missing
    if error.status_code == 404 and missing is not None and _is_a_person(request):
        page: Response = await missing(request)
        return page
    found = problem.own(problem.titled(error.status_code))
    found["status"] = error.status_code
    headers = dict(error.headers or {})
    if error.status_code == 405:
        # All of the path's methods, and not those of its first route alone (RFC 9110).
        headers["Allow"] = ", ".join(sorted(_methods(request)))
        if request.method == "OPTIONS":
            return Response(None, 204, headers)
    return problem.respond(found, request.state.request_id, headers)


def _is_a_person(request: Request) -> bool:
    """Whether somebody follows an address in a browser, outside the API."""
    wanted = request.headers.get("accept", "")
    return "text/html" in wanted and not request.url.path.startswith("/v1/")


def _viewed(routers: Sequence[tuple[str, APIRouter]]) -> list[str]:
    """The paths that holders of viewer tokens ask for, from pages of other origins."""
    return [
        prefix + route.path
        for prefix, router in routers
        for route in router.routes
        if isinstance(route, APIRoute) and takes_viewers(route)
    ]


def _methods(request: Request) -> set[str]:
    found: set[str] = set()
    for prefix, router in request.app.state.routers:
        for route in router.routes:
            pattern, _, _ = compile_path(prefix + getattr(route, "path", ""))
            if pattern.match(request.url.path):
                found |= getattr(route, "methods", None) or set()
    return found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set())


async def _invalid(request: Request, error: Any) -> Response:
    # The places and the kinds of what is wrong, and not the values.
    wrong = [
        {"in": ".".join(str(part) for part in one["loc"]), "reason": one["msg"]}
        for one in error.errors()[:20]
    ]
    found = problem.own("bad_request", "Mend what `errors` lists.", errors=wrong)
    return problem.respond(found, request.state.request_id)
