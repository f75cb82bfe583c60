"""Writers in processes of their own: run as ``python -m``, told what to do line by line.

Importing takes longer than a writer lives, so that one process forks them all.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from counterfoil import AuditContext, AuditEventType, AuditLog

LOGS = ("default", "second")


async def write(url: str, acknowledge: int, tasks: int, events: int | None) -> None:
    """Record events from several tasks, and write the id of each that was acknowledged.

    Args:
        acknowledge: a file descriptor for the ids, a line each, after one empty line once
            the log is open.
        events: how many a task, or None for no end.
    """
    context = AuditContext(
        user_id="u-1", ip_address="192.0.2.1", company_id="c-1", before_state={"a": 1}
    )
    async with AuditLog.open(url, checkpoint_interval=0.02) as log:
        os.write(acknowledge, b"\n")

        async def record(task: int) -> None:
            number = 0
            while events is None or number < events:
                number += 1
                event_id = await log.log_event(
                    AuditEventType.PRICE_CHANGED,
                    details={"task": task, "number": number, "filler": "x" * (number % 9 * 300)},
                    context=context,
                    subjects=["u-2"] if number % 5 == 0 else (),
                    log=LOGS[task % 3 == 0],
                )
                os.write(acknowledge, f"{event_id}\n".encode())

        async with asyncio.TaskGroup() as group:
            for task in range(tasks):
                group.create_task(record(task))


def fork_writer(url: str, tasks: int, events: int | None) -> tuple[int, int]:
    """A writer's process id, and the descriptor to read its acknowledgements from."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            asyncio.run(write(url, writing, tasks, events))
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    return child, reading


def acknowledged(reading: int) -> list[str]:
    """All ids that were written, once the writer has gone."""
    with os.fdopen(reading) as lines:
        return [line.strip() for line in lines if line.strip()]


def kill(url: str, seconds: float, lines: int) -> list[str]:
    """Kill a writer after a time.

    Args:
        seconds: the time, counted from the last of the lines.
        lines: how many lines of its acknowledgements to wait for: none, that its log is open,
            or the first event's id too.
    """
    child, reading = fork_writer(url, 8, None)
    seen = b""
    while seen.count(b"\n") < lines:
        seen += os.read(reading, 1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    found = [line for line in seen.decode().splitlines() if line] + acknowledged(reading)
    assert os.WIFSIGNALED(status), "the writer ended by itself"
    return found


def run(url: str, processes: int, tasks: int, events: int) -> list[str]:
    """Let writers write at once to their end."""
    writers = [fork_writer(url, tasks, events) for _ in range(processes)]
    found: list[str] = []
    for child, reading in writers:
        found += acknowledged(reading)
        _, status = os.waitpid(child, 0)
        assert status == 0, "a writer failed"
    return found


def main() -> None:
    orders: dict[str, Callable[..., list[str]]] = {"kill": kill, "run": run}
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        print(json.dumps(orders[order.pop("do")](**order)), flush=True)


if __name__ == "__main__":
    main()
