"""Appending over HTTP, and reading back by id."""

from __future__ import annotations

import httpx2

EVENT = {
    "event_type": "price_changed",
    "user_id": "u-42",
    "resource_type": "product",
    "resource_id": "p-9",
    "details": {"reason": "supplier", "password": "hunter2-secret"},
    "context": {"company_id": "c-1", "before_state": {"price": 1}, "after_state": {"price": 2}},
    "occurred_at": "2026-01-31T12:00:00+01:00",
}


async def test_an_event_is_recorded_and_read_back(
    writer: httpx2.AsyncClient, reader: httpx2.AsyncClient
) -> None:
    answer = await writer.post("/v1/events", json=EVENT)
    assert answer.status_code == 201, answer.text
    found = await reader.get(f"/v1/events/{answer.json()['id']}")
    assert found.status_code == 200
    event = found.json()
    assert event["type"] == "price_changed"
    assert event["company_id"] == "c-1"
    assert event["occurred_at"] == "2026-01-31T11:00:00.000000Z"
    assert event["changes"] == {"/price": {"op": "replace", "old": 1, "new": 2}}
    assert "hunter2-secret" not in found.text


async def test_each_event_of_an_array_has_a_result_of_its_own(writer: httpx2.AsyncClient) -> None:
    answer = await writer.post("/v1/events", json=[EVENT, {"user_id": "u-1"}, EVENT])
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [one["status"] for one in results] == [201, 400, 201]
    assert results[1]["id"] is None
    assert results[1]["problem"]["code"] == "bad_input"


async def test_nobody_writes_or_reads_without_a_key(served, writer: httpx2.AsyncClient) -> None:
    nobody = await served.client()
    for answer in (
        await nobody.post("/v1/events", json=EVENT),
        await nobody.get("/v1/events/01a21092-5e0c-764d-8ae8-c4268a432f91"),
        await nobody.post("/v1/events", json=EVENT, headers={"Authorization": "Bearer cf_x"}),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
    refused = await writer.get("/v1/events/01a21092-5e0c-764d-8ae8-c4268a432f91")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_a_tenant_sees_its_own_events_alone(client, writer: httpx2.AsyncClient) -> None:
    event_id = (await writer.post("/v1/events", json=EVENT)).json()["id"]
    own = await client("reader", company="c-1")
    other = await client("reader", company="c-2")
    assert (await own.get(f"/v1/events/{event_id}")).status_code == 200
    refused = await other.get(f"/v1/events/{event_id}")
    missing = await other.get("/v1/events/01a21092-5e0c-764d-8ae8-c4268a432f91")
    assert refused.status_code == missing.status_code == 404
    assert refused.json()["title"] == missing.json()["title"]


async def test_a_writer_claims_its_own_company_alone(client, reader: httpx2.AsyncClient) -> None:
    writer = await client("writer", company="c-2")
    refused = await writer.post("/v1/events", json=EVENT)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    answer = await writer.post("/v1/events", json={"event_type": "user_login", "user_id": "u-1"})
    found = await reader.get(f"/v1/events/{answer.json()['id']}")
    assert found.json()["company_id"] == "c-2"
