"""The server on other engines, and with a log for each company."""

from __future__ import annotations

from pathlib import Path

from counterfoil import AuditLog
from counterfoil.access import Services
from tests.postgres import postgres as postgres
from tests.postgres import postgres_url as postgres_url

from .serving import serve

EVENT = {"event_type": "user_login", "user_id": "u-1", "context": {"company_id": "c-1"}}


async def test_it_serves_a_log_in_postgresql(postgres_url: str, tmp_path: Path) -> None:
    key_file = tmp_path / "audit.key"
    async with (
        AuditLog.open(postgres_url, key_file=key_file, spool=False) as audit,
        serve(Services.of(audit)) as served,
    ):
        writer, auditor = await served.client("writer"), await served.client("auditor")
        headers = {"Idempotency-Key": "once"}
        answers = [
            await writer.post("/v1/events", json=[EVENT, EVENT], headers=headers) for _ in range(2)
        ]
        assert answers[0].json() == answers[1].json()
        assert (await auditor.get("/v1/count", params={"user_id": "u-1"})).json() == {"count": 2}
        event_id = answers[0].json()["results"][0]["id"]
        assert (await auditor.get(f"/v1/events/{event_id}/proof")).status_code == 200
        assert (await auditor.post("/v1/verify", json={"processes": 0})).json()["ok"]
        assert (await auditor.get("/readyz")).status_code == 200
        assert "counterfoil_verify_ok 1.0" in (await auditor.get("/metrics")).text


async def test_a_company_checks_its_own_log_whole(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'audit.db'}"
    async with (
        AuditLog.open(url, log_per_company=True) as audit,
        serve(Services.of(audit)) as served,
    ):
        writer = await served.client("writer")
        other = {**EVENT, "context": {"company_id": "c-2"}}
        answer = await writer.post("/v1/events", json=[EVENT, other])
        mine, theirs = (one["id"] for one in answer.json()["results"])
        tenant = await served.client("auditor", company="c-1")
        page = (await tenant.get("/v1/events", params={"event_type": "user_login"})).json()
        assert [event["id"] for event in page["events"]] == [mine]
        assert (await tenant.get(f"/v1/events/{theirs}")).status_code == 404
        log = page["events"][0]["log"]
        assert (await tenant.get("/v1/checkpoint")).json()["log"] == log
        assert (await tenant.get(f"/v1/logs/{log}/tile/entries/000.p/1")).status_code == 200
        report = await tenant.post("/v1/verify", json={"log": log, "processes": 0})
        assert report.json()["ok"], report.text
        foreign = await audit.company_log("c-2")
        for path in (f"/v1/logs/{foreign}/checkpoint", f"/v1/logs/{foreign}/tile/0/000.p/1"):
            assert (await tenant.get(path)).status_code == 403
        everybody = await served.client("reader")
        asked = {"event_type": "user_login"}
        assert (await everybody.get("/v1/count", params=asked)).json() == {"count": 2}
