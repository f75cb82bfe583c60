"""Batches, drafts, repeats, and bodies that are not what they should be."""

from __future__ import annotations

import gzip
import json
import random
from typing import Any

import httpx2
import orjson
import pytest

from counterfoil import AuditLog
from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.record import Draft
from counterfoil.record.spooled import encode

from .serving import Served, serve_with

LOGIN = {"event_type": "user_login", "user_id": "u-1", "context": {"company_id": "c-1"}}
NDJSON = {"Content-Type": "application/x-ndjson"}
DRAFTS = {"Content-Type": "application/vnd.counterfoil.drafts+ndjson"}


def lines(*events: Any) -> bytes:
    return b"\n".join(orjson.dumps(event) for event in events) + b"\n"


def a_draft(**fields: Any) -> Draft:
    now = SYSTEM_CLOCK.now()
    draft = Draft("user_login", SYSTEM_CLOCK.event_id(), now, level="info", outcome="success")
    draft.user_id, draft.company_id, draft.named = "u-1", "c-1", frozenset({"event_id"})
    for name, value in fields.items():
        setattr(draft, name, value)
    return draft


async def test_lines_are_recorded_in_their_order(
    writer: httpx2.AsyncClient, audit: AuditLog
) -> None:
    body = lines(*({**LOGIN, "user_id": f"u-{number}"} for number in range(250)))
    answer = await writer.post("/v1/events", content=body, headers=NDJSON)
    results = answer.json()["results"]
    assert {one["status"] for one in results} == {201}
    page = await audit.query(event_type="user_login", order="oldest", limit=1000)
    assert [event.user_id for event in page] == [f"u-{number}" for number in range(250)]
    assert [event.id for event in page] == [one["id"] for one in results]


async def test_a_bad_line_does_not_stop_the_others(writer: httpx2.AsyncClient) -> None:
    body = lines(LOGIN) + b"\n{oops\n[1]\n" + lines({**LOGIN, "event_id": "7"}, LOGIN)
    answer = await writer.post("/v1/events", content=body, headers=NDJSON)
    told = [(one["status"], one.get("problem", {}).get("code")) for one in answer.json()["results"]]
    assert told == [
        (201, None),
        (400, "bad_json"),
        (400, "bad_input"),
        (400, "bad_event_id"),
        (201, None),
    ]


async def test_a_repeated_request_is_recorded_once(
    writer: httpx2.AsyncClient, audit: AuditLog
) -> None:
    headers = {"Idempotency-Key": "order-77"}
    first = await writer.post("/v1/events", json=[LOGIN, LOGIN], headers=headers)
    again = await writer.post("/v1/events", json=[LOGIN, LOGIN], headers=headers)
    assert first.json() == again.json()
    assert await audit.count(event_type="user_login") == 2
    other = await writer.post("/v1/events", json=[LOGIN], headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    for malformed in ("two words", "", "x" * 256, "a\tb"):
        refused = await writer.post(
            "/v1/events", json=LOGIN, headers={"Idempotency-Key": malformed}
        )
        assert refused.status_code == 400


async def test_keys_of_others_are_their_own(served: Served, writer: httpx2.AsyncClient) -> None:
    other = await served.client("writer")
    headers = {"Idempotency-Key": "order-77"}
    answers = [
        (await one.post("/v1/events", json=LOGIN, headers=headers)).json()["id"]
        for one in (writer, other)
    ]
    assert answers[0] != answers[1]


async def test_an_id_with_other_content_is_a_conflict(writer: httpx2.AsyncClient) -> None:
    event = {**LOGIN, "event_id": SYSTEM_CLOCK.event_id()}
    assert (await writer.post("/v1/events", json=event)).status_code == 201
    assert (await writer.post("/v1/events", json=event)).status_code == 201
    refused = await writer.post("/v1/events", json={**event, "user_id": "u-2"})
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "conflict")
    assert (problem["event_id"], problem["outcome_known"]) == (event["event_id"], True)


async def test_drafts_are_recorded_as_the_client_finished_them(
    writer: httpx2.AsyncClient, audit: AuditLog
) -> None:
    draft = a_draft(details={"reason": "x", "token": "cf-secret-9"}, session_id="[redacted:x:k1:0]")
    draft.expires_days = draft.decays_days = 7
    for _ in range(2):
        answer = await writer.post("/v1/events", content=encode(draft), headers=DRAFTS)
        assert answer.json()["results"] == [{"status": 201, "id": draft.event_id}]
    event = await audit.get(draft.event_id)
    assert event.user_id == "u-1"
    assert event.expires_at is not None
    assert (event.expires_at - event.recorded_at).days == 7
    assert b"cf-secret-9" not in b"".join(item.value for item in event.disclosures)
    assert await audit.count(event_type="user_login") == 1


async def test_what_a_client_may_not_claim_is_refused(client, audit: AuditLog) -> None:
    writer = await client("writer", company="c-1", logs=["default"])
    drafts = [
        a_draft(company_id="c-2"),
        a_draft(log="other"),
        a_draft(event_type="audit.key", audit={"kind": "forged"}),
        a_draft(audit={"kind": "forged"}),
        a_draft(event_id="0b1d5b0e-0000-4000-8000-000000000000"),
    ]
    body = b"\n".join([*map(encode, drafts), b"{}", b"nothing"])
    answer = await writer.post("/v1/events", content=body, headers=DRAFTS)
    statuses = [one["status"] for one in answer.json()["results"]]
    assert statuses == [403, 403, 403, 403, 400, 400, 400]
    assert await audit.count(event_type="audit.key") == 1  # the writer's own


async def test_a_client_reports_what_it_could_not_keep(client, audit: AuditLog) -> None:
    writer = await client("writer", company="c-1")
    gap = a_draft(event_type="audit.gap", audit={"kind": "not_kept", "events": 3}, user_id=None)
    answer = await writer.post("/v1/events", content=encode(gap), headers=DRAFTS)
    assert answer.json()["results"][0]["status"] == 201
    event = await audit.get(gap.event_id)
    assert event.audit == {"kind": "not_kept", "events": 3}
    assert event.company_id == "c-1"
    assert event.notes


@pytest.mark.parametrize(
    ("bound", "claimed", "log"),
    [
        ({"logs": ["orders"]}, {"company_id": None, "log": "default"}, "orders"),
        ({"logs": ["orders", "bills"]}, {"company_id": None, "log": ""}, "bills"),
        ({"logs": ["bills", "default"]}, {"company_id": None, "log": "orders"}, "default"),
        ({"company": "c-1"}, {"company_id": "c-2", "log": ""}, "default"),
        ({"company": "c-1", "logs": ["orders"]}, {"company_id": "c-2", "log": "bills"}, "orders"),
    ],
)
async def test_what_was_lost_is_told_where_the_key_may_write(
    client, audit: AuditLog, bound: dict[str, Any], claimed: dict[str, Any], log: str
) -> None:
    writer = await client("writer", **bound)
    gap = a_draft(event_type="audit.gap", audit={"kind": "lost", "count": 3}, **claimed)
    for _ in range(2):
        answer = await writer.post("/v1/events", content=encode(gap), headers=DRAFTS)
        assert answer.json()["results"] == [{"status": 201, "id": gap.event_id}]
    event = await audit.get(gap.event_id)
    assert (event.log, event.company_id) == (log, bound.get("company"))
    assert event.audit == gap.audit
    plain = a_draft(**claimed)
    answer = await writer.post("/v1/events", content=encode(plain), headers=DRAFTS)
    assert answer.json()["results"][0]["status"] == 403


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({"Content-Type": "text/plain"}, b"{}", 415, "unsupported_media_type"),
        ({}, b"", 415, "unsupported_media_type"),
        ({"Content-Type": "application/json"}, b"", 400, "bad_json"),
        ({"Content-Type": "application/json"}, b"{", 400, "bad_json"),
        ({"Content-Type": "application/json"}, b"\xff\xfe", 400, "bad_json"),
        ({"Content-Type": "application/json"}, b"[" * 100_000, 400, "bad_json"),
        ({"Content-Type": "application/json"}, b"[]", 400, "bad_request"),
        ({"Content-Type": "application/json"}, b"7", 400, "bad_input"),
        ({"Content-Type": "application/json"}, b"null", 400, "bad_input"),
        ({"Content-Type": "application/json"}, b'{"event_type":7}', 400, "bad_input"),
        (NDJSON, b"\n \n", 400, "bad_request"),
        (NDJSON, b"{}\n" * 1001, 413, "too_many_events"),
        ({"Content-Type": "application/json"}, b"[" + b" " * 300_000, 413, "too_large"),
        ({**NDJSON, "Content-Encoding": "br"}, b"x", 415, "unsupported_encoding"),
        ({**NDJSON, "Content-Encoding": "gzip"}, b"x", 400, "bad_request"),
        ({**NDJSON, "Content-Encoding": "gzip"}, gzip.compress(b"x")[:-9], 400, "bad_request"),
        ({**NDJSON, "Content-Encoding": "gzip"}, gzip.compress(b" " * 9_000_000), 413, "too_large"),
        (
            {**NDJSON, "Content-Encoding": "gzip"},
            gzip.compress(b"") * 1_000 + gzip.compress(lines(LOGIN)),
            400,
            "bad_request",
        ),
    ],
)  # fmt: skip
async def test_a_bad_body_is_a_problem(
    audit: AuditLog, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    async with serve_with(audit, max_body=262_144) as served:
        writer = await served.client("writer")
        answer = await writer.post("/v1/events", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_deep_json_is_recorded_within_bounds(writer: httpx2.AsyncClient) -> None:
    deep = '{"event_type":"user_login","details":{"a":' + "[" * 900 + "]" * 900 + "}}"
    answer = await writer.post(
        "/v1/events", content=deep, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 201, answer.text


async def test_packed_bodies_are_taken(writer: httpx2.AsyncClient) -> None:
    # Longer than what is unpacked at a time, and a member that ends within it.
    noise = {**LOGIN, "details": {"note": random.Random(7).randbytes(100_000).hex()}}
    packed = gzip.compress(lines(LOGIN)) + gzip.compress(lines(noise))
    answer = await writer.post(
        "/v1/events", content=packed, headers={**NDJSON, "Content-Encoding": "gzip"}
    )
    assert len(answer.json()["results"]) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_type": None},
        {"user_id": 7},
        {"details": []},
        {"details": "x"},
        {"level": "fatal"},
        {"outcome": "maybe"},
        {"occurred_at": "yesterday"},
        {"occurred_at": "2026-01-31T12:00:00"},
        {"occurred_at": 7},
        {"subjects": "u-1"},
        {"subjects": [7]},
        {"context": []},
        {"context": {"company_id": 7}},
        {"context": {"details": {}}},
        {"context": {"before_state": "x"}},
        {"options": {"retention_period": "90"}},
        {"options": {"anonymize_data": 1}},
        {"options": {"sensitive_fields": "a"}},
        {"log": "Not A Log"},
        {"unknown": 1},
    ],
)
async def test_a_field_of_another_type_is_refused(
    writer: httpx2.AsyncClient, audit: AuditLog, wrong: dict[str, Any]
) -> None:
    answer = await writer.post("/v1/events", json={**LOGIN, **wrong})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_input"), answer.text
    assert await audit.count(event_type="user_login") == 0


async def test_a_refusal_holds_no_value_of_the_event(writer: httpx2.AsyncClient) -> None:
    secret = "hunter2-in-the-wrong-place"
    for body in ({**LOGIN, secret: 1}, {**LOGIN, "level": secret}, {**LOGIN, "user_id": [secret]}):
        answer = await writer.post("/v1/events", content=json.dumps(body),
                                   headers={"Content-Type": "application/json"})  # fmt: skip
        assert answer.status_code == 400
        assert secret not in answer.text
