"""PostgreSQL: recording beside COPY, beside the embedded store, and from many processes.

The yardstick, ``raw``, is one connection that copies the very same finished rows into the same
tables and indexes, in binary, and commits, synced, once every 256 rows. It computes nothing, wakes
nobody, and keeps no tree and no counts. The server runs on this machine, and so takes its share of
the processors.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg

from counterfoil.log import AuditLog
from counterfoil.record.row import COLUMNS
from tests.postgres import OwnPostgres, wheel

from .event import record
from .figure import Figure, share, told
from .ingest import Case, Cost, finished_rows, ours

ROUNDS = 5
BATCH = 256
CASES = (Case(64, 12_800, BATCH), Case(1_000, 16_000, BATCH))
WRITERS = 4
#: Events of each process that writes.
EACH = 6_016

#: As on a small production server.
SETTINGS = {"autovacuum": "on", "shared_buffers": "512MB", "max_wal_size": "4GB"}


async def run() -> list[Figure]:
    """The figures of recording events in PostgreSQL."""
    rows = await finished_rows(max(case.events for case in CASES))
    server = OwnPostgres(wheel(18), **SETTINGS)
    try:
        figures = []
        for case in CASES:
            figures += await _compare(server, case, rows)
        return figures + await _processes(server)
    finally:
        server.close()


async def _compare(
    server: OwnPostgres, case: Case, rows: Sequence[tuple[Any, ...]]
) -> list[Figure]:
    # In turns, so that what else the machine does falls on all alike.
    rounds = []
    for _ in range(ROUNDS):
        with database(server) as url:
            raw = await _raw(url, rows[: case.events], case.batch)
        with TemporaryDirectory() as folder:
            embedded = await ours(f"sqlite:///{Path(folder, 'audit.db')}", case)
        with database(server) as url:
            whole = await _ours(url, case)
        rounds.append((raw, embedded, whole))
    name = f"PostgreSQL, {case.callers:,} callers, us an event"
    costs = [median(one.wall for one in column) for column in zip(*rounds, strict=True)]
    beside_raw = median(raw.wall / whole.wall for raw, _, whole in rounds)
    beside_embedded = median(embedded.wall / whole.wall for _, embedded, whole in rounds)
    processor = median(whole.processor for *_, whole in rounds)
    return [
        share(f"{name}, beside raw", costs[2], costs[0], beside_raw, 0.3),
        share(f"{name}, beside embedded", costs[2], costs[1], beside_embedded, 0.8),
        told(f"PostgreSQL, {case.callers:,} callers, us of the client's processor", processor),
    ]


async def _ours(url: str, case: Case) -> Cost:
    with TemporaryDirectory() as folder:
        return await ours(url, case, key_file=Path(folder, "key"), spool=False)


async def _raw(url: str, rows: Sequence[tuple[Any, ...]], batch: int) -> Cost:
    """The yardstick's cost."""
    connection = await asyncpg.connect(url)
    processor, began = time.process_time(), time.perf_counter()
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        async with connection.transaction():
            await connection.copy_records_to_table(
                "event",
                schema_name="counterfoil",
                columns=[*COLUMNS, "slice"],
                records=[(*row, 0) for row in part],
            )
            await connection.copy_records_to_table(
                "id",
                schema_name="counterfoil",
                columns=["id", "position", "slice"],
                records=[(row[1], row[0], 0) for row in part],
            )
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    await connection.close()
    return Cost(seconds / len(rows) * 1e6, processor / len(rows) * 1e6)


async def _processes(server: OwnPostgres) -> list[Figure]:
    """One process beside four on one log, and beside four that have a log each."""
    same = ["default"] * WRITERS
    each = [f"log-{number}" for number in range(WRITERS)]
    rounds = []
    for _ in range(ROUNDS):
        found = []
        for logs in (same[:1], same, each):
            with database(server) as url:
                found.append(await _write_from_processes(url, logs))
        rounds.append(found)
    one, together, apart = (median(column) for column in zip(*rounds, strict=True))
    name = f"PostgreSQL, {WRITERS} processes"
    return [
        share(
            f"{name} on one log, us an event",
            together,
            one,
            median(one / together for one, together, _ in rounds),
            0.9,
        ),
        share(
            f"{name} on a log each, us an event",
            apart,
            one,
            median(one / apart for one, _, apart in rounds),
            1,
        ),
    ]


async def _write_from_processes(url: str, logs: Sequence[str]) -> float:
    """Microseconds an event, from when all are told to go until the last has done its part."""
    with TemporaryDirectory() as folder:
        async with AuditLog.open(url, key_file=Path(folder, "key"), spool=False):
            pass
        processes = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", __spec__.name, url, log, folder,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )
            for log in logs
        ]  # fmt: skip
        for process in processes:
            assert process.stdout is not None
            await process.stdout.readline()
        began = time.perf_counter()
        await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
        return (time.perf_counter() - began) / (EACH * len(logs)) * 1e6


async def write(url: str, log: str, folder: str) -> None:
    """What each process does: it opens the log, says so, waits to be told, and writes."""
    async with AuditLog.open(
        url, key_file=Path(folder, "key"), spool=False, checkpoint_interval=None
    ) as audit:
        await record(audit, log=log)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

        async def caller() -> None:
            for _ in range(EACH // 64):
                await record(audit, log=log)

        await asyncio.gather(*[caller() for _ in range(64)])


@contextmanager
def database(server: OwnPostgres) -> Iterator[str]:
    url = server.borrow()
    try:
        yield url
    finally:
        server.drop(url)


if __name__ == "__main__":
    asyncio.run(write(*sys.argv[1:]))
