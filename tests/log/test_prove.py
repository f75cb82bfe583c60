"""Proofs of single events: complete, checkable offline, and of what is stored only."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import NotFoundError, ProofError
from counterfoil.log import AuditLog
from counterfoil.proof import ProofFile, VerifierKey, check_disclosures, parse_disclosures


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'audit.db'}"


async def write(log: AuditLog, events: int) -> list[str]:
    return await asyncio.gather(
        *(
            log.log_event(
                "user_login",
                user_id=f"user-{number}",
                ip_address="192.0.2.1",
                details={"number": number, "_sd": "a reserved key"},
                subjects=["person-1"],
            )
            for number in range(events)
        )
    )


async def test_an_event_is_proven_offline_from_two_files(url: str, tmp_path: Path) -> None:
    async with AuditLog.open(url) as log:
        ids = await write(log, 300)
        proof = await log.prove(ids[17])
        files = proof.write(tmp_path)
        key = str(proof.checkpoint.verifier_key)
    assert [file.name for file in files] == [f"{ids[17]}.tlog-proof", f"{ids[17]}.disclosures"]
    # From here on as somebody who has the two files and the verifier key.
    proven = ProofFile.parse(files[0].read_bytes()).verify(VerifierKey.parse(key))
    disclosures = parse_disclosures(files[1].read_bytes())
    assert check_disclosures(proven.entry, disclosures) == []
    values = {item.name: item.value for item in disclosures}
    assert set(values) == {"actor", "client", "details", "subject_0"}
    assert values["actor"]["user_id"] == f"user-{17}"
    assert values["details"]["details"] == {"number": 17, "_sd": "a reserved key"}
    assert ids[17].encode() in proven.entry
    # A disclosure that is withheld takes nothing from the proof.
    assert len(check_disclosures(proven.entry, disclosures[1:])) == 1


async def test_every_event_of_a_log_is_proven(url: str) -> None:
    async with AuditLog.open(url, checkpoint_interval=None) as log:
        ids = [event_id for events in (1, 4, 252, 30) for event_id in await write(log, events)]
        signed = await log.checkpoint()
        indexes = set()
        for event_id in ids:
            proof = await log.prove(event_id)
            assert proof.checkpoint == signed
            indexes.add(proof.verify().index)
        assert indexes == set(range(len(ids)))


async def test_an_event_that_is_not_covered_gets_a_checkpoint(url: str) -> None:
    async with AuditLog.open(url, checkpoint_interval=None) as log:
        for size in range(1, 4):
            (event_id,) = await write(log, 1)
            assert (await log.prove(event_id)).checkpoint.size == size


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_a_proof_with_any_byte_changed_is_refused(
    proof_bytes: tuple[bytes, VerifierKey], place: int, bit: int
) -> None:
    data, key = proof_bytes
    changed = bytearray(data)
    changed[place % len(data)] ^= 1 << bit
    with pytest.raises(ProofError):
        ProofFile.parse(bytes(changed)).verify(key)


@pytest.fixture(scope="module")
def proof_bytes() -> tuple[bytes, VerifierKey]:
    async def make() -> tuple[bytes, VerifierKey]:
        async with AuditLog.open("memory:") as log:
            ids = await write(log, 20)
            proof = await log.prove(ids[7])
            return proof.tlog_proof, proof.checkpoint.verifier_key

    return asyncio.run(make())


@pytest.mark.parametrize("event_id", ["0190b5a5-0000-7000-8000-000000000000", "no id", ""])
async def test_what_is_not_there_is_not_proven(url: str, event_id: str) -> None:
    async with AuditLog.open(url) as log:
        await write(log, 1)
        with pytest.raises(NotFoundError):
            await log.prove(event_id)


async def test_an_altered_event_is_not_proven(url: str, tmp_path: Path) -> None:
    async with AuditLog.open(url, checkpoint_interval=None) as log:
        ids = await write(log, 3)
        await log.checkpoint()
        with apsw.Connection(str(tmp_path / "audit.db")) as hand:
            hand.execute(
                "UPDATE event SET entry = CAST(replace(CAST(entry AS TEXT), '\"info\"',"
                " '\"error\"') AS BLOB)"
            )
        with pytest.raises(ProofError, match="verify"):
            await log.prove(ids[1])
