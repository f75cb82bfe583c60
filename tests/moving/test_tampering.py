"""Whose log is whose, and that a log is sealed, cannot be changed unseen."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from counterfoil import AuditLog
from counterfoil.log.copying import copy

from .filling import fill


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    await fill(f"sqlite:///{tmp_path}/audit.db")
    return tmp_path / "audit.db"


def alter(path: Path, sql: str) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(sql)
    connection.close()


async def found(path: Path) -> list[str]:
    async with AuditLog.open(f"sqlite:///{path}", checkpoint_interval=None) as audit:
        return [str(finding) for finding in (await audit.verify()).findings]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DELETE FROM company_log WHERE company = 'c-1'", "whose log it is is missing"),
        ("UPDATE company_log SET company = 'c-9' WHERE company = 'c-1'", "whose log it is"),
        (
            (
                "DELETE FROM company_log; INSERT INTO company_log "
                "SELECT 'c-1', name FROM log WHERE number = (SELECT position >> 40 FROM event "
                "WHERE company_id = 'c-2' LIMIT 1)"
            ),
            "whose log it is is altered",
        ),
        ("UPDATE log SET sealed = 'x' WHERE name = 'billing'", "Log billing: head sealed"),
    ],
)
async def test_an_alteration_is_found(path: Path, sql: str, says: str) -> None:
    assert await found(path) == []
    alter(path, sql)
    assert any(says in finding for finding in await found(path))


async def test_a_source_that_was_opened_again_by_hand_is_found(path: Path) -> None:
    await copy(f"sqlite:///{path}", f"sqlite:///{path}.new")
    assert await found(path) == []
    alter(path, "UPDATE log SET sealed = NULL WHERE name = 'default'")
    assert any("sealed is altered" in finding for finding in await found(path))
