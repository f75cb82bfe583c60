"""Signing in and out: the cookie, the forms, and who is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from counterfoil import AuditLog
from counterfoil.access import Services
from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.errors import AuthenticationError
from counterfoil.record.instant import HOUR, SECOND
from counterfoil.server.app import create_app
from counterfoil.server.options import ServerOptions
from counterfoil.viewer import router
from counterfoil.viewer.pages import events

from .conftest import MakeVisitor, browser_of, csrf_of

#: Opens a live view in somebody's browser; the task is done once the server ends it.
OpenView = Callable[[httpx2.AsyncClient], Awaitable["asyncio.Task[None]"]]


async def test_nobody_sees_a_page_without_signing_in(stranger: httpx2.AsyncClient) -> None:
    for path in ("/", "/integrity", "/keys", "/people/u-1", "/events/1", "/parts/overview"):
        answer = await stranger.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in")
    for path in ("/data/checkpoint", "/data/events/1", "/live"):
        answer = await stranger.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "signed_out")


async def test_a_part_of_a_page_leads_to_the_door(stranger: httpx2.AsyncClient) -> None:
    headers = {"hx-request": "true", "hx-current-url": "http://log.example/"}
    answer = await stranger.get("/parts/overview", headers=headers)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")


async def test_the_cookie_is_not_the_key_and_is_kept_from_scripts_and_other_sites(
    stranger: httpx2.AsyncClient, services: Services
) -> None:
    _, key = await services.keyring.create("reader")
    answer = await stranger.post("/sign-in", data={"key": f" {key}\n", "next": "/integrity"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/integrity")
    cookie = answer.headers["set-cookie"]
    assert key not in cookie
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert (await stranger.get("/")).status_code == 200


async def test_signing_in_again_ends_the_session_before(
    stranger: httpx2.AsyncClient, services: Services
) -> None:
    cookies = []
    for _ in range(2):
        _, key = await services.keyring.create("reader")
        answer = await stranger.post("/sign-in", data={"key": key})
        cookies.append(answer.headers["set-cookie"].partition(";")[0].partition("=")[2])
    with pytest.raises(AuthenticationError):
        await services.sessions.find(cookies[0])
    await services.sessions.find(cookies[1])


async def test_who_tries_too_often_is_told_when_to_try_again(stranger: httpx2.AsyncClient) -> None:
    answers = [await stranger.post("/sign-in", data={"key": "cf_typo"}) for _ in range(31)]
    assert {answer.status_code for answer in answers[:30]} == {401}
    assert answers[30].status_code == 429
    assert 1 <= int(answers[30].headers["retry-after"]) <= 60


async def test_over_tls_the_cookie_is_for_this_host_alone(
    stranger: httpx2.AsyncClient, services: Services
) -> None:
    _, key = await services.keyring.create("reader")
    answer = await stranger.post("https://log.example/sign-in", data={"key": key})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-")
    assert "Secure" in cookie.split("; ")


async def test_behind_a_proxy_that_ends_tls_the_cookie_is_one_of_tls_too(
    services: Services,
) -> None:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Services]:
        yield services

    app = create_app(opened, ServerOptions(https=True), pages=[router])
    _, key = await services.keyring.create("reader")
    async with app.router.lifespan_context(app), browser_of(app) as browser:
        answer = await browser.post("/sign-in", data={"key": key})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-")
        assert "Secure" in cookie.split("; ")
        kept = {"cookie": cookie.partition(";")[0]}
        assert (await browser.get("/", headers=kept)).status_code == 200


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1", "/a\r\nb", ""],
)
async def test_signing_in_leads_nowhere_else(
    stranger: httpx2.AsyncClient, services: Services, address: str
) -> None:
    _, key = await services.keyring.create("reader")
    answer = await stranger.post("/sign-in", data={"key": key, "next": address})
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize("key", ["", "cf_typo", "<script>alert(1)</script>", "x" * 5000])
async def test_what_is_no_key_is_refused_and_not_repeated(
    stranger: httpx2.AsyncClient, key: str
) -> None:
    answer = await stranger.post("/sign-in", data={"key": key})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert not key or key not in answer.text


async def test_a_key_that_cannot_read_and_a_revoked_one_are_refused(
    stranger: httpx2.AsyncClient, services: Services
) -> None:
    _, writer = await services.keyring.create("writer")
    revoked, text = await services.keyring.create("reader")
    await services.keyring.revoke(revoked.id)
    for key in (writer, text):
        answer = await stranger.post("/sign-in", data={"key": key})
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}]
)
async def test_another_site_signs_nobody_in(
    stranger: httpx2.AsyncClient, services: Services, headers: dict[str, str]
) -> None:
    _, key = await services.keyring.create("reader")
    answer = await stranger.post("/sign-in", data={"key": key}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_signing_out_ends_the_session_on_the_server(visitor: MakeVisitor) -> None:
    browser = await visitor()
    cookie = dict(browser.cookies)
    page = (await browser.get("/")).text
    refused = await browser.post("/sign-out", data={"csrf": "x" * 64})
    assert refused.status_code == 403
    assert (await browser.get("/")).status_code == 200
    left = await browser.post("/sign-out", data={"csrf": csrf_of(page)})
    assert left.status_code == 303
    again = await browser.get("/", headers={"cookie": f"counterfoil={cookie['counterfoil']}"})
    assert again.status_code == 303


async def test_a_session_ends_with_its_key(visitor: MakeVisitor, services: Services) -> None:
    browser = await visitor("reader", name="the one")
    (held,) = [held for held in await services.keyring.keys() if held.key.name == "the one"]
    await services.keyring.revoke(held.key.id)
    assert (await browser.get("/")).status_code == 303


async def test_forms_are_refused_without_what_their_page_sends_along(
    visitor: MakeVisitor,
) -> None:
    admin = await visitor("admin")
    for path in ("/keys", "/integrity/verify", "/keys/aaaaaaaaaaaa/revoke"):
        answer = await admin.post(path, data={"name": "x", "role": "reader"})
        assert answer.status_code == 403, path


class MovedClock:
    """The system's clock, moved by what a test says."""

    ahead = 0

    def now(self) -> int:
        return SYSTEM_CLOCK.now() + self.ahead

    def event_id(self) -> str:
        return SYSTEM_CLOCK.event_id()


class TestLiveView:
    """A page that stays open keeps no session alive, and shows nothing once it has ended."""

    @pytest.fixture
    def clock(self) -> MovedClock:
        return MovedClock()

    @pytest.fixture
    async def services(self, audit: AuditLog, clock: MovedClock) -> Services:
        return Services.of(audit, clock=clock)

    @pytest.fixture(autouse=True)
    def looked_at_often(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(events, "_RECHECK", 0.01)

    @pytest.fixture
    async def view(self, app: FastAPI) -> AsyncIterator[OpenView]:
        views: list[asyncio.Task[None]] = []

        async def open_view(browser: httpx2.AsyncClient) -> asyncio.Task[None]:
            began = asyncio.Event()

            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    assert message["status"] == 200, message
                if message.get("body"):
                    began.set()

            async def receive() -> Any:
                await asyncio.Event().wait()

            request = browser.build_request("GET", "/live")
            headers = [(name.lower(), value) for name, value in request.headers.raw]
            scope: dict[str, Any] = {
                "type": "http",
                "method": "GET",
                "path": "/live",
                "query_string": b"",
            }
            scope |= {"scheme": "http", "headers": headers, "client": None}

            async def ask() -> None:
                await app(scope, receive, send)

            views.append(asyncio.create_task(ask()))
            waiting = asyncio.create_task(began.wait())
            await asyncio.wait({waiting, views[-1]}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                views[-1].result()
            return views[-1]

        yield open_view
        for one in views:
            one.cancel()

    async def test_ends_with_its_key(
        self, visitor: MakeVisitor, services: Services, view: OpenView
    ) -> None:
        live = await view(await visitor("reader", name="the one"))
        (held,) = [held for held in await services.keyring.keys() if held.key.name == "the one"]
        await services.keyring.revoke(held.key.id)
        await live

    async def test_ends_when_its_reader_signs_out(
        self, visitor: MakeVisitor, view: OpenView
    ) -> None:
        browser = await visitor()
        live = await view(browser)
        csrf = csrf_of((await browser.get("/")).text)
        await browser.post("/sign-out", data={"csrf": csrf})
        await live

    @pytest.mark.parametrize("hours", [HOUR // 2, 12 * HOUR])
    async def test_ends_with_the_time_of_its_session(
        self, visitor: MakeVisitor, view: OpenView, clock: MovedClock, hours: int
    ) -> None:
        live = await view(await visitor())
        clock.ahead = hours + SECOND
        await live

    async def test_is_no_use_of_the_session(
        self, visitor: MakeVisitor, view: OpenView, clock: MovedClock
    ) -> None:
        browser = await visitor()
        clock.ahead = HOUR // 4
        await view(browser)
        clock.ahead = HOUR // 2 + SECOND
        assert (await browser.get("/")).status_code == 303
