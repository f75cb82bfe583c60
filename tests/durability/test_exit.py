"""Interpreters that end without closing, signals, forks, and other event loops."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Callable

import pytest

from counterfoil import AuditEventType, AuditLog
from counterfoil.errors import ConfigurationError

from .checking import examine

Program = Callable[[str], subprocess.Popen[str]]

#: Seconds after which a program hangs.
HANGS = 60


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("returns", 0),
        ("exits", 3),
        ("exits_at_once", 3),
        ("raises", 1),
        ("stops_its_loop", 0),
        ("forgets_the_facade", 0),
    ],
)
def test_an_end_without_closing_neither_hangs_nor_loses(
    program: Program, url: str, name: str, status: int
) -> None:
    process = program(name)
    output, _ = process.communicate(timeout=HANGS)
    assert process.returncode == status
    acknowledged = output.split()
    assert len(acknowledged) == 20
    assert set(acknowledged) <= set(asyncio.run(examine(url)))


@pytest.mark.parametrize(
    ("name", "status"), [("writes_on", -signal.SIGTERM), ("drains_on_a_signal", 0)]
)
def test_sigterm(program: Program, url: str, name: str, status: int) -> None:
    process = program(name)
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(10)]
    process.terminate()
    output, errors = process.communicate(timeout=HANGS)
    assert process.returncode == status, errors
    acknowledged = "".join([*first, output]).split()
    ids = asyncio.run(examine(url))
    assert set(acknowledged) <= set(ids)
    if status == 0:
        assert sorted(acknowledged) == sorted(ids)


@pytest.mark.parametrize("name", ["forks", "forks_with_the_facade"])
def test_after_a_fork_the_child_is_refused_and_the_parent_goes_on(
    program: Program, url: str, name: str
) -> None:
    process = program(name)
    output, errors = process.communicate(timeout=HANGS)
    assert process.returncode == 0, errors
    assert set(output.split()) <= set(asyncio.run(examine(url)))


def test_another_event_loop_is_told_so(url: str) -> None:
    loop = asyncio.new_event_loop()
    log: AuditLog = loop.run_until_complete(_open(url))
    for call in (lambda: log.log_event(AuditEventType.USER_LOGIN), log.close):
        with pytest.raises(ConfigurationError, match="another event loop"):
            asyncio.run(call())
    event_id = loop.run_until_complete(log.log_event(AuditEventType.USER_LOGIN))
    loop.run_until_complete(log.close())
    loop.close()
    assert asyncio.run(examine(url)) == [event_id]


async def _open(url: str) -> AuditLog:
    return await AuditLog.open(url)
