"""Thousands of requests at once, through tasks, threads and background work: none sees another."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from counterfoil import AuditLog
from counterfoil.ambient import AMBIENT
from counterfoil.capture import audit_context, bind_context, current_context
from counterfoil.capture.asgi import AuditMiddleware
from counterfoil.capture.request_rule import RequestRule
from tests.capture.asgi_driver import answer, call, http_scope

REQUESTS = 3_000


class Turnstile:
    """Lets everybody wait, then go on in another order than they came."""

    def __init__(self, count: int, seed: int) -> None:
        self._waiting: list[asyncio.Event] = []
        self._count = count
        self._random = random.Random(seed)

    async def wait(self) -> None:
        mine = asyncio.Event()
        self._waiting.append(mine)
        if len(self._waiting) == self._count:
            self._random.shuffle(self._waiting)
            for event in self._waiting:
                event.set()
        await mine.wait()


async def test_interleaved_requests_keep_their_contexts_apart(audit: AuditLog) -> None:
    turnstiles = [Turnstile(REQUESTS, seed) for seed in range(4)]
    background: list[asyncio.Task[None]] = []
    wrong: list[Any] = []
    checks = 0

    def check(number: str, **more: str) -> None:
        nonlocal checks
        checks += 1
        context = current_context()
        seen = (context.request_id, context.user_id, context.company_id, context.ip_address)
        if seen != (f"r-{number}", more.get("user", f"u-{number}"), f"c-{number}", "192.0.2.1"):
            wrong.append((number, seen))

    async def afterwards(number: str) -> None:
        check(number)
        await turnstiles[3].wait()
        check(number)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        number = scope["path"].rpartition("/")[2]
        await turnstiles[0].wait()
        bind_context(company_id=f"c-{number}")
        check(number)
        with audit_context(user_id=f"u-inner-{number}"):
            await turnstiles[1].wait()
            check(number, user=f"u-inner-{number}")
        if int(number) % 10 == 0:
            await asyncio.to_thread(check, number)
        task = asyncio.create_task(afterwards(number))
        background.append(task)
        await turnstiles[2].wait()
        check(number)
        await answer(send)

    middleware = AuditMiddleware(
        app,
        audit,
        rules=[RequestRule("POST", "/orders/{order}", "order.made", resource_id="order")],
        identify=lambda scope: {"user_id": f"u-{scope['path'].rpartition('/')[2]}"},
    )

    async def request(number: int) -> None:
        scope = http_scope("POST", f"/orders/{number}", [("x-request-id", f"r-{number}")])
        await call(middleware, scope)
        if AMBIENT.get() is not None:
            wrong.append((number, "left behind"))

    await asyncio.gather(*(request(number) for number in range(REQUESTS)))
    await asyncio.gather(*background)
    assert wrong == []
    assert checks == REQUESTS * 5 + REQUESTS // 10

    found = {}
    async for event in audit.events(order="oldest"):
        number = event.resource_id
        found[number] = (event.request_id, event.user_id, event.company_id)
    assert found == {
        str(number): (f"r-{number}", f"u-{number}", f"c-{number}") for number in range(REQUESTS)
    }
