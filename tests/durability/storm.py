"""Writers that go on through anything: run as ``python -m``, which forks one for each line.

A writer notes the id of every event that was acknowledged, in a file of its own. What was refused
is tried again with the same id, and a log that cannot be opened is opened again, until there is a
file ``end`` in the folder.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import uuid_utils

from counterfoil import AuditEventType, AuditLog, Limits
from counterfoil.errors import StoreError, WriteError
from counterfoil.log.opening import Opening

LOGS = ("default", "second", "third")
TASKS = 16
#: The first must be committed, the other may wait in the spool.
TYPES = (AuditEventType.ROLE_ASSIGNED, AuditEventType.USER_LOGIN)
PAUSE = 0.02


def opening(url: str, folder: Path) -> Opening[AuditLog]:
    """The log, with the key file and the spool that all of them share."""
    return AuditLog.open(
        url,
        key_file=folder / "key",
        spool=folder / "spool",
        checkpoint_interval=0.2,
        limits=Limits(write_timeout=4.0, retry_after=0.1),
    )


async def write(url: str, folder: Path, acknowledge: int) -> None:
    """Record events from many tasks until the end."""
    while not (folder / "end").exists():
        try:
            async with opening(url, folder) as log:
                await asyncio.gather(*[_record(log, folder, acknowledge, n) for n in range(TASKS)])
        except StoreError:
            await asyncio.sleep(PAUSE)


async def _record(log: AuditLog, folder: Path, acknowledge: int, number: int) -> None:
    while not (folder / "end").exists():
        event_id = str(uuid_utils.uuid7())
        await _insist(log, event_id, number)
        os.write(acknowledge, f"{event_id}\n".encode())
        number += 1


async def _insist(log: AuditLog, event_id: str, number: int) -> None:
    while True:
        try:
            found = await log.log_event(
                TYPES[number % 2],
                user_id=f"u-{number}",
                event_id=event_id,
                subjects=["u-2"] if number % 5 == 0 else (),
                log=LOGS[number % 3],
            )
        except WriteError:
            await asyncio.sleep(PAUSE)
        else:
            assert found == event_id
            return


def main(url: str, folder: Path) -> None:
    for number, _ in enumerate(sys.stdin):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                name = folder / f"{number}.acknowledged"
                acknowledge = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                asyncio.run(write(url, folder, acknowledge))
                status = 0
            finally:
                os._exit(status)
        print(child, flush=True)
    # No more to come: wait for all, of whom some were killed.
    failed = 0
    while True:
        try:
            _, status = os.wait()
        except ChildProcessError:
            break
        failed += os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0
    sys.exit(failed)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
