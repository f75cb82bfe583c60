"""Questions over HTTP: filters, pages, counts, time lines, the session, statistics."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx2
import pytest

from counterfoil import AuditContext, AuditLog
from counterfoil.record import Event

from .serving import Served


async def record(audit: AuditLog, count: int = 5, company: str = "c-1") -> list[str]:
    return [
        await audit.log_event(
            "price_changed",
            user_id=f"u-{number}",
            resource_type="product",
            resource_id="p-9",
            details={"number": number, "reason": "supplier"},
            context=AuditContext(company_id=company),
        )
        for number in range(count)
    ]


async def test_pages_follow_each_other(audit: AuditLog, reader: httpx2.AsyncClient) -> None:
    ids = await record(audit)
    for order in ("newest", "oldest"):
        found: list[str] = []
        asked = {"order": order, "limit": "2", "event_type": "price_changed"}
        while True:
            page = (await reader.get("/v1/events", params=asked)).json()
            found += [event["id"] for event in page["events"]]
            if page["next_cursor"] is None:
                break
            asked["cursor"] = page["next_cursor"]
        assert found == (ids if order == "oldest" else ids[::-1])


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"user_id": ["u-1", "u-2"]}, 2),
        ({"details": '{"number":3}'}, 1),
        ({"text": "supplier", "user_id": "u-1"}, 1),
        ({"exclude": "user_id=u-1", "event_type": "price_changed"}, 4),
        ({"since": "2020-01-01T00:00:00Z", "resource_id": "p-9"}, 5),
        ({"until": "2020-01-01T00:00:00Z"}, 0),
        ({"min_level": "critical", "event_type": "price_changed"}, 0),
        ({"company_id": "c-9"}, 0),
        ({"occurred_since": "2020-01-01T00:00:00+01:00", "user_id": "u-1"}, 1),
    ],
)
async def test_filters_are_the_library_s(
    audit: AuditLog, reader: httpx2.AsyncClient, asked: dict[str, str], count: int
) -> None:
    await record(audit)
    page = await reader.get("/v1/events", params=asked)
    assert page.status_code == 200, page.text
    assert len(page.json()["events"]) == count
    assert (await reader.get("/v1/count", params=asked)).json() == {"count": count}


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("events", {"limit": "0"}),
        ("events", {"limit": "1001"}),
        ("events", {"cursor": "x"}),
        ("events", {"since": "yesterday"}),
        ("events", {"details": "{"}),
        ("events", {"details": "[]"}),
        ("events", {"exclude": "nothing"}),
        ("events", {"exclude": "level=1"}),
        ("events", {"level": "fatal"}),
        ("events", {"event_type": "Not A Type"}),
        ("events", {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}),
        ("events/not-an-id", {}),
        ("timeline", {"unit": "year"}),
        ("timeline", {"by": "user"}),
        ("consistency", {"old": "x"}),
        ("stream", {"after": "x"}),
    ],
)
async def test_a_bad_question_is_a_problem(
    reader: httpx2.AsyncClient, path: str, asked: dict[str, str]
) -> None:
    answer = await reader.get(f"/v1/{path}", params=asked)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"].startswith("bad_")


async def test_evidence_is_what_an_event_is_decoded_from(
    audit: AuditLog, reader: httpx2.AsyncClient
) -> None:
    (event_id,) = await record(audit, 1)
    event = await audit.get(event_id)
    shown = (await reader.get(f"/v1/events/{event_id}", params={"include": "evidence"})).json()
    assert shown["entry"].encode() == event.entry
    assert shown["disclosures"] == [item.text() for item in event.disclosures]
    (listed,) = (
        await reader.get("/v1/events", params={"include": "evidence", "user_id": "u-0"})
    ).json()["events"]
    assert listed == shown


async def test_a_time_line_counts(audit: AuditLog, reader: httpx2.AsyncClient) -> None:
    await record(audit, 3)
    today = datetime.now(UTC).strftime("%Y-%m-%dT00:00:00.000000Z")
    asked = {"by": ["type", "company_id"], "event_type": "price_changed"}
    found = (await reader.get("/v1/timeline", params=asked)).json()
    assert found["total"] == 3
    assert found["buckets"][-1]["start"] <= today
    groups = [group for bucket in found["buckets"] for group in bucket["groups"]]
    assert sum(group["count"] for group in groups) == 3
    assert groups[0]["group"] == ["price_changed", "c-1"]


async def test_the_session_says_who_the_key_is(client, audit: AuditLog) -> None:
    writer = await client("writer", company="c-1", name="shop")
    told = (await writer.get("/v1/session")).json()
    assert told["key"]["role"] == "writer"
    assert told["key"]["company"] == "c-1"
    assert told["database"] == audit.host.database
    assert told["catalogue"]["profile"] == "baseline"
    assert told["limits"]["events"] == 1000


async def test_token_keys_are_a_company_s_own(client, audit: AuditLog) -> None:
    bound, free = await client("writer", company="c-1"), await client("writer")
    mine = (await bound.get("/v1/token-keys")).json()
    assert mine == (await free.get("/v1/token-keys", params={"company": "c-1"})).json()
    assert mine != (await free.get("/v1/token-keys")).json()
    assert (await bound.get("/v1/token-keys", params={"company": "c-2"})).status_code == 403
    reader = await client("reader")
    assert (await reader.get("/v1/token-keys")).status_code == 403


async def test_reading_is_recorded_once_in_a_while(
    audit: AuditLog, served: Served, reader: httpx2.AsyncClient
) -> None:
    await record(audit, 3)
    for number in range(3):
        await reader.get("/v1/events", params={"user_id": f"u-{number}"})
    reads = await audit.query(event_type="audit.read", order="oldest")
    assert [event.audit["requests"] for event in reads if event.audit] == [1]
    await served.services.trail.flush()
    reads = await audit.query(event_type="audit.read", order="oldest")
    first, rest = [_facts(event) for event in reads]
    assert (first["requests"], rest["requests"], rest["events"]) == (1, 2, 2)
    assert reads.events[1].details == {"questions": [{"user_id": ["u-1"]}, {"user_id": ["u-2"]}]}


def _facts(event: Event) -> dict[str, object]:
    assert event.audit is not None
    return event.audit


async def test_statistics_are_about_all_companies(client, audit: AuditLog) -> None:
    await record(audit, 2)
    told = (await (await client("admin")).get("/v1/stats")).json()
    assert told["logs"][0]["name"] == "default"
    assert told["logs"][0]["size"] >= 2
    bound = await client("admin", company="c-1")
    assert (await bound.get("/v1/stats")).status_code == 403


async def test_the_catalogue_has_every_type(reader: httpx2.AsyncClient) -> None:
    told = (await reader.get("/v1/catalogue")).json()
    assert told["types"]["user_login"]["on_failure"] in ("block", "spool")
    assert told["profile"] == "baseline"


@pytest.mark.parametrize(
    "question", ["events?usr_id=u-1", "count?usr_id=u-1", "timeline?user_id=u-1", "stream?limit=1"]
)
async def test_a_filter_that_there_is_not_is_refused_and_widens_nothing(
    reader: httpx2.AsyncClient, question: str
) -> None:
    refused = await reader.get(f"/v1/{question}")
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
    assert "event_type" in refused.json()["detail"]
    assert "usr_id" not in refused.text
