"""The indexer: fills a text index from the log, a bounded piece at a time, in the background."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from counterfoil.errors import ClosedError, CounterfoilError
from counterfoil.record import Event
from counterfoil.record.row import LOG_SPAN, EventRow, MentionRow
from counterfoil.store import Head, Selection, Store

from .text_index import Document, Mark, Marks, TextIndex
from .words import event_text

#: Events that are read, and committed to the index, at once.
PIECE: Final = 200
#: Seconds between looks for new events.
_EVERY: Final = 1.0
#: Seconds after a failure, and at the most.
_AFTER_FAILURE: Final = 5.0

Told: TypeAlias = Callable[[int], None]

logger = logging.getLogger("counterfoil")


class Indexer:
    """Follows the logs of a store, and keeps a text index of them.

    A piece goes in as one transaction with the mark behind it: however a process ends, the next
    goes on there. It rests as long as it works, so that others get their turn.

    Args:
        store: where the logs are.
        index: the index, not opened yet.
        every: seconds between looks for new events, above 0.
    """

    def __init__(self, store: Store, index: TextIndex, *, every: float = _EVERY) -> None:
        self.index = index
        self._store = store
        self._every = every
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to open the index, and to fill it."""
        self._task = asyncio.create_task(self._run(), name="counterfoil-indexer")

    async def close(self) -> None:
        """Stop, and let go of the index. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        await self.index.close()

    async def behind(self) -> int:
        """How many events are not in the index yet."""
        marks = await self.index.marks()
        return sum(
            max(0, head.size - _mark(head, marks).size) for head in await self._store.heads()
        )

    async def catch_up(self, *, rest: bool = False, told: Told | None = None) -> int:
        """Bring in everything that the logs hold now; returns how many events that were.

        Args:
            rest: pause after each piece for as long as it took.
            told: called with the number of events of each piece.
        """
        done = 0
        for head in await self._store.heads():
            done += await self._catch_up(head, rest=rest, told=told)
        return done

    async def forget(self, positions: Sequence[int]) -> None:
        """Take out what was deleted from the log: to be called after that is committed.

        What is still shown of these events stays findable.
        """
        epoch = await self.index.forget(positions)
        marks = await self.index.marks()
        below = [
            position
            for position in positions
            if position % LOG_SPAN < marks.logs.get(position // LOG_SPAN, Mark("", 0)).size
        ]
        rows: list[EventRow] = []
        for position in below:
            rows += await self._store.select(Selection(position, position, limit=1))
        # Where the epoch has passed, whoever made it pass reads these events after us.
        await self.index.put(epoch, await self._documents(rows))

    async def rebuild(self) -> int:
        """Throw everything away and make it again; returns how many events there were."""
        await self.index.reset()
        return await self.catch_up()

    async def _run(self) -> None:
        opened, failing = False, False
        while True:
            try:
                if not opened:
                    await self.index.open()
                    opened = True
                if await self.index.lease():
                    await self.catch_up(rest=True)
                failing = False
            except ClosedError:
                return
            except (CounterfoilError, OSError) as error:
                # Searching goes on without what is new, and reads that itself.
                if not failing:
                    logger.warning("The text index is not kept up for now. %s", error)
                failing = True
            await asyncio.sleep(_AFTER_FAILURE if failing else self._every)

    async def _catch_up(self, head: Head, *, rest: bool, told: Told | None) -> int:
        done = 0
        while True:
            began = time.monotonic()
            marks = await self.index.marks()
            known = marks.logs.get(head.number)
            mark = _mark(head, marks)
            if known is not None and mark != known:
                # It goes on from a backup, or is another log: what was indexed may not be its.
                await self.index.reset(head.number)
                continue
            if mark.size >= head.size:
                return done
            size = min(head.size, mark.size + PIECE)
            base = head.number * LOG_SPAN
            rows = await self._store.select(
                Selection(base + mark.size, base + size - 1, newest_first=False, limit=PIECE)
            )
            documents = await self._documents(rows)
            if await self.index.add(marks.epoch, head.number, mark, size, documents):
                done += size - mark.size
                if told is not None:
                    told(size - mark.size)
            if rest:
                await asyncio.sleep(time.monotonic() - began)

    async def _documents(self, rows: Sequence[EventRow]) -> list[Document]:
        mentions: dict[int, list[MentionRow]] = {}
        named = [row.position for row in rows if row.mentions]
        if named:
            for mention in await self._store.mentions(min(named), max(named)):
                mentions.setdefault(mention.position, []).append(mention)
        return await asyncio.to_thread(_documents, rows, mentions)


def _documents(rows: Sequence[EventRow], mentions: dict[int, list[MentionRow]]) -> list[Document]:
    return [_document(row, mentions.get(row.position, ())) for row in rows]


def _document(row: EventRow, mentions: Sequence[MentionRow]) -> Document:
    try:
        text = event_text(Event.decode(row, mentions))
    except CounterfoilError:
        # Verification names what cannot be read; here it is only not found.
        text = ""
    return Document(row.position, row.id, row.company_id or "", text)


def _mark(head: Head, marks: Marks) -> Mark:
    """Where to go on; the beginning where what is in is not of this log as it is now."""
    found = marks.logs.get(head.number)
    fits = found is not None and found.origin == head.origin and found.size <= head.size
    return found if found is not None and fits else Mark(head.origin, 0)
