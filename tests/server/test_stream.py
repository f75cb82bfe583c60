"""The live stream: shared, resumed, ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from counterfoil import AuditContext, AuditLog
from counterfoil.server import feed as feeds_module
from tests.capture.serving import serving

from .serving import Served
from .test_reading import record


class Reader:
    """What a stream says, event by event."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self) -> dict[str, str]:
        """The next block that is more than a sign of life."""
        found: dict[str, str] = {}
        async for line in self._lines:
            if not line and set(found) - {"retry"}:
                return found
            name, _, value = line.partition(":")
            if name:
                found[name] = value.removeprefix(" ")
        return {}

    async def events(self, count: int) -> list[dict[str, Any]]:
        return [json.loads((await self.next())["data"]) for _ in range(count)]


@asynccontextmanager
async def listening(
    client: httpx2.AsyncClient, asked: dict[str, str] | None = None, **headers: str
) -> AsyncIterator[Reader]:
    async with client.stream("GET", "/v1/stream", params=asked, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Reader(answer)


@pytest.fixture
async def http(served: Served) -> AsyncIterator[httpx2.AsyncClient]:
    """A reader over a real connection, since a stream has no end."""
    _, text = await served.services.keyring.create("reader")
    async with serving(served.app_with_its_services) as client:
        client.headers["Authorization"] = f"Bearer {text}"
        yield client


async def test_readers_share_what_one_follow_reads(
    audit: AuditLog, served: Served, http: httpx2.AsyncClient
) -> None:
    asked = {"event_type": "price_changed"}
    async with listening(http, asked) as one, listening(http, asked) as other:
        feeds = served.app.state.feeds
        assert (feeds.readers, len(feeds._feeds)) == (2, 1)
        ids = await record(audit, 5)
        for reader in (one, other):
            assert [event["id"] for event in await reader.events(5)] == ids


async def test_a_reader_goes_on_where_it_was(audit: AuditLog, http: httpx2.AsyncClient) -> None:
    asked = {"event_type": "price_changed"}
    async with listening(http, asked) as reader:
        first = await record(audit, 2)
        assert json.loads((await reader.next())["data"])["id"] == first[0]
        place = (await reader.next())["id"]
    missed = await record(audit, 3)
    async with listening(http, asked, **{"Last-Event-ID": place}) as reader:
        later = await record(audit, 1)
        assert [event["id"] for event in await reader.events(4)] == [*missed, *later]
    async with listening(http, {**asked, "after": place}) as reader:
        assert [event["id"] for event in await reader.events(4)] == [*missed, *later]
    refused = await http.get("/v1/stream", params={"after": place})
    assert refused.json()["code"] == "bad_cursor"


async def test_a_reader_who_falls_behind_catches_up(
    audit: AuditLog, http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds_module, "KEPT", 3)
    asked = {"event_type": "price_changed", "since": "2020-01-01T00:00:00Z"}
    first = await record(audit, 4)
    async with listening(http, asked) as reader:
        ids = first + await record(audit, 20)
        assert [event["id"] for event in await reader.events(24)] == ids


async def test_an_end_is_told(audit: AuditLog, http: httpx2.AsyncClient) -> None:
    asked = {"since": "2020-01-01T00:00:00Z", "until": "2020-01-02T00:00:00Z"}
    async with listening(http, asked) as reader:
        await record(audit, 1)
        assert (await reader.next())["event"] == "end"


async def test_tenants_hear_their_own_alone(audit: AuditLog, served: Served) -> None:
    _, text = await served.services.keyring.create("reader", company="c-1")
    async with serving(served.app_with_its_services) as client:
        client.headers["Authorization"] = f"Bearer {text}"
        async with listening(client) as reader:
            await audit.log_event("user_login", context=AuditContext(company_id="c-2"))
            (mine,) = await record(audit, 1)
            heard: list[str] = []
            while mine not in heard:
                (event,) = await reader.events(1)
                assert event["company_id"] == "c-1"
                heard.append(event["id"])


async def test_streams_end_with_the_server(
    audit: AuditLog, served: Served, http: httpx2.AsyncClient
) -> None:
    async with listening(http) as reader:
        served.services.closing.set()
        async with asyncio.timeout(10):
            while await reader.next():
                pass
    assert served.app.state.feeds.readers == 0
