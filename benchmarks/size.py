"""Size: the database file, indexes and tree included, beside what the events themselves take."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw

from counterfoil.log import AuditLog

from .event import record
from .figure import Figure, times

EVENTS = 20_000
CALLERS = 250

_CONTENT = (
    "SELECT sum(length(entry) + length(actor) + length(client) + length(resource) "
    "+ length(state) + length(details)) FROM event"
)


async def run() -> list[Figure]:
    """The figure of what an event takes on the disk."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "audit.db"
        async with AuditLog.open(f"sqlite:///{path}") as log:

            async def caller() -> None:
                for _ in range(EVENTS // CALLERS):
                    await record(log)

            await asyncio.gather(*[caller() for _ in range(CALLERS)])
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        [[content]] = connection.execute(_CONTENT)
        connection.close()
        stored = path.stat().st_size
    return [
        times(
            "stored bytes an event, by entry and disclosures",
            stored / EVENTS,
            content / EVENTS,
            1.7,
        )
    ]
