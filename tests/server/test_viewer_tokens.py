"""Viewer tokens over HTTP: made by a backend, used by a page of another origin."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from counterfoil import AuditContext, AuditLog
from counterfoil.server import feed
from counterfoil.server.routes import stream
from tests.capture.serving import serving

from .conftest import MakeClient
from .serving import Served, serve_with
from .test_stream import listening

PAGE = "https://app.example.com"
BODY = {"company": "c-1", "origins": [PAGE]}


async def _viewer(served: Served, backend: httpx2.AsyncClient, **body: Any) -> httpx2.AsyncClient:
    answer = await backend.post("/v1/viewer-tokens", json=BODY | body)
    assert answer.status_code == 201, answer.text
    client = await served.client()
    client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    client.headers["Origin"] = PAGE
    return client


async def test_a_backend_makes_a_token_and_its_page_reads(
    served: Served, audit: AuditLog, reader: httpx2.AsyncClient
) -> None:
    own = await audit.log_event(
        "price_changed",
        user_id="u-1",
        context=AuditContext(company_id="c-1", before_state={"price": 1}, after_state={"price": 2}),
    )
    await audit.log_event("price_changed", context=AuditContext(company_id="c-2"))
    viewer = await _viewer(served, await served.client("reader", name="Ada's own key"))
    answer = await viewer.get("/v1/events", params={"include": "wording"})
    (event,) = answer.json()["events"]
    assert event["id"] == own
    assert event["wording"]["sentence"].startswith("u-1 changed")
    changes = event["wording"]["changes"]
    assert changes == [{"field": "price", "before": "1", "after": "2"}]
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    session = (await viewer.get("/v1/session")).json()
    assert session["expires_at"] is not None
    assert session["key"]["name"] == ""
    assert (session["catalogue"]["types"], session["redaction"]) == ({}, {})


async def test_a_page_of_another_origin_is_refused(
    served: Served, reader: httpx2.AsyncClient
) -> None:
    other = "https://other.example.com"
    await _viewer(served, reader, origins=[other])
    viewer = await _viewer(served, reader)
    answer = await viewer.get("/v1/events", headers={"Origin": other})
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_page_learns_that_its_token_is_none(
    served: Served, reader: httpx2.AsyncClient
) -> None:
    viewer = await _viewer(served, reader)
    answer = await viewer.get("/v1/events", headers={"Authorization": "Bearer cfv_none"})
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


async def test_an_access_key_opens_nothing_to_a_page(
    served: Served, reader: httpx2.AsyncClient
) -> None:
    await _viewer(served, reader)
    answer = await reader.get("/v1/events", headers={"Origin": PAGE})
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


def _preflight(origin: str, method: str = "GET") -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization",
    }


async def test_a_browser_may_ask_first(served: Served, reader: httpx2.AsyncClient) -> None:
    await _viewer(served, reader)
    browser = await served.client()
    answer = await browser.options("/v1/events/x/proof", headers=_preflight(PAGE))
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert answer.headers["Access-Control-Allow-Methods"] == "GET"
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    ("path", "origin", "method"),
    [
        ("/v1/events", "https://other.example.com", "GET"),
        ("/v1/events", "null", "GET"),
        ("/v1/events", PAGE, "POST"),
        ("/v1/viewer-tokens", PAGE, "POST"),
        ("/v1/keys", PAGE, "GET"),
        ("/v1/stats", PAGE, "GET"),
        ("/v1/catalogue", PAGE, "GET"),
        ("/v1/logs/default/checkpoint", PAGE, "GET"),
        ("/metrics", PAGE, "GET"),
    ],
)
async def test_a_browser_is_told_of_nothing_else(
    served: Served, reader: httpx2.AsyncClient, path: str, origin: str, method: str
) -> None:
    await _viewer(served, reader)
    browser = await served.client()
    answer = await browser.options(path, headers=_preflight(origin, method))
    assert answer.status_code in (204, 404)
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_bound_key_makes_tokens_of_its_own_company(client: MakeClient) -> None:
    bound = await client("reader", company="c-1")
    answer = await bound.post("/v1/viewer-tokens", json={"origins": [PAGE]})
    assert answer.json()["company"] == "c-1"
    answer = await bound.post("/v1/viewer-tokens", json={**BODY, "company": "c-2"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [{"lifetime": 59}, {"lifetime": 3601}, {"origins": []}, {"origins": ["*"]}, {"more": 1},
     {"filters": {"session_id": ["x"]}}, {"company": None}],
)  # fmt: skip
async def test_what_cannot_be_made_is_a_problem(reader: httpx2.AsyncClient, wrong: Any) -> None:
    answer = await reader.post("/v1/viewer-tokens", json=BODY | wrong)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


async def test_tokens_are_counted_apart_from_their_key(audit: AuditLog) -> None:
    async with serve_with(audit, reads_per_minute=3) as served:
        backend = await served.client("reader")
        first = await _viewer(served, backend)
        second = await _viewer(served, backend)
        answers = [(await first.get("/v1/count")).status_code for _ in range(4)]
        assert answers == [200, 200, 200, 429]
        refused = await first.get("/v1/count")
        assert refused.headers["Access-Control-Allow-Origin"] == PAGE
        assert (await second.get("/v1/count")).status_code == 200
        assert (await backend.get("/v1/count")).status_code == 200


async def test_a_token_holds_so_many_streams_and_no_more(
    served: Served, reader: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MAX_BY_TOKEN", 2)
    token, other = [(await _viewer(served, reader)).headers["Authorization"] for _ in range(2)]
    asked = {"since": "2020-01-01T00:00:00Z"}
    async with serving(served.app_with_its_services) as client:
        client.headers |= {"Origin": PAGE, "Authorization": token}
        async with listening(client), listening(client, asked):
            refused = await client.get("/v1/stream", params=asked)
            assert refused.status_code == 429
            assert refused.json()["code"] == "rate_limited"
            assert int(refused.headers["Retry-After"]) > 0
            # Nobody else has less for that.
            async with listening(client, Authorization=other):
                pass
            async with listening(client, Authorization=reader.headers["Authorization"]):
                assert served.app.state.feeds.readers >= 3
        # Streams that ended make room.
        while served.app.state.feeds.readers:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
        async with listening(client), listening(client):
            pass


async def test_a_stream_brings_what_the_token_shows_and_ends_with_its_key(
    served: Served, audit: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "RECHECK", 0.0)
    key, text = await served.services.keyring.create("reader")
    async with serving(served.app_with_its_services) as client:
        client.headers["Authorization"] = f"Bearer {text}"
        made = (await client.post("/v1/viewer-tokens", json=BODY)).json()
        client.headers["Authorization"] = f"Bearer {made['token']}"
        async with listening(client, {"include": "wording"}, Origin=PAGE) as reader:
            await audit.log_event("user_login", context=AuditContext(company_id="c-2"))
            context = AuditContext(company_id="c-1")
            own = await audit.log_event("user_login", user_id="u-1", context=context)
            (event,) = await reader.events(1)
            assert event["id"] == own
            assert event["wording"]["sentence"].startswith("u-1 signed in")
            await served.services.keyring.revoke(key.id)
            await audit.log_event("user_login", context=context)
            assert await reader.next() == {}
