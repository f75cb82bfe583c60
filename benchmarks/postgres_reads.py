"""Reads in PostgreSQL: the same log of a year, and the same questions, as in SQLite.

The yardstick is one connection with the server's own settings that runs the statement and fetches
its rows, however the planner likes to find them. The server runs on this machine, and has gathered
its statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import asyncpg

from counterfoil.store import Store, open_store
from tests.postgres import OwnPostgres, wheel

from .figure import Figure
from .postgres import SETTINGS, database
from .reads import measure
from .year import record

_BY_ID = "SELECT event.* FROM id JOIN event USING (position, slice) WHERE id.id = ?"


async def run(scale: int = 1_000_000) -> list[Figure]:
    """Build a log of so many events, and measure reading it.

    Args:
        scale: how many events, at least 10,000.
    """
    server = OwnPostgres(wheel(18), **SETTINGS)
    try:
        with database(server) as url:
            store = open_store(url)
            await store.open()
            try:
                await record(store, scale)
                # As autovacuum does after a while.
                server.run("VACUUM ANALYZE", url=url)
                return await figures(store, url)
            finally:
                await store.close()
    finally:
        server.close()


async def figures(store: Store, url: str) -> list[Figure]:
    """The figures of a database that holds a year of events."""
    connection = await asyncpg.connect(url, server_settings={"search_path": "counterfoil"})

    async def alone(sql: str, *parameters: Any) -> Sequence[Any]:
        # Placeholders have numbers here, and no column needs a sign to be left to the planner.
        first, *others = sql.replace("+", "").split("?")
        text = first + "".join(f"${number}{part}" for number, part in zip(count(1), others))
        return await connection.fetch(text, *parameters)

    try:
        found = await measure(store, alone, _BY_ID)
    finally:
        await connection.close()
    return [replace(figure, name=f"PostgreSQL, {figure.name}") for figure in found]
