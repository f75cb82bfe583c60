"""Checking one log whole: its events, its tree, its roll-ups, its checkpoints, its head."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import orjson

from counterfoil.errors import FormatError, ProofError
from counterfoil.log.proving.identity import Identity
from counterfoil.log.proving.published import Published
from counterfoil.log.proving.rollback import RESTORED_MARK
from counterfoil.log.proving.tiles import TreeReader
from counterfoil.proof import TILE_WIDTH, Frontier
from counterfoil.record.instant import HOUR
from counterfoil.record.row import LOG_SPAN, EventRow
from counterfoil.store import Head, Selection, Store

from .checkpoints import CheckpointCheck
from .counts import CountCheck
from .damage import DAMAGE
from .events import Kind, event_id_of, kind_of
from .ids import STRAY_IDS
from .report import DigestStates, EntryStates, Fault, Finding, Findings, LogReport, Place
from .segment import SEGMENT, Segment, SegmentResult, read_readable
from .tree import TreeCheck
from .verified import Mark
from .workers import Checkers

_FEW = 100


class LogCheck:
    """The check of one log. Damage is found, never raised.

    Args:
        store: an open store.
        identity: the database's.
        head: the log's head, read after ``published``.
        published: what was published under its origin, if anything is known of it.
        first_origin: the origin that the log was made with, as the settings have it.
        since: how many events to take as they were found before; rounded down to whole tiles.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        head: Head,
        published: Published | None,
        first_origin: str,
        since: int,
    ) -> None:
        self._store = store
        self._identity = identity
        self._head = head
        self._log = head.log
        self._base = head.number * LOG_SPAN
        self._published = published
        self._first_origin = first_origin
        self._first = since // TILE_WIDTH * TILE_WIDTH
        self._findings = Findings()
        self._size = head.size
        self._end = head.size
        self._origins = {first_origin}
        self._latest: int | None = None
        self._present = self._verified = self._missing = 0

    async def run(
        self, checkers: Checkers, done: Callable[[int], None]
    ) -> tuple[LogReport, Findings, Mark | None]:
        """Check everything.

        Args:
            checkers: checks the segments.
            done: called with the number of events that were checked, again and again.

        Returns:
            The report, what is wrong, and the log's size and root as rebuilt.
        """
        await self._settle_size()
        await self._settle_name()
        frontier, before = await self._beginning()
        tree = TreeCheck(self._store, self._log, self._head.number, frontier, self._findings)
        counts = CountCheck(
            self._store,
            self._log,
            self._head.number,
            None if before is None else before // HOUR + 1,
            self._findings,
        )
        checkpoints = CheckpointCheck(
            self._store,
            self._identity,
            self._log,
            self._head.number,
            self._published,
            self._first,
            self._findings,
        )
        self._latest = before
        roots: dict[int, bytes | None] = dict.fromkeys(checkpoints.wanted())
        await self._check_beginning(checkpoints, tree, roots)
        async for result in checkers.run(self._segments()):
            self._take(result)
            await self._grow(tree, checkpoints, roots, result)
            await counts.add(result.tally, result.unknown, result.last_time)
            done(result.segment.end - result.segment.first)

        await tree.finish(self._head)
        await self._find_extra_rows()
        await tree.strays(self._size_now)
        await counts.add({}, self._size - self._end, None)
        await counts.finish(self._count_newer)
        await checkpoints.finish(self._size_now, roots)
        self._check_head(checkpoints)
        self._findings.kept = [
            replace(finding, log=self._head.log, since=checkpoints.last_good(finding.index))
            for finding in self._findings.kept
        ]
        root = tree.root if tree.size == self._size else None
        report = LogReport(
            log=self._head.log,
            origin=self._head.origin,
            size=self._size,
            root=root,
            first=self._first,
            entries=EntryStates(present=self._present),
            digests=DigestStates(verified=self._verified, missing=self._missing),
            covered=checkpoints.last_good(None) or 0,
            not_looked_at=self._not_looked_at(before),
        )
        return report, self._findings, None if root is None else Mark(self._size, root)

    # Before the events

    async def _settle_size(self) -> None:
        """Where head, tree and rows do not agree on the size, go by what two of them say."""
        head = self._head
        rows = await self._last_index() + 1
        stated = head.size
        # A frontier that cannot be read is found when it is compared with the rebuilt tree.
        with suppress(FormatError):
            stated = Frontier.from_bytes(head.frontier).size if head.frontier else 0
        if stated != head.size:
            self._find(
                Fault.ALTERED, Place.HEAD, "size", f"{stated} as in its frontier", f"{head.size}"
            )
            self._size = rows if rows in (stated, head.size) else max(stated, 0)
            self._head = replace(head, size=self._size)
        self._size = max(self._size, 0)
        # Rows that end early are one finding, however large the size that is stated.
        self._end = max(self._first, min(self._size, rows))
        if self._end < self._size:
            self._findings.add(
                Finding(
                    fault=Fault.MISSING,
                    place=Place.EVENT,
                    log=self._log,
                    index=self._end,
                    last_index=self._size - 1,
                )
            )

    async def _last_index(self) -> int:
        """The index of the log's last row up to its size, or -1."""
        low, high = -1, LOG_SPAN - 1
        try:
            rows = await self._store.leaves(self._base, self._base)
            found = await self._store.select(Selection(self._base, self._base + high, limit=1))
            return found[0].index if found else len(rows) - 1
        except DAMAGE:
            return max(low, self._head.size - 1)

    async def _settle_name(self) -> None:
        """Entries name their log: where all do otherwise, it is the head that was altered."""
        rows, _ = await read_readable(self._rows, self._base, self._base)
        try:
            name = orjson.loads(rows[0].entry)["log"] if rows else self._log
        except (ValueError, KeyError, TypeError):
            return
        if name == self._log or not isinstance(name, str):
            return
        second, _ = await read_readable(self._rows, self._base + 1, self._base + 1)
        try:
            agrees = not second or orjson.loads(second[0].entry)["log"] == name
        except (ValueError, KeyError, TypeError):
            agrees = False
        if agrees and event_id_of(rows[0]) is not None:
            self._find(Fault.ALTERED, Place.HEAD, "name", "the name in its entries", None)
            self._log = name

    async def _beginning(self) -> tuple[Frontier, int | None]:
        """The tree that is taken as it is, and the time of its last event."""
        if self._first == 0:
            return Frontier(), None
        try:
            tree = TreeReader(self._store, self._head.number)
            frontier = await tree.frontier(self._first)
            position = self._base + self._first - 1
            rows = await self._rows(position, position)
            return frontier, rows[0].recorded_at
        except (*DAMAGE, ProofError, IndexError):
            # What was taken as found before is not there: all is looked at.
            self._first = 0
            return Frontier(), None

    async def _check_beginning(
        self, checkpoints: CheckpointCheck, tree: TreeCheck, roots: dict[int, bytes | None]
    ) -> None:
        for row in await checkpoints.upto(self._first):
            checkpoints.check(row, tree.root if row.size == self._first else None)
        for size in roots:
            if size <= self._first:
                try:
                    reader = TreeReader(self._store, self._head.number)
                    roots[size] = await reader.root(size)
                except (*DAMAGE, ProofError):
                    roots[size] = None

    # The events

    def _segments(self) -> Iterator[Segment]:
        for first in range(self._first, self._end, SEGMENT):
            end = min(self._end, first + SEGMENT)
            yield Segment(self._log, self._head.number, first, end)

    def _take(self, result: SegmentResult) -> None:
        self._present += result.present
        self._verified += result.verified
        self._missing += result.missing
        self._origins.update(result.restored)
        self._findings.extend(result.findings.kept)
        self._findings.omitted += result.findings.omitted
        first, latest = result.first_time, self._latest
        if first is not None and latest is not None and first < latest:
            self._findings.add(
                Finding(
                    fault=Fault.ORDER,
                    place=Place.EVENT,
                    log=self._log,
                    index=result.segment.first,
                    field="recorded_at",
                )
            )
        if result.last_time is not None:
            self._latest = result.last_time

    async def _grow(
        self,
        tree: TreeCheck,
        checkpoints: CheckpointCheck,
        roots: dict[int, bytes | None],
        result: SegmentResult,
    ) -> None:
        """Add a segment's leaves, stopping at each size that somebody has signed."""
        start, end = result.segment.first, result.segment.end
        known = start + len(result.leaves) // 32
        rows = await checkpoints.upto(end)
        sizes = {row.size for row in rows} | set(roots)
        at = start
        for size in sorted(size for size in sizes if start < size <= known):
            await tree.add(bytes(result.leaves[(at - start) * 32 : (size - start) * 32]))
            at = size
            if size in roots:
                roots[size] = tree.root
            for row in rows:
                if row.size == size:
                    checkpoints.check(row, tree.root)
        await tree.add(bytes(result.leaves[(at - start) * 32 :]))
        if known < end:
            tree.complete = False
        for row in rows:
            if not start < row.size <= known:
                checkpoints.check(row, None)

    # After the events

    async def _find_extra_rows(self) -> None:
        """Find rows behind the log's end; those of a log that goes on growing are none."""
        first, last = self._base + self._size, self._base + LOG_SPAN - 1
        try:
            rows = await self._rows(first, last, _FEW)
        except DAMAGE:
            rows = []
            self._find(Fault.UNREADABLE, Place.EVENT, f"behind index {self._size - 1}", None, None)
        mentions, _ = await read_readable(self._store.mentions, first, last)
        end = self._base + await self._size_now()
        strangers = [(Place.EVENT, row.position, event_id_of(row)) for row in rows]
        strangers += [(Place.MENTION, mention.position, None) for mention in mentions]
        for place, position, event_id in strangers:
            if position >= end:
                self._findings.add(
                    Finding(
                        fault=Fault.EXTRA,
                        place=place,
                        log=self._log,
                        index=position - self._base,
                        event_id=event_id,
                    )
                )

    async def _size_now(self) -> int:
        """The log's size by now: it may be written to while it is checked."""
        head = await self._store.head(self._head.log)
        # A head that was found altered is not asked again.
        return self._size if head is None or self._altered else max(self._size, head.size)

    async def _count_newer(self) -> Counter[Kind]:
        """The events since the check began, by kind."""
        newer: Counter[Kind] = Counter()
        first, end = self._base + self._size, self._base + await self._size_now()
        while first < end:
            page = await self._rows(first, end - 1, _FEW)
            newer.update(kind for row in page if (kind := kind_of(row)) is not None)
            if not page:
                break
            first = page[-1].position + 1
        return newer

    @property
    def _altered(self) -> bool:
        return self._findings.has(Place.HEAD)

    def _check_head(self, checkpoints: CheckpointCheck) -> None:
        head = self._head
        if self._latest is not None and head.recorded_at != self._latest and self._complete:
            self._find(Fault.ALTERED, Place.HEAD, "recorded_at", None, None)
        foreign = set(checkpoints.origins) - self._origins - {head.origin}
        is_restored = head.origin.startswith(f"{self._first_origin}{RESTORED_MARK}")
        known = head.origin in self._origins or bool(checkpoints.origins[head.origin])
        if (not known or (foreign and is_restored)) and self._first == 0:
            self._find(Fault.ALTERED, Place.HEAD, "origin", None, None)
        elif foreign and self._first == 0:
            self._find(Fault.ALTERED, Place.CHECKPOINT, "of another log's origin", None, None)

    @property
    def _complete(self) -> bool:
        return self._end == self._size and not any(
            finding.place in (Place.EVENT, Place.ENTRY) for finding in self._findings.kept
        )

    def _not_looked_at(self, before: int | None) -> tuple[str, ...]:
        if self._first == 0 or before is None:
            return ()
        return (
            f"events below index {self._first}: entries, columns, disclosures, leaf hashes",
            f"the ways from the ids of events below index {self._first}",
            STRAY_IDS,
            f"tiles that hold only events below index {self._first}, but for those on the path",
            f"checkpoints of fewer than {self._first} events, and whether all are there",
            "roll-ups of hours and days that began before the first event looked at",
            "the log's origin",
        )

    async def _rows(self, first: int, last: int, limit: int = 1) -> list[EventRow]:
        return await self._store.select(Selection(first, last, newest_first=False, limit=limit))

    def _find(
        self,
        fault: Fault,
        place: Place,
        name: str | None,
        expected: str | None,
        found: str | None,
    ) -> None:
        self._findings.add(
            Finding(
                fault=fault,
                place=place,
                log=self._log,
                field=name,
                expected=expected,
                found=found,
            )
        )
