"""The last event that a checkpoint covers is deleted: that is said, and nothing else."""

from __future__ import annotations

from pathlib import Path

import apsw

from counterfoil import AuditLog


async def test_only_the_missing_event_and_what_follows_from_it_is_named(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/audit.db"
    async with AuditLog.open(url) as audit:
        for number in range(2):
            await audit.log_event("user_login", user_id=f"u-{number}")
    database = apsw.Connection(str(tmp_path / "audit.db"))
    database.execute("DELETE FROM event WHERE position % (1 << 40) = 1")
    database.close()

    async with AuditLog.open(url) as audit:
        report = await audit.verify()

    said = [str(finding) for finding in report.findings]
    assert any("event at index 1 is missing" in text for text in said), said
    assert not any("was removed, or its time changed" in text for text in said), said
