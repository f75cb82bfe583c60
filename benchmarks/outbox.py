"""The outbox: what ``connection=`` costs a business transaction, and how fast a relay moves it.

The yardstick of the first is the plain INSERT of bytes of the same size through the same
connection into the same table: what no outbox could do without.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import apsw

from counterfoil.base import AuditEventType
from counterfoil.log import AuditLog

from .event import CONTEXT, DETAILS
from .figure import Figure, told

ROUNDS = 5
EVENTS = 5_000
#: Events in a business transaction.
TOGETHER = 10


async def run() -> list[Figure]:
    """The figures of transactional capture, in SQLite files."""
    rounds = [await _round() for _ in range(ROUNDS)]
    ours, plain, moved = (median(one) for one in zip(*rounds, strict=True))
    return [
        told("log_event(connection=...), microseconds an event", ours, plain),
        told("events that a relay moves in a second", moved),
    ]


async def _round() -> tuple[float, float, float]:
    with TemporaryDirectory() as folder:
        place = Path(folder)
        shop = _connect(place)
        async with AuditLog.open(
            f"sqlite:///{place / 'audit.db'}", checkpoint_interval=None
        ) as audit:
            await audit.create_outbox(shop)
            begun = time.perf_counter()
            for _ in range(EVENTS // TOGETHER):
                with shop:
                    for _ in range(TOGETHER):
                        await audit.log_event(
                            AuditEventType.PRICE_CHANGED,
                            details=DETAILS,
                            context=CONTEXT,
                            connection=shop,
                        )
            ours = (time.perf_counter() - begun) / EVENTS
            begun = time.perf_counter()
            moved = await audit.relay(lambda: _connect(place)).drain()
            rate = moved / (time.perf_counter() - begun)
            assert moved == EVENTS
            plain = _plain(shop)
        shop.close()
    return ours * 1e6, plain * 1e6, rate


def _plain(shop: apsw.Connection) -> float:
    """Seconds an event that the INSERT alone takes."""
    draft = b"x" * 1_000
    begun = time.perf_counter()
    for _ in range(EVENTS // TOGETHER):
        with shop:
            for _ in range(TOGETHER):
                shop.execute("INSERT INTO counterfoil_outbox (draft) VALUES (?)", (draft,))
    return (time.perf_counter() - begun) / EVENTS


def _connect(place: Path) -> apsw.Connection:
    connection = apsw.Connection(str(place / "shop.db"))
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = full")
    return connection
