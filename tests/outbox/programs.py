"""Processes to be killed: run as ``python -m``, with an application's kind and place.

Each says how far it has come, a line each, and waits at the step that it was told until its input
ends, which it does not live to see.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from counterfoil import AuditLog
from counterfoil.log.write import relay as relays
from counterfoil.outbox.postgresql import PostgreSQLClaim
from counterfoil.outbox.sqlite import SQLiteClaim

from .application import EAGER, Application, PostgresApplication, SQLiteApplication


def application(kind: str, place: str) -> Application:
    """The application that another process made."""
    if kind == "asyncpg":
        return PostgresApplication(place)
    return SQLiteApplication(Path(place), kind=kind)


def at(step: str, wanted: str) -> None:
    """Say that a step is reached, and stay at the one that is wanted."""
    print(step, flush=True)
    if step == wanted:
        sys.stdin.read()


async def sell(shop: Application, log_url: str, wanted: str) -> None:
    """A business transaction: a change of the application's own, and two events."""
    async with AuditLog.open(log_url, checkpoint_interval=None) as audit:
        async with shop.transaction() as connection:
            await shop.sell(connection, "pen")
            at("changed", wanted)
            await audit.log_event("price_changed", "u-1", connection=connection)
            at("recorded", wanted)
            await audit.log_event("price_changed", "u-2", connection=connection)
            at("recorded twice", wanted)
        at("committed", wanted)


async def move(shop: Application, log_url: str, wanted: str) -> None:
    """A relay that moves a few at a time."""
    relays._AT_ONCE = 4  # type: ignore[misc]
    for kind in (SQLiteClaim, PostgreSQLClaim):
        _watch(kind, wanted)
    async with AuditLog.open(log_url, checkpoint_interval=None, limits=EAGER) as audit:
        at("open", wanted)
        await audit.relay(shop.connect).drain()
        at("drained", wanted)


def _watch(kind: type[SQLiteClaim] | type[PostgreSQLClaim], wanted: str) -> None:
    settle = kind.settle

    async def watched(
        claim: SQLiteClaim | PostgreSQLClaim, done: Collection[int], refused: Mapping[int, str]
    ) -> None:
        at("appended", wanted)
        await settle(claim, done, refused)  # type: ignore[arg-type]
        at("removed", wanted)

    kind.settle = watched  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    name, kind, place, log_url, wanted = sys.argv[1:]
    asyncio.run(globals()[name](application(kind, place), log_url, wanted))
