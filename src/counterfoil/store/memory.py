"""The in-memory store: the reference that every other store is measured against.

Everything is a plain dictionary, and an append changes nothing until all of it is known to
fit. It keeps the Protocol's promises for as long as the process lives.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from operator import attrgetter
from typing import Any

from counterfoil.errors import ClosedError, ForkedError, StoreCorruptError, StoreError
from counterfoil.record.row import LOG_SPAN, EventRow, MentionRow

from .interface import (
    HASH_BYTES,
    LARGEST,
    SMALLEST,
    TILE_WIDTH,
    Build,
    CheckpointRow,
    Coverage,
    Head,
    HeadRequest,
    Holding,
    Selection,
    TileRow,
)
from .memory_tables import Tables
from .registry import RegistryRow

#: Hours in a bucket of each unit.
_HOURS = {"hour": 1, "day": 24}


class MemoryStore:
    """Logs in this process's memory, for tests. Closing it forgets them.

    No call ever waits in the middle, so each is atomic on the event loop by itself.
    """

    def __init__(self) -> None:
        self._tables: Tables | None = None
        #: The process that opened it.
        self._pid: int | None = None

    @property
    def name(self) -> str:
        return "memory:"

    @property
    def path(self) -> None:
        return None

    @property
    def companions(self) -> None:
        return None

    async def open(self) -> None:
        self._check_process()
        self._pid = os.getpid()
        self._tables = Tables()

    async def close(self) -> None:
        self._check_process()
        self._pid = self._tables = None

    async def append(
        self,
        requests: Sequence[HeadRequest],
        ids: Sequence[bytes],
        build: Build,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        tables = self._open_tables
        if prepare is not None:
            prepare()
        heads = _heads(tables, requests)
        known = {row.id: row for row in _rows_by_id(tables, ids)}
        batch = build({name: replace(head) for name, head in heads.items()}, known)

        rows = [EventRow._make(row) for row in batch.rows]
        _check_keys(tables, rows, batch.mentions)
        tiles = _grown_tiles(tables, batch.tiles)

        # Nothing below can fail.
        for head in (*heads.values(), *batch.heads):
            tables.heads[head.log] = replace(head, tail=None)
        _put_events(tables, rows, batch.mentions)
        tables.tiles |= tiles
        for count in batch.counts:
            tables.counts[count._replace(events=0)] += count.events
        tables.writes += 1

    async def head(self, log: str) -> Head | None:
        found = self._open_tables.heads.get(log)
        return None if found is None else replace(found)

    async def heads(self) -> list[Head]:
        return [replace(head) for _, head in sorted(self._open_tables.heads.items())]

    async def coverage(self, after: str, limit: int) -> list[Coverage]:
        found = []
        for head in await self.heads():
            if head.log > after:
                last = next(iter(await self.checkpoints(head.number)), None)
                found.append(
                    Coverage(head, last.size, last.signed_at) if last else Coverage(head, 0, 0)
                )
        return found[:limit]

    async def find(self, ids: Sequence[bytes]) -> list[EventRow]:
        return _rows_by_id(self._open_tables, ids)

    async def select(self, selection: Selection) -> list[EventRow]:
        return list(islice(_selected(self._open_tables, selection), selection.limit))

    async def count(self, selection: Selection) -> int:
        return sum(1 for _ in _selected(self._open_tables, selection))

    async def mentions(self, first: int, last: int) -> list[MentionRow]:
        mentions = self._open_tables.mentions
        return [row for (position, _), row in sorted(mentions.items()) if first <= position <= last]

    async def boundary(self, number: int, size: int, recorded_at: int) -> int:
        tables, base = self._open_tables, number * LOG_SPAN
        earlier = [
            position - base
            for position in _range(tables.positions, base, base + size - 1)
            if tables.events[position].recorded_at < recorded_at
        ]
        return earlier[-1] + 1 if earlier else 0

    async def counts(
        self,
        number: int,
        unit: str,
        first: int,
        last: int,
        equal: Mapping[str, Collection[Any]],
        by: Sequence[str],
    ) -> list[tuple[int, tuple[Any, ...], int]]:
        sums: Counter[tuple[int, tuple[Any, ...]]] = Counter()
        for row, events in self._open_tables.counts.items():
            bucket = row.hour // _HOURS[unit]
            if (
                row.log == number
                and first <= bucket <= last
                and all(getattr(row, name) in values for name, values in equal.items())
            ):
                sums[bucket, tuple(getattr(row, name) for name in by)] += events
        return [(bucket, values, events) for (bucket, values), events in sorted(sums.items())]

    async def tile(self, number: int, level: int, index: int) -> bytes | None:
        return self._open_tables.tiles.get((number, level, index))

    async def tiles(
        self, number: int, level: int, first: int, last: int
    ) -> list[tuple[int, bytes]]:
        return [
            (index, hashes)
            for (log, at, index), hashes in sorted(self._open_tables.tiles.items())
            if (log, at) == (number, level) and first <= index <= last
        ]

    async def leaves(self, first: int, last: int) -> list[tuple[int, bytes]]:
        tables = self._open_tables
        return [
            (position, tables.events[position].leaf)
            for position in _range(tables.positions, first, last)
        ]

    async def misplaced_ids(self, first: int, last: int) -> list[tuple[int, int | None]]:
        tables = self._open_tables
        places = _range(tables.positions, first, last)
        found = [(place, tables.ids.get(tables.events[place].id)) for place in places]
        return [pair for pair in found if pair[0] != pair[1]]

    async def stray_ids(
        self, limit: int, first: int = SMALLEST, last: int = LARGEST
    ) -> list[tuple[int, bytes]]:
        tables = self._open_tables
        own = {(row.position, row.id) for row in tables.events.values()}
        strays = [(place, id_) for id_, place in tables.ids.items() if (place, id_) not in own]
        return [one for one in strays if first <= one[0] <= last][:limit]

    async def put_checkpoints(self, checkpoints: Sequence[CheckpointRow]) -> None:
        tables = self._open_tables
        for checkpoint in checkpoints:
            tables.checkpoints.setdefault((checkpoint.log, checkpoint.size), checkpoint)
        tables.writes += 1

    async def checkpoints(
        self, number: int, *, limit: int = 1, first: int = SMALLEST, last: int = LARGEST
    ) -> list[CheckpointRow]:
        found = [
            row
            for row in self._open_tables.checkpoints.values()
            if row.log == number and first <= row.size <= last
        ]
        return sorted(found, key=attrgetter("size"), reverse=True)[:limit]

    async def inventory(self) -> list[Holding]:
        tables = self._open_tables
        held = Counter(("tile", log, level) for log, level, _ in tables.tiles)
        held.update(("checkpoint", log, 0) for log, _ in tables.checkpoints)
        held.update(("count_by_hour", row.log, 0) for row in tables.counts)
        days = {row._replace(hour=row.hour // 24, company="") for row in tables.counts}
        held.update(("count_by_day", row.log, 0) for row in days)
        return [Holding(*what, rows) for what, rows in held.items()]

    async def meta(self) -> dict[str, str]:
        return dict(self._open_tables.meta)

    async def put_meta(self, values: Mapping[str, str]) -> dict[str, str]:
        tables = self._open_tables
        tables.meta = {**values, **tables.meta}
        tables.writes += 1
        return dict(tables.meta)

    async def register(self, row: RegistryRow) -> RegistryRow:
        return self._open_tables.registry.setdefault((row.kind, row.name), row)

    async def reregister(self, row: RegistryRow, expected: bytes) -> bool:
        registry = self._open_tables.registry
        held = registry.get((row.kind, row.name))
        if held is None or held.value != expected:
            return False
        registry[row.kind, row.name] = row
        return True

    async def unregister(self, kind: str, name: str) -> bool:
        return self._open_tables.registry.pop((kind, name), None) is not None

    async def unregister_expired(self, now: int) -> int:
        registry = self._open_tables.registry
        expired = [
            key
            for key, row in registry.items()
            if row.expires_at is not None and row.expires_at <= now
        ]
        for key in expired:
            del registry[key]
        return len(expired)

    async def registered(self, kind: str, name: str) -> RegistryRow | None:
        return self._open_tables.registry.get((kind, name))

    async def registry(self, kind: str) -> list[RegistryRow]:
        held = sorted(self._open_tables.registry.items())
        return [row for (of, _), row in held if of == kind]

    async def company_logs(self, companies: Sequence[str]) -> dict[str, str]:
        known = self._open_tables.company_logs
        return {company: known[company] for company in companies if company in known}

    async def put_company_logs(self, names: Mapping[str, str]) -> dict[str, str]:
        tables = self._open_tables
        grown = {**names, **tables.company_logs}
        if len(set(grown.values())) < len(grown):
            raise StoreError("The name of a company's log is another's already.")
        tables.company_logs = grown
        tables.writes += 1
        return {company: grown[company] for company in names}

    async def company_log_page(self, after: str, limit: int) -> list[tuple[str, str]]:
        found = sorted(self._open_tables.company_logs.items())
        return [pair for pair in found if pair[0] > after][:limit]

    async def version(self) -> object:
        return self._open_tables.writes

    async def usage(self) -> dict[str, int]:
        tables = self._open_tables
        rows: list[tuple[Any, ...]] = [*tables.events.values(), *tables.mentions.values()]
        size = sum(len(value) for row in rows for value in row if isinstance(value, (bytes, str)))
        return {"database": size, "log": 0}

    @property
    def _open_tables(self) -> Tables:
        self._check_process()
        if self._tables is None:
            raise ClosedError
        return self._tables

    def _check_process(self) -> None:
        if self._pid not in (None, os.getpid()):
            raise ForkedError


def _heads(tables: Tables, requests: Sequence[HeadRequest]) -> dict[str, Head]:
    """The heads asked for: copies, with their tails where wanted, or new ones."""
    heads: dict[str, Head] = {}
    fresh = len(tables.heads)
    for request in requests:
        found = tables.heads.get(request.log)
        if found is None:
            fresh += 1
            head = Head(request.log, fresh, request.origin, sealed=_seal(tables))
        else:
            head = replace(found)
        if request.wants_tail(head.size):
            end = head.number * LOG_SPAN + head.size
            tail = _range(tables.positions, end - head.size % TILE_WIDTH, end - 1)
            head.tail = b"".join(tables.events[position].leaf for position in tail)
        heads[request.log] = head
    return heads


def _seal(tables: Tables) -> str | None:
    """The database's seal: a log that is made under it is born sealed."""
    return next((row.value.decode() for (kind, _), row in tables.registry.items()
                 if kind == "seal"), None)  # fmt: skip


def _rows_by_id(tables: Tables, ids: Sequence[bytes]) -> list[EventRow]:
    return [tables.events[tables.ids[one]] for one in dict.fromkeys(ids) if one in tables.ids]


def _check_keys(tables: Tables, rows: Sequence[EventRow], mentions: Sequence[MentionRow]) -> None:
    keys: tuple[tuple[Collection[Any], list[Any]], ...] = (
        (tables.events, [row.position for row in rows]),
        (tables.ids, [row.id for row in rows]),
        (tables.mentions, [(row.position, row.name) for row in mentions]),
    )
    for held, new in keys:
        if len(set(new)) < len(new) or any(key in held for key in new):
            raise StoreError("A row of the batch is there already.")


def _grown_tiles(tables: Tables, growth: Sequence[TileRow]) -> dict[tuple[int, int, int], bytes]:
    grown: dict[tuple[int, int, int], bytes] = {}
    for row in growth:
        key = (row.log, row.level, row.number)
        held = grown.get(key, tables.tiles.get(key, b""))
        if len(held) != row.offset * HASH_BYTES:
            raise StoreCorruptError("A tile does not fit its log.")
        grown[key] = held + row.hashes
    return grown


def _put_events(tables: Tables, rows: Sequence[EventRow], mentions: Sequence[MentionRow]) -> None:
    for row in rows:
        tables.events[row.position] = row
        tables.ids[row.id] = row.position
        insort(tables.positions, row.position)
    for mention in mentions:
        tables.mentions[mention.position, mention.name] = mention


def _range(positions: Sequence[int], first: int, last: int) -> Sequence[int]:
    return positions[bisect_left(positions, first) : bisect_right(positions, last)]


def _selected(tables: Tables, selection: Selection) -> Iterator[EventRow]:
    positions = _range(tables.positions, selection.first, selection.last)
    for position in reversed(positions) if selection.newest_first else positions:
        if _matches(tables, tables.events[position], selection):
            yield tables.events[position]


def _matches(tables: Tables, row: EventRow, selection: Selection) -> bool:
    return (
        all(getattr(row, column) in values for column, values in selection.equal.items())
        and all(_contains(getattr(row, column), needle) for column, needle in selection.contains)
        and (
            selection.person is None
            or any(
                mention.person == selection.person
                for mention in tables.mentions.values()
                if mention.position == row.position
            )
        )
    )


def _contains(stored: bytes | None, needle: bytes) -> bool:
    return stored is not None and needle in stored
