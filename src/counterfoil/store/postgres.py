"""The PostgreSQL store: many processes and hosts on one database, through asyncpg.

``postgres_append`` says how a batch goes in, ``postgres_select`` how a page is found, and
``postgres_base`` what both stand on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from counterfoil.record.row import LOG_SPAN, EventRow, MentionRow

from .interface import (
    LARGEST,
    SMALLEST,
    Build,
    CheckpointRow,
    Coverage,
    Head,
    HeadRequest,
    Holding,
    Selection,
)
from .postgres_append import Appender, head_of, rows_by_id
from .postgres_base import PostgresBase
from .postgres_connection import Session
from .postgres_counts import counts
from .postgres_error import FAILURES, store_error
from .postgres_select import count, select, sparsest
from .postgres_session import Sessions
from .postgres_turns import Turns
from .registry import RegistryRow
from .statement import read_statement

#: Events that this process appends between two looks at whether the newest slice is full.
_SLICE_CHECK = 16_384
#: Ids that one statement looks up, where all are.
_IDS_AT_ONCE = 20_000

logger = logging.getLogger("counterfoil")


class PostgresStore(PostgresBase):
    """Logs in a PostgreSQL database, version 15 or later."""

    _appender: Appender | None = None
    #: Events appended since the newest slice was last looked at.
    _unchecked = 0

    async def append(
        self,
        requests: Sequence[HeadRequest],
        ids: Sequence[bytes],
        build: Build,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        writers = self._open_sessions(self._writers)
        if self._appender is None or self._appender.sessions is not writers:
            turns = Turns(self._open_sessions(self._turns), self._start)
            self._appender = Appender(writers, turns, self.name, self._timeout)
        await self._run(self._append(self._appender, requests, ids, build, prepare))

    async def head(self, log: str) -> Head | None:
        row = await self._row("head", log)
        return None if row is None else head_of(row)

    async def heads(self) -> list[Head]:
        return [head_of(row) for row in await self._rows("heads")]

    async def coverage(self, after: str, limit: int) -> list[Coverage]:
        rows = await self._rows("coverage", after, limit)
        return [Coverage(head_of(tuple(row)[:-2]), row[-2], row[-1]) for row in rows]

    async def find(self, ids: Sequence[bytes]) -> list[EventRow]:
        found = await self._read(lambda session: rows_by_id(session, ids))
        return list(found.values())

    async def select(self, selection: Selection) -> list[EventRow]:
        async def read(session: Session) -> list[EventRow]:
            statement = select(selection, await sparsest(session, selection))
            rows = await session.fetch(statement.text, *statement.arguments)
            return [EventRow._make(row) for row in rows]

        return await self._read(read)

    async def count(self, selection: Selection) -> int:
        statement = count(selection)

        async def read(session: Session) -> int:
            return int(await session.fetchval(statement.text, *statement.arguments))

        return await self._read(read)

    async def mentions(self, first: int, last: int) -> list[MentionRow]:
        return [MentionRow._make(row) for row in await self._rows("mentions", first, last)]

    async def boundary(self, number: int, size: int, recorded_at: int) -> int:
        return int(await self._value("boundary", number * LOG_SPAN, size, recorded_at))

    async def counts(
        self,
        number: int,
        unit: str,
        first: int,
        last: int,
        equal: Mapping[str, Collection[Any]],
        by: Sequence[str],
    ) -> list[tuple[int, tuple[Any, ...], int]]:
        statement = counts(number, unit, first, last, equal, by)
        rows = await self._read(lambda s: s.fetch(statement.text, *statement.arguments))
        return [(row[0], row[1:-1], row[-1]) for row in rows]

    async def tile(self, number: int, level: int, index: int) -> bytes | None:
        found: bytes | None = await self._value("tile", number, level, index)
        return found

    async def tiles(
        self, number: int, level: int, first: int, last: int
    ) -> list[tuple[int, bytes]]:
        return [tuple(row) for row in await self._rows("tiles", number, level, first, last)]

    async def leaves(self, first: int, last: int) -> list[tuple[int, bytes]]:
        return [tuple(row) for row in await self._rows("leaves", first, last)]

    async def misplaced_ids(self, first: int, last: int) -> list[tuple[int, int | None]]:
        return [tuple(row) for row in await self._rows("misplaced_ids", first, last)]

    async def stray_ids(
        self, limit: int, first: int = SMALLEST, last: int = LARGEST
    ) -> list[tuple[int, bytes]]:
        strays: list[tuple[int, bytes]] = []
        after: bytes | None = b""
        while after is not None and len(strays) < limit:
            # Page by page, so that no statement takes long, however many ids there are.
            rows = await self._rows("stray_ids", after, _IDS_AT_ONCE, first, last)
            strays += [(row["position"], row["id"]) for row in rows if row["is_stray"]]
            after = rows[-1]["id"] if rows else None
        return strays[:limit]

    async def put_checkpoints(self, checkpoints: Sequence[CheckpointRow]) -> None:
        columns = zip(*checkpoints, strict=True) if checkpoints else ((),) * 4
        await self._write("put_checkpoints", *map(list, columns))

    async def checkpoints(
        self, number: int, *, limit: int = 1, first: int = SMALLEST, last: int = LARGEST
    ) -> list[CheckpointRow]:
        rows = await self._rows("checkpoints", number, first, last, limit)
        return [CheckpointRow._make(row) for row in rows]

    async def inventory(self) -> list[Holding]:
        return [Holding._make(row) for row in await self._rows("inventory")]

    async def meta(self) -> dict[str, str]:
        return {row["name"]: row["value"] for row in await self._rows("meta")}

    async def put_meta(self, values: Mapping[str, str]) -> dict[str, str]:
        await self._write("put_meta", list(values), list(values.values()))
        return await self.meta()

    async def register(self, row: RegistryRow) -> RegistryRow:
        await self._write("register", *row)
        return await self.registered(row.kind, row.name) or row

    async def reregister(self, row: RegistryRow, expected: bytes) -> bool:
        return await self._write("reregister", *row, expected) > 0

    async def unregister(self, kind: str, name: str) -> bool:
        return await self._write("unregister", kind, name) > 0

    async def unregister_expired(self, now: int) -> int:
        return await self._write("unregister_expired", now)

    async def registered(self, kind: str, name: str) -> RegistryRow | None:
        row = await self._row("registered", kind, name)
        return None if row is None else RegistryRow._make(row)

    async def registry(self, kind: str) -> list[RegistryRow]:
        return [RegistryRow._make(row) for row in await self._rows("registry", kind)]

    async def company_logs(self, companies: Sequence[str]) -> dict[str, str]:
        rows = await self._rows("company_logs", list(companies))
        return {row["company"]: row["log"] for row in rows}

    async def put_company_logs(self, names: Mapping[str, str]) -> dict[str, str]:
        await self._write("put_company_logs", list(names), list(names.values()))
        return await self.company_logs(list(names))

    async def company_log_page(self, after: str, limit: int) -> list[tuple[str, str]]:
        rows = await self._rows("company_log_page", after, limit)
        return [(row["company"], row["log"]) for row in rows]

    async def version(self) -> object:
        row = await self._row("version")
        return None if row is None else tuple(row)

    async def usage(self) -> dict[str, int]:
        # The server's write-ahead log is shared by all of its databases.
        return {"database": int(await self._value("usage")), "log": 0}

    async def _append(
        self,
        appender: Appender,
        requests: Sequence[HeadRequest],
        ids: Sequence[bytes],
        build: Build,
        prepare: Callable[[], None] | None,
    ) -> None:
        if prepare is not None:
            await asyncio.to_thread(prepare)
        self._unchecked += await appender.append(requests, ids, build)
        if self._unchecked >= _SLICE_CHECK:
            self._unchecked = 0
            self._start(self._begin_slice(appender.sessions))

    async def _begin_slice(self, writers: Sessions) -> None:
        try:
            async with writers.one() as session:
                await session.fetchval(read_statement("postgres", "begin_slice"))
        except FAILURES as error:
            # Events go on into the slice that there is; it is looked at again later.
            logger.warning("No new slice was begun. %s", store_error(error, self.name))
