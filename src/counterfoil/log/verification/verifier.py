"""The verifier: checks whole logs, in parallel where it pays."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Literal

from counterfoil.errors import (
    FormatError,
    InputError,
    KeyFileError,
    NotFoundError,
    ProofError,
)
from counterfoil.log.proving.identity import DATABASE, PUBLIC_KEY, Identity, public_key_of
from counterfoil.log.proving.published import Published, PublishedCheckpoints
from counterfoil.log.proving.tiles import TreeReader
from counterfoil.proof import SigningKey
from counterfoil.record.row import LOG_SPAN
from counterfoil.store import Head, Selection, Store
from counterfoil.store.interface import LARGEST, SMALLEST

from .belongings import check_company_logs, check_seals
from .damage import DAMAGE
from .ids import STRAY_IDS, check_stray_ids
from .log_check import LogCheck
from .report import Fault, Finding, Findings, LogReport, Place, Report
from .segment import SEGMENT
from .verified import VerifiedMarks
from .workers import Checkers, InProcess, Workers

#: With fewer events than this, starting processes takes longer than it saves.
WORTH_PROCESSES = 200_000
MAX_PROCESSES = 64
_FEW = 100
#: So many logs of at most so many events are checked at the same time.
_TOGETHER, _SMALL = 16, 1_000
#: An id is looked at in so small a part of an event's time; and so many take no time to speak of.
_TIMES, _FEW_IDS = 20, 1_000_000
#: Positions have 63 bits.
_MOST_LOGS = (LARGEST + 1) // LOG_SPAN - 1

#: Called with how many events were checked, and how many there are to check.
Progress = Callable[[int, int], None]
Since = int | Literal["last"] | None


class Verifier:
    """Verifies the logs of a database.

    Args:
        store: an open store.
        identity: the database's; its public key must have signed the checkpoints.
        published: the published checkpoints.
        origin: the first origin of a log, by its name.
        url: the store's address, for worker processes; None works without any.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        published: PublishedCheckpoints,
        origin: Callable[[str], str],
        url: str | None = None,
    ) -> None:
        self._store = store
        self._identity = identity
        self._published = published
        self._marks = VerifiedMarks(published.folder)
        self._origin = origin
        self._url = None if url is None or url.startswith("memory:") else url

    async def verify(
        self,
        log: str | None = None,
        *,
        since: Since = None,
        processes: int | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """Check everything that is stored, and report what is wrong.

        The log may be written to meanwhile: it is checked as it was when the check began.

        Args:
            log: one log; by default all, and what belongs to none. Ids that lead into it are
                looked for among those of all logs, unless those are very many; the report says
                so.
            since: how many events to take as they were found before, or ``"last"`` for
                those of the last verification that found nothing wrong. The report says what
                was not looked at.
            processes: worker processes, 0 to 64; by default as many as there are processors,
                where there is enough to do.
            progress: called now and then with (events checked, events to check).

        Raises:
            NotFoundError: there is no such log.
            InputError: ``since`` or ``processes`` is out of range.
            StoreError: the store cannot be reached. Damage is reported, not raised.
        """
        if isinstance(since, int) and since < 0:
            raise InputError("The size to verify from is negative.")
        if processes is not None and not 0 <= processes <= MAX_PROCESSES:
            raise InputError(f"The number of processes is from 0 to {MAX_PROCESSES}.")
        began = time.monotonic()
        findings = Findings()
        heads = await self._heads(log, findings)
        starts = [await self._start(head, since) for head in heads]
        total = sum(max(0, head.size - start) for head, start in zip(heads, starts, strict=True))
        count = self._processes(processes, total)
        checked = 0

        def done(events: int) -> None:
            nonlocal checked
            checked += events
            if progress is not None:
                progress(checked, max(checked, total))

        reports: list[LogReport] = []
        async with AsyncExitStack() as stack:
            checkers: Checkers = InProcess(self._store)
            if count and self._url is not None:
                checkers = await stack.enter_async_context(Workers(self._url, count))
            for group in _groups(list(zip(heads, starts, strict=True))):
                own = [Findings() for _ in group]
                # Gathered to their end, so that nothing goes on where one of them fails.
                found = await asyncio.gather(
                    *[
                        self._check(head, start, checkers, done, kept)
                        for (head, start), kept in zip(group, own, strict=True)
                    ],
                    return_exceptions=True,
                )
                for report, kept in zip(found, own, strict=True):
                    if isinstance(report, BaseException):
                        raise report
                    reports.append(report)
                    findings.extend(kept.kept)
                    findings.omitted += kept.omitted
        await self._check_facts(findings)
        if not any(starts):
            if log is None or await self._are_few(heads):
                await check_stray_ids(self._store, heads, findings, log)
            else:
                reports = [replace(one, not_looked_at=(STRAY_IDS,)) for one in reports]
        if log is None:
            await self._check_strays(heads, findings)
            by_name = {head.log: head for head in await self._heads(None, Findings())}
            await check_company_logs(self._store, by_name, findings)
            await check_seals(self._store, by_name, findings)
        return Report(
            logs=tuple(reports),
            findings=tuple(findings.kept),
            omitted=findings.omitted,
            processes=count,
            seconds=time.monotonic() - began,
        )

    async def _heads(self, log: str | None, findings: Findings) -> list[Head]:
        try:
            found = await self._store.heads() if log is None else [await self._store.head(log)]
        except DAMAGE:
            findings.add(Finding(fault=Fault.UNREADABLE, place=Place.HEAD))
            return []
        heads = [head for head in found if head is not None]
        if log is not None and not heads:
            raise NotFoundError("There is no such log.")
        good = [head for head in heads if 0 < head.number < _MOST_LOGS]
        for head in heads:
            if head not in good:
                findings.add(
                    Finding(fault=Fault.ALTERED, place=Place.HEAD, log=head.log, field="number")
                )
        return good

    async def _are_few(self, heads: list[Head]) -> bool:
        """Whether all logs' ids can be looked through in about the time that these logs take."""
        size = sum(head.size for head in heads)
        total = sum(head.size for head in await self._heads(None, Findings()))
        return total <= max(_FEW_IDS, size * _TIMES)

    async def _start(self, head: Head, since: Since) -> int:
        if since is None:
            return 0
        if since != "last":
            return max(0, min(since, head.size))
        mark = await self._marks.read(head.origin)
        if mark is None or not 0 <= mark.size <= head.size:
            return 0
        try:
            root = await TreeReader(self._store, head.number).root(mark.size)
        except (*DAMAGE, ProofError):
            root = b""
        # A beginning that is another one is looked at again, and what is wrong is named.
        return mark.size if root == mark.root else 0

    def _processes(self, wanted: int | None, total: int) -> int:
        if self._url is None or not sys.executable:
            return 0
        if wanted is None:
            wanted = (
                len(os.sched_getaffinity(0))
                if hasattr(os, "sched_getaffinity")
                else (os.cpu_count() or 1)
            )
            if wanted == 1 or total < WORTH_PROCESSES:
                return 0
        return min(wanted, MAX_PROCESSES, -(-total // SEGMENT))

    async def _check(
        self,
        head: Head,
        start: int,
        checkers: Checkers,
        done: Callable[[int], None],
        findings: Findings,
    ) -> LogReport:
        published = await self._read_published(head, findings)
        # Read again: by now the log is as large as anything that was published.
        head = await self._store.head(head.log) or head
        check = LogCheck(
            self._store, self._identity, head, published, self._origin(head.log), start
        )
        report, found, mark = await check.run(checkers, done)
        findings.extend(found.kept)
        findings.omitted += found.omitted
        if mark is not None and not found.kept and not found.omitted:
            await self._marks.write(head.origin, mark)
        return report

    async def _read_published(self, head: Head, findings: Findings) -> Published | None:
        try:
            return await self._published.read(head.origin)
        except FormatError:
            findings.add(Finding(fault=Fault.UNREADABLE, place=Place.PUBLISHED, log=head.log))
            return None

    # What belongs to no log

    async def _check_facts(self, findings: Findings) -> None:
        """The database's id and public key, against the key file and what was read first."""

        def find(fault: Fault, name: str) -> None:
            findings.add(Finding(fault=fault, place=Place.META, field=name))

        try:
            facts = await self._store.meta()
        except DAMAGE:
            find(Fault.UNREADABLE, "")
            return
        identity = self._identity
        if facts.get(DATABASE) != identity.database:
            find(Fault.ALTERED if DATABASE in facts else Fault.MISSING, DATABASE)
        if public_key_of(facts) != identity.public_key or identity.public_key is None:
            find(Fault.ALTERED if PUBLIC_KEY in facts else Fault.MISSING, PUBLIC_KEY)
        if identity.key_file is None or identity.may_sign:
            return
        try:
            for database in await asyncio.to_thread(identity.key_file.databases):
                seed = identity.key_file.seed(database)
                if seed is None or database == identity.database:
                    continue
                if SigningKey(database, seed).verifier.public_key == identity.public_key:
                    find(Fault.ALTERED, DATABASE)
        except KeyFileError:
            find(Fault.UNREADABLE, "the key file beside it")

    async def _check_strays(self, heads: list[Head], findings: Findings) -> None:
        """Rows that are no log's."""
        numbers = sorted(head.number for head in heads)
        known = set(numbers)
        edges = [
            SMALLEST,
            *(edge for number in numbers for edge in (number * LOG_SPAN, (number + 1) * LOG_SPAN)),
            LARGEST + 1,
        ]
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            if first < last and first >= -(1 << 63):
                await self._find_rows(first, last - 1, findings)
        try:
            inventory = await self._store.inventory()
        except DAMAGE:
            findings.add(
                Finding(fault=Fault.UNREADABLE, place=Place.META, field="tables cannot be counted")
            )
            return
        for holding in inventory:
            if holding.log not in known:
                place = {"tile": Place.TILE, "checkpoint": Place.CHECKPOINT}.get(
                    holding.table, Place.COUNT
                )
                findings.add(
                    Finding(
                        fault=Fault.EXTRA,
                        place=place,
                        field=f"of log number {holding.log}, which there is not",
                        found=f"{holding.rows} rows",
                    )
                )

    async def _find_rows(self, first: int, last: int, findings: Findings) -> None:
        def find(fault: Fault, place: Place, position: int) -> None:
            number, index = divmod(position, LOG_SPAN)
            findings.add(
                Finding(
                    fault=fault,
                    place=place,
                    index=index,
                    field=f"of log number {number}, which there is not",
                )
            )

        try:
            selection = Selection(first, last, newest_first=False, limit=_FEW)
            for row in await self._store.select(selection):
                find(Fault.EXTRA, Place.EVENT, row.position)
        except DAMAGE:
            find(Fault.UNREADABLE, Place.EVENT, first)
        try:
            for mention in (await self._store.mentions(first, last))[:_FEW]:
                find(Fault.EXTRA, Place.MENTION, mention.position)
        except DAMAGE:
            find(Fault.UNREADABLE, Place.MENTION, first)


def _groups(logs: list[tuple[Head, int]]) -> Iterator[list[tuple[Head, int]]]:
    """Logs to check at the same time: small ones, which mostly wait for the store, together."""
    group: list[tuple[Head, int]] = []
    for head, start in logs:
        if head.size > _SMALL or len(group) == _TOGETHER:
            if group:
                yield group
            group = []
        if head.size > _SMALL:
            yield [(head, start)]
        else:
            group.append((head, start))
    if group:
        yield group
