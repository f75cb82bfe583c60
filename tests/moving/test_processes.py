"""Moving by real processes: really killed, and by the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from counterfoil import AuditLog
from counterfoil.errors import SealedError

from .filling import T, contents, fill

ROOT = Path(__file__).parents[2]


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


async def test_killed_again_and_again_it_comes_to_its_end(tmp_path: Path) -> None:
    source, target = f"sqlite:///{tmp_path}/source.db", f"sqlite:///{tmp_path}/target.db"
    before = await fill(source)
    kills = 0
    while True:
        ran = run("tests.moving.killing", source, target, str(kills))
        if ran.returncode == 0:
            break
        assert ran.returncode == -signal.SIGKILL, ran.stderr
        kills += 1
    assert kills >= 3
    async with AuditLog.open(target) as audit:
        after = await contents(audit)
        for log, events in before.contents.items():
            assert after[log][: len(events)] == events
        await audit.log_event(T)
        await audit.checkpoint()
        assert (await audit.verify()).ok
    async with AuditLog.open(source) as audit:
        with pytest.raises(SealedError):
            await audit.log_event(T)


async def test_the_commands(tmp_path: Path) -> None:
    await fill(f"sqlite:///{tmp_path}/source.db")
    source, target = "sqlite:///source.db", "sqlite:///target.db"
    sealed = run("counterfoil", "seal", "--url", source, "--json", cwd=tmp_path)
    assert sealed.returncode == 0, sealed.stderr
    assert json.loads(sealed.stdout)["billing"]["size"] == 2
    refused = run("counterfoil", "log", "order_created", "--url", source, cwd=tmp_path)
    assert refused.returncode == 2
    assert "sealed by its owner" in refused.stderr
    assert run("counterfoil", "copy", source, target, cwd=tmp_path).returncode == 2
    opened = run("counterfoil", "unseal", "--url", source, cwd=tmp_path)
    assert opened.returncode == 0, opened.stderr
    copied = run("counterfoil", "copy", source, target, "--json", cwd=tmp_path)
    assert copied.returncode == 0, copied.stderr
    found = json.loads(copied.stdout)
    assert found["moved"]
    assert {one["log"]: one["events"] for one in found["logs"]}["billing"] == 5
    again = run("counterfoil", "unseal", "--url", source, cwd=tmp_path)
    assert again.returncode == 2
    assert "target.db" in again.stderr
    signed = run("counterfoil", "checkpoint", "--company", "c-1", "--url", target, cwd=tmp_path)
    assert signed.returncode == 0, signed.stderr
    assert "/company-" in signed.stdout
    wrong = run("counterfoil", "copy", "source.db", target, cwd=tmp_path)
    assert wrong.returncode == 2
