"""Health, metrics, limits and headers: what every answer has, and what is refused."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from pathlib import Path

import httpx2
import pytest

from counterfoil import AuditLog

from .serving import Served, serve_with

LOGIN = {"event_type": "user_login", "user_id": "u-1"}


async def test_every_answer_has_its_id_and_its_headers(served: Served) -> None:
    nobody = await served.client()
    for path in ("/healthz", "/v1/events", "/nowhere", "/docs", "/openapi.json"):
        answer = await nobody.get(path, headers={"X-Request-ID": "req-7"})
        assert answer.headers["x-request-id"] == "req-7"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "strict-transport-security" not in answer.headers
    made = await nobody.get("/healthz", headers={"X-Request-ID": "a b"})
    assert len(made.headers["x-request-id"]) == 36


async def test_https_is_kept_to_where_it_is_set(audit: AuditLog) -> None:
    async with serve_with(audit, https=True) as served:
        answer = await (await served.client()).get("/healthz")
    assert answer.headers["strict-transport-security"].startswith("max-age=")


async def test_what_no_path_or_method_takes_is_a_problem(served: Served) -> None:
    nobody = await served.client()
    missing = await nobody.get("/v1/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "no_such_path")
    refused = await nobody.delete("/v1/events")
    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")
    assert refused.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_head_is_answered_as_get_without_the_body(
    served: Served, reader: httpx2.AsyncClient
) -> None:
    for path in ("/healthz", "/docs", "/v1/events", "/v1/events/no-id", "/nowhere"):
        whole = await reader.get(path)
        head = await reader.head(path)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        assert head.headers["content-type"] == whole.headers["content-type"]
    assert (await reader.head("/v1/keys/x/revoke")).status_code == 405
    endless = await reader.head("/v1/stream")
    assert (endless.status_code, endless.content) == (200, b"")
    assert endless.headers["content-type"].startswith("text/event-stream")


async def test_options_tells_what_a_path_takes(served: Served) -> None:
    nobody = await served.client()
    answer = await nobody.options("/v1/events")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert (await nobody.options("/nowhere")).status_code == 404


async def test_readiness_follows_the_database_and_the_end(audit: AuditLog, served: Served) -> None:
    nobody = await served.client()
    assert (await nobody.get("/readyz")).json() == {"status": "ok"}
    served.services.closing.set()
    ending = await nobody.get("/readyz")
    assert (ending.status_code, ending.json()["code"]) == (503, "not_ready")
    served.services.closing.clear()
    await audit.close()
    away = await nobody.get("/readyz")
    assert (away.status_code, away.json()["code"]) == (503, "not_ready")
    assert (await nobody.get("/healthz")).status_code == 200


async def test_metrics_tell_what_came_in(served: Served, client) -> None:
    writer, reader = await client("writer"), await client("reader")
    await writer.post("/v1/events", json=[LOGIN, LOGIN, {}])
    text = (await reader.get("/metrics")).text
    for line in (
        'counterfoil_events_total{result="recorded"} 2.0',
        'counterfoil_events_total{result="refused"} 1.0',
        "counterfoil_queue_events 0.0",
        "counterfoil_spool_events 0.0",
        "counterfoil_outbox_events 0.0",
        "counterfoil_text_index_lag_events NaN",
        "counterfoil_outbox_age_seconds 0.0",
        "counterfoil_commit_seconds_count 1.0",
        "counterfoil_purged_events_total 0.0",
        "counterfoil_verify_age_seconds NaN",
        'counterfoil_requests_total{method="POST",route="/v1/events",status="200"} 1.0',
    ):
        assert line in text.splitlines(), line
    auditor = await client("auditor")
    await auditor.post("/v1/verify", json={"processes": 0})
    text = (await reader.get("/metrics")).text
    assert "counterfoil_verify_ok 1.0" in text.splitlines()


async def test_metrics_tell_how_far_the_text_index_is_behind(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'indexed.db'}"
    async with (
        AuditLog.open(url, text_index=True) as audit,
        serve_with(audit) as served,
    ):
        reader = await served.client("reader")
        indexer = audit.host.indexer
        assert indexer is not None
        await indexer.close()
        await indexer.index.open()
        before = await indexer.behind()
        await audit.log_event("user_login", "u-1")
        lines = (await reader.get("/metrics")).text.splitlines()
        assert f"counterfoil_text_index_lag_events {before + 1}.0" in lines
        await indexer.index.close()
        lines = (await reader.get("/metrics")).text.splitlines()
        assert "counterfoil_text_index_lag_events NaN" in lines


async def test_metrics_tell_of_an_outbox_that_is_stuck(
    audit: AuditLog, served: Served, client, tmp_path: Path
) -> None:
    place = tmp_path / "shop.db"
    shop = sqlite3.connect(place)
    await audit.create_outbox(shop)
    shop.execute("INSERT INTO counterfoil_outbox (draft, refused) VALUES (x'00', 'unreadable')")
    await audit.log_event("price_changed", "u-1", connection=shop)
    shop.commit()
    audit.relay(lambda: sqlite3.connect(place))
    reader = await client("reader")
    lines = (await reader.get("/metrics")).text.splitlines()
    assert "counterfoil_outbox_events 1.0" in lines
    assert "counterfoil_outbox_refused_events 1.0" in lines
    (age,) = [line for line in lines if line.startswith("counterfoil_outbox_age_seconds ")]
    assert 0 < float(age.split()[1]) < 3600
    shop.execute("DROP TABLE counterfoil_outbox")
    shop.commit()
    shop.close()
    lines = (await reader.get("/metrics")).text.splitlines()
    for name in ("events", "age_seconds", "refused_events"):
        assert f"counterfoil_outbox_{name} NaN" in lines


async def test_metrics_are_for_those_who_may(audit: AuditLog, served: Served, client) -> None:
    assert (await (await client("reader", company="c-1")).get("/metrics")).status_code == 403
    assert (await (await client("writer")).get("/metrics")).status_code == 403
    assert (await (await served.client()).get("/metrics")).status_code == 401
    async with serve_with(audit, metrics="open") as other:
        assert (await (await other.client()).get("/metrics")).status_code == 200
    async with serve_with(audit, metrics="off") as other:
        assert (await (await other.client("admin")).get("/metrics")).status_code == 404


async def test_too_many_requests_of_a_key_are_refused(audit: AuditLog) -> None:
    async with serve_with(audit, reads_per_minute=3) as served:
        reader, other = await served.client("reader"), await served.client("reader")
        answers = [await reader.get("/v1/count") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
        assert answers[0].headers["ratelimit-limit"] == "3"
        assert answers[0].headers["ratelimit-policy"] == "3;w=60"
        assert 1 <= int(answers[3].headers["retry-after"]) <= 60
        assert answers[3].json()["code"] == "rate_limited"
        assert (await other.get("/v1/count")).status_code == 200


async def test_guessing_is_slowed_down(served: Served, client) -> None:
    nobody = await served.client()
    wrong = {"Authorization": "Bearer cf_nothing"}
    codes = [(await nobody.get("/v1/count", headers=wrong)).status_code for _ in range(32)]
    assert codes == [401] * 30 + [429] * 2
    refused = await nobody.get("/v1/count", headers=wrong)
    assert 1 <= int(refused.headers["retry-after"]) <= 60


async def test_a_valid_key_is_let_in_from_where_others_fail(served: Served) -> None:
    nobody = await served.client()
    wrong = {"Authorization": "Bearer cf_nothing"}
    codes = [(await nobody.get("/v1/count", headers=wrong)).status_code for _ in range(31)]
    assert codes[-1] == 429
    for holder in (await served.client("reader"), await served.viewer(company="c-1")):
        assert (await holder.get("/v1/count")).status_code == 200


async def test_addresses_behind_a_proxy_are_told_apart(audit: AuditLog) -> None:
    async with serve_with(audit, trusted_proxies=("127.0.0.1",)) as served:
        nobody = await served.client()
        wrong = {"Authorization": "Bearer cf_nothing", "X-Forwarded-For": "192.0.2.1"}
        for _ in range(30):
            await nobody.get("/v1/count", headers=wrong)
        assert (await nobody.get("/v1/count", headers=wrong)).status_code == 429
        wrong["X-Forwarded-For"] = "192.0.2.2"
        assert (await nobody.get("/v1/count", headers=wrong)).status_code == 401


async def test_large_answers_are_packed(audit: AuditLog, reader: httpx2.AsyncClient) -> None:
    for _ in range(20):
        await audit.log_event("user_login", user_id="u-1")
    answer = await reader.get("/v1/events", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()["events"]) >= 20
    plain = await reader.get("/v1/events", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize("path", ["/v1/keys", "/v1/verify"])
async def test_small_bodies_are_kept_small(admin: httpx2.AsyncClient, path: str) -> None:
    headers = {"Content-Type": "application/json"}
    for body, status in ((b" " * 70_000, 413), (b"[" * 60_000, 400), (b"\xff", 400), (b"{", 400)):
        answer = await admin.post(path, content=body, headers=headers)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_slow_body_is_given_up(audit: AuditLog) -> None:
    async def dripping():
        yield b"{"
        await asyncio.Event().wait()

    headers = {"Content-Type": "application/json"}
    async with serve_with(audit, body_timeout=0.05) as served:
        for role, path in (("writer", "/v1/events"), ("admin", "/v1/keys")):
            client = await served.client(role)
            answer = await client.post(path, content=dripping(), headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (408, "body_timeout"), path


async def test_a_fault_is_a_problem_without_its_words(
    served: Served, reader: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    async def fails(*_: object, **__: object) -> None:
        raise RuntimeError("secret-of-the-event")

    monkeypatch.setattr("counterfoil.access.scoped_log.ScopedLog.count", fails)
    answer = await reader.get("/v1/count")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret-of-the-event" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text


async def test_log_lines_hold_no_query_and_no_key(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    key, text = await served.services.keyring.create("reader")
    nobody = await served.client()
    await nobody.get(
        "/v1/events",
        params={"user_id": "u-of-a-person"},
        headers={"Authorization": f"Bearer {text}"},
    )
    (line,) = [one for one in caplog.records if one.message == "request"]
    assert vars(line)["key"] == key.id
    assert vars(line)["route"] == "/v1/events"
    ours = [one for one in caplog.records if one.name.startswith("counterfoil")]
    told = "".join(f"{one.message}{vars(one)}" for one in ours)
    assert "u-of-a-person" not in told
    assert text not in told
