"""Checkpoints and proofs by command: what is handed out can be checked with nothing else."""

from __future__ import annotations

import shutil
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import pytest

from counterfoil.proof import Checkpoint, SigningKey, VerifierKey

from .conftest import Run


@pytest.fixture
def proof(run: Run, price_id: str, own_place: Path) -> tuple[Path, str]:
    """A proof file in an empty folder without any database, and the log's key."""
    found = run("prove", price_id, "--json", "-o", "out").json
    away = own_place / "away"
    shutil.copytree(own_place / "out", away)
    for path in own_place.glob("audit.db*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return away / f"{price_id}.tlog-proof", found["verifier_key"]


def test_a_checkpoint_is_a_note_that_its_key_verifies(run: Run, price_id: str) -> None:
    ran = run("checkpoint")
    key = VerifierKey.parse(ran.err.removeprefix("verifier key: ").strip())
    assert Checkpoint.open(ran.out.encode(), key).size == 1
    found = run("checkpoint", "--json", "-o", "note", "--key-output", "log.pub").json
    assert Path("note").read_text() == found["note"] == ran.out
    assert found["verifier_key"] == str(key)
    assert Path("log.pub").read_text() == f"{key}\n"


def test_a_proof_holds_offline(run: Run, proof: tuple[Path, str]) -> None:
    path, key = proof
    ran = run("verify-proof", str(path), "--key", key)
    assert ran.out.startswith("The proof holds: entry 0 of the log's first 1.")
    assert "supplier" in ran.out
    found = run("verify-proof", str(path), "--key", key, "--json").json
    assert found["ok"] is True
    assert found["disclosures"]["actor"]["user_id"] == "u-42"
    assert found["withheld"] == 0


def test_the_key_may_be_in_a_file(run: Run, proof: tuple[Path, str]) -> None:
    path, key = proof
    Path("log.pub").write_text(f"{key}\n")
    assert run("verify-proof", str(path), "--key", "log.pub").code == 0


def test_values_may_be_kept_back(run: Run, price_id: str) -> None:
    found = run("prove", price_id, "--json", "--reveal", "state").json
    told = run("verify-proof", found["proof"], "--key", found["verifier_key"], "--json").json
    assert list(told["disclosures"]) == ["state"]
    assert told["withheld"] == 3
    assert "It has:" in run("prove", price_id, "--reveal", "colour", fails=2).err


def test_the_wrong_key_is_refused(run: Run, proof: tuple[Path, str]) -> None:
    path, key = proof
    other = str(SigningKey.generate(VerifierKey.parse(key).name).verifier)
    ran = run("verify-proof", str(path), "--key", other, fails=1)
    assert ran.out == ""
    assert ran.err.startswith("Error: ")


def test_a_forged_value_is_refused(run: Run, proof: tuple[Path, str]) -> None:
    path, key = proof
    beside = path.with_suffix(".disclosures")
    lines = beside.read_bytes().splitlines()
    forged = [
        urlsafe_b64encode(
            urlsafe_b64decode(line + b"=" * (-len(line) % 4)).replace(b"13.00", b"31.00")
        ).rstrip(b"=")
        for line in lines
    ]
    assert forged != lines
    beside.write_bytes(b"\n".join(forged) + b"\n")
    assert "does not commit" in run("verify-proof", str(path), "--key", key, fails=1).err


def test_a_damaged_file_is_refused(run: Run, proof: tuple[Path, str]) -> None:
    path, key = proof
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    run("verify-proof", str(path), "--key", key, fails=1)
