"""Proofs and the tree over HTTP, checked by the library's own verifier, offline."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import httpx2

from counterfoil import AuditContext, AuditLog
from counterfoil.access import Services
from counterfoil.proof import (
    Checkpoint,
    ProofFile,
    TileId,
    VerifierKey,
    leaf_hash,
    root_from_tiles,
    verify_consistency,
)

from .serving import serve
from .test_reading import record


async def test_a_proof_is_checked_offline(audit: AuditLog, reader: httpx2.AsyncClient) -> None:
    ids = await record(audit, 5)
    told = (await reader.get(f"/v1/events/{ids[2]}/proof")).json()
    key = VerifierKey.parse(told["checkpoint"]["verifier_key"])
    proven = ProofFile.parse(told["tlog_proof"].encode()).verify(key)
    assert ids[2].encode() in proven.entry
    assert told["disclosures"]


async def test_growth_is_proved(audit: AuditLog, reader: httpx2.AsyncClient) -> None:
    await record(audit, 3)
    old = (await reader.get("/v1/checkpoint")).json()
    await record(audit, 300)
    new = (await reader.get("/v1/logs/default/checkpoint")).content
    key = VerifierKey.parse(old["verifier_key"])
    first, second = Checkpoint.open(old["note"].encode(), key), Checkpoint.open(new, key)
    asked = {"old": first.size, "new": second.size}
    told = (await reader.get("/v1/consistency", params=asked)).json()
    hashes = [b64decode(text) for text in told["hashes"]]
    verify_consistency(first.size, first.root, second.size, second.root, hashes)


async def test_the_tree_is_rebuilt_from_tiles(audit: AuditLog, client) -> None:
    await record(audit, 300)
    reader = await client("auditor")
    told = (await reader.get("/v1/checkpoint")).json()
    fetched: dict[TileId, bytes] = {}
    size = told["size"]
    for tile in [TileId(0, 0), TileId(0, 1, size - 256), TileId(1, 0, 1)]:
        answer = await reader.get(f"/v1/logs/default/{tile.path}")
        assert answer.status_code == 200, answer.text
        assert ("immutable" in answer.headers["cache-control"]) == (tile.width == 256)
        fetched[tile] = answer.content
    assert root_from_tiles(size, fetched.__getitem__).hex() == told["root"]
    bundle = (await reader.get("/v1/logs/default/tile/entries/000")).content
    leaves = []
    while bundle:
        length = int.from_bytes(bundle[:2])
        leaves.append(leaf_hash(bundle[2 : 2 + length]))
        bundle = bundle[2 + length :]
    assert b"".join(leaves) == fetched[TileId(0, 0)]


async def test_what_is_no_tile_is_not_there(audit: AuditLog, reader: httpx2.AsyncClient) -> None:
    await record(audit, 3)
    for path in ("tile/0/000", "tile/0/001.p/1", "tile/x", "tile/0/0", "tile/entries/000", "tile/"):
        assert (await reader.get(f"/v1/logs/default/{path}")).status_code == 404, path
    assert (await reader.get("/v1/logs/other/checkpoint")).status_code == 404


async def test_entries_of_other_companies_are_nobody_s(audit: AuditLog, client) -> None:
    await audit.log_event("user_login", context=AuditContext(company_id="c-2"))
    tenant = await client("auditor", company="c-1")
    assert (await tenant.get("/v1/logs/default/tile/entries/000.p/1")).status_code == 403
    assert (await tenant.get("/v1/logs/other/tile/0/000.p/1")).status_code == 403
    assert (await tenant.get("/v1/logs/default/tile/0/000.p/1")).status_code == 200


async def test_a_verification_is_remembered(audit: AuditLog, client) -> None:
    await record(audit, 3)
    auditor = await client("auditor")
    assert (await auditor.get("/v1/verify")).json() == {"last": None}
    report = (await auditor.post("/v1/verify", json={"processes": 0})).json()
    assert report["ok"], report
    assert report["findings"] == []
    last = (await auditor.get("/v1/verify")).json()["last"]
    assert (last["ok"], last["events"]) == (True, report["events"])
    tenant = await client("auditor", company="c-1")
    assert (await tenant.post("/v1/verify")).status_code == 403
    reader = await client("reader")
    assert (await reader.post("/v1/verify")).status_code == 403


async def test_what_is_wrong_is_told_where_the_log_cannot_be_written_to(tmp_path: Path) -> None:
    database = tmp_path / "audit.db"
    url = f"sqlite:///{database}"
    async with AuditLog.open(url) as audit:
        _, key = await Services.of(audit).keyring.create("auditor")
    older = database.read_bytes()
    async with AuditLog.open(url) as audit:
        await record(audit, 3)
        await audit.checkpoint()
    database.write_bytes(older)
    async with AuditLog.open(url) as audit, serve(Services.of(audit)) as served:
        auditor = await served.client()
        auditor.headers["Authorization"] = f"Bearer {key}"
        answer = await auditor.post("/v1/verify", json={"processes": 0})
        assert answer.status_code == 200, answer.text
        assert not answer.json()["ok"]
        assert not (await auditor.get("/v1/verify")).json()["last"]["ok"]
