"""Verification: how many events a core checks in a second, everything recomputed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from counterfoil.log import AuditLog

from .event import record
from .figure import Figure, above

EVENTS = 40_000
CALLERS = 1_000
ROUNDS = 3


async def run() -> list[Figure]:
    """The figure of verifying a log."""
    with TemporaryDirectory() as folder:
        async with AuditLog.open(f"sqlite:///{Path(folder, 'audit.db')}") as log:

            async def caller() -> None:
                for _ in range(EVENTS // CALLERS):
                    await record(log)

            await asyncio.gather(*[caller() for _ in range(CALLERS)])
            seconds = []
            for _ in range(ROUNDS):
                began = time.process_time()
                # In this process alone, so that its processor time is that of the work.
                report = await log.verify(processes=0)
                seconds.append(time.process_time() - began)
                if not report.ok:
                    raise RuntimeError("A log that was just written does not verify.")
    return [above("events verified in a second of one core", EVENTS / min(seconds), 60_000)]
