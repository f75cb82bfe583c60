"""Programs that end in one way or another without closing their log: run as ``python -m``.

Each prints the ids that were acknowledged, a line each.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from counterfoil import AuditEventType, AuditLog, SyncAuditLog
from counterfoil.errors import ForkedError

#: What keeps a log open until the interpreter ends.
KEPT: list[object] = []


async def record(url: str, events: int = 20) -> AuditLog:
    """A log that is open, holds events, and has more on their way."""
    log = await AuditLog.open(url)
    KEPT.append(log)
    for event_id in await asyncio.gather(
        *(log.log_event(AuditEventType.USER_LOGIN) for _ in range(events))
    ):
        print(event_id, flush=True)
    KEPT.extend(
        asyncio.ensure_future(log.log_event(AuditEventType.USER_LOGOUT)) for _ in range(events)
    )
    await asyncio.sleep(0)
    return log


def returns(url: str) -> None:
    """The main coroutine returns."""
    asyncio.run(record(url))


def exits(url: str) -> None:
    """``sys.exit`` within the event loop."""

    async def main() -> NoReturn:
        await record(url)
        sys.exit(3)

    asyncio.run(main())


def exits_at_once(url: str) -> None:
    """``os._exit`` within the event loop."""

    async def main() -> NoReturn:
        await record(url)
        os._exit(3)

    asyncio.run(main())


def raises(url: str) -> None:
    """An exception that nobody catches."""

    async def main() -> NoReturn:
        await record(url)
        raise RuntimeError

    asyncio.run(main())


def stops_its_loop(url: str) -> None:
    """An event loop that is stopped, and never closed."""
    loop = asyncio.new_event_loop()
    KEPT.append(loop)
    loop.run_until_complete(record(url))


def forgets_the_facade(url: str) -> None:
    """The sync facade, never closed."""
    log = SyncAuditLog.open(url)
    KEPT.append(log)
    for _ in range(20):
        print(log.log_event(AuditEventType.USER_LOGIN), flush=True)


def writes_on(url: str) -> None:
    """Writes until a signal ends it."""

    async def main() -> NoReturn:
        log = await AuditLog.open(url)
        while True:
            print(await log.log_event(AuditEventType.USER_LOGIN), flush=True)

    asyncio.run(main())


def drains_on_a_signal(url: str) -> None:
    """Closes its log on SIGTERM, with events on their way."""

    async def main() -> None:
        stopping = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
        async with AuditLog.open(url) as log:
            writing: list[asyncio.Task[str]] = []
            while not stopping.is_set():
                writing.append(asyncio.create_task(log.log_event(AuditEventType.USER_LOGIN)))
                print(await log.log_event(AuditEventType.USER_LOGIN), flush=True)
        for event_id in await asyncio.gather(*writing):
            print(event_id)

    asyncio.run(main())


def forks(url: str) -> None:
    """Forks with a log open: the child is refused, and the parent goes on."""
    loop = asyncio.new_event_loop()
    log = loop.run_until_complete(record(url))
    child = os.fork()
    if child == 0:
        os._exit(_refused(lambda: asyncio.run(_call(log))))
    _, status = os.waitpid(child, 0)
    print(loop.run_until_complete(log.log_event(AuditEventType.USER_LOGIN)))
    loop.run_until_complete(log.close())
    sys.exit(os.waitstatus_to_exitcode(status))


def forks_with_the_facade(url: str) -> None:
    """The same with the sync facade."""
    log = SyncAuditLog.open(url)
    print(log.log_event(AuditEventType.USER_LOGIN))
    child = os.fork()
    if child == 0:
        os._exit(_refused(lambda: log.log_event(AuditEventType.USER_LOGIN)) or _refused(log.close))
    _, status = os.waitpid(child, 0)
    print(log.log_event(AuditEventType.USER_LOGIN))
    log.close()
    sys.exit(os.waitstatus_to_exitcode(status))


async def _call(log: AuditLog) -> None:
    await log.log_event(AuditEventType.USER_LOGIN)


def _refused(call: Callable[[], object]) -> int:
    try:
        call()
    except ForkedError:
        return 0
    return 1


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
