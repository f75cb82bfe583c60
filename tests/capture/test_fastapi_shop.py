"""The example, driven over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from counterfoil import AuditLog
from counterfoil.record import Event
from examples.fastapi_shop import create_app
from tests.capture.serving import serving

ANA = {"X-Api-Key": "demo-ana"}
BEN = {"X-Api-Key": "demo-ben"}
SAM = {"X-Api-Key": "demo-sam"}


@pytest.fixture
async def shop(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(create_app(url)) as client:
        yield client


async def recorded(url: str) -> list[Event]:
    async with AuditLog.open(url) as audit:
        return [event async for event in audit.events(order="oldest")]


async def test_an_order_from_its_making_to_its_shipping(shop: httpx2.AsyncClient, url: str) -> None:
    headers = {
        **ANA,
        "X-Request-Id": "req-1",
        "X-Forwarded-For": "203.0.113.9, 198.51.100.7",
        "Cookie": "session=s-0123456789",
        "User-Agent": "shop-test",
    }
    made = await shop.post("/orders", json={"item": "kettle"}, headers=headers)
    assert (made.status_code, made.headers["x-request-id"]) == (201, "req-1")
    shipped = await shop.post("/orders/o-1/ship", headers=BEN)
    assert shipped.json()["status"] == "shipped"
    history = (await shop.get("/orders/o-1/history", headers=ANA)).json()
    assert [event["type"] for event in history] == ["order_shipped", "order_created"]

    created, shipping, mailed = await recorded(url)
    assert (created.type, created.outcome, created.resource_id) == (
        "order_created",
        "success",
        "o-1",
    )
    assert (created.user_id, created.company_id) == ("u-ana", "c-1")
    assert (created.ip_address, created.user_agent) == ("198.51.100.7", "shop-test")
    assert created.claims == {"forwarded_for": ["203.0.113.9"]}
    assert created.session_id
    assert (shipping.type, shipping.user_id) == ("order_shipped", "u-ben")
    assert shipping.before_state["status"] == "new"
    assert shipping.after_state["status"] == "shipped"
    # The background task ran after the answer, in its own request's context.
    assert (mailed.type, mailed.user_id) == ("email_sent", "u-ben")
    assert mailed.request_id == shipping.request_id == shipped.headers["x-request-id"]


async def test_an_endpoint_in_a_thread_records_with_its_request_s_context(
    shop: httpx2.AsyncClient, url: str
) -> None:
    exported = await shop.get("/orders/export", headers=ANA)
    (event,) = await recorded(url)
    assert (event.type, event.user_id) == ("data_exported", "u-ana")
    assert event.request_id == exported.headers["x-request-id"]


async def test_support_in_a_customer_s_account_is_named_beside_the_customer(
    shop: httpx2.AsyncClient, url: str
) -> None:
    await shop.post("/orders", json={"item": "kettle"}, headers=SAM)
    (event,) = await recorded(url)
    assert (event.user_id, event.impersonator) == ("u-ana", "u-sam")


async def test_what_is_refused_or_missing_is_a_failure(shop: httpx2.AsyncClient, url: str) -> None:
    assert (await shop.delete("/orders/o-9")).status_code == 401
    assert (await shop.delete("/orders/o-9", headers=ANA)).status_code == 404
    assert (await shop.get("/orders/o-9/history")).status_code == 401
    refused, missing = await recorded(url)
    assert (refused.outcome, refused.user_id, refused.details["status"]) == ("failure", None, 401)
    assert (missing.outcome, missing.user_id, missing.resource_id) == ("failure", "u-ana", "o-9")


async def test_requests_at_once_keep_apart(shop: httpx2.AsyncClient, url: str) -> None:
    people = {"u-ana": ANA, "u-ben": BEN}

    async def order(number: int) -> tuple[str, str]:
        user = ["u-ana", "u-ben"][number % 2]
        headers = {**people[user], "X-Request-Id": f"r-{number}"}
        given = await shop.post("/orders", json={"item": "cup"}, headers=headers)
        return given.headers["x-request-id"], user

    sent = dict(await asyncio.gather(*(order(number) for number in range(100))))
    assert {event.request_id: event.user_id for event in await recorded(url)} == sent
