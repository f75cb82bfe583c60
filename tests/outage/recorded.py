"""What a log holds, and what its spool does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from counterfoil import AuditEventType, AuditLog, Event, Limits

#: A type that may wait in the spool, and one that may not.
LOGIN, ROLE = AuditEventType.USER_LOGIN, AuditEventType.ROLE_ASSIGNED

#: The store is tried again at once.
EAGER = Limits(retry_after=0.0)
#: A store that hangs is given up soon; in seconds.
HASTY = Limits(retry_after=0.0, write_timeout=0.5)


async def events(log: AuditLog, name: str = "default") -> list[Event]:
    return [event async for event in log.events(log=name)]


async def ids(log: AuditLog) -> list[str]:
    """The ids of the application's events, in the order of the log."""
    return [event.id for event in await events(log) if not event.type.startswith("audit.")]


async def gaps(log: AuditLog) -> list[dict[str, Any]]:
    """What ``audit.gap`` events say."""
    return [event.audit or {} for event in await events(log) if event.type == "audit.gap"]


def spooled(folder: Path) -> list[str]:
    """The files of records and counts that wait."""
    return sorted(
        path.name for path in folder.glob("*/*") if path.suffix == ".segment" or path.name == "gaps"
    )


def kept_aside(folder: Path) -> list[Path]:
    """What was set aside for somebody to look at."""
    return sorted(folder.glob("quarantine/*"))


def files(folder: Path) -> list[Path]:
    """All files under a folder, which need not be there."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def tear(folder: Path) -> None:
    """Leave out the last byte of the only file of records."""
    (segment,) = folder.glob("*/*.segment")
    segment.write_bytes(segment.read_bytes()[:-1])


@asynccontextmanager
async def delivered(path: Path) -> AsyncIterator[AuditLog]:
    """The log, once another opening of it has brought in what waited."""
    url = f"sqlite:///{path}"
    async with AuditLog.open(url, checkpoint_interval=None):
        pass
    async with AuditLog.open(url, checkpoint_interval=None) as log:
        yield log
