"""Copying one log: its entries, disclosures, mentions, tiles and counts, as they are stored.

A batch is appended to the target under the head's lock from exactly the size that it has there.
So whatever a crash leaves is a beginning of the log, and the next copy goes on from it. Tiles
and the frontier are built from the leaf hashes as a writer does, and what comes out is compared
with the source's head.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from counterfoil.errors import InputError, SealedError, StoreCorruptError
from counterfoil.proof import Frontier
from counterfoil.record.instant import HOUR
from counterfoil.record.row import LOG_SPAN, EventRow, MentionRow
from counterfoil.store import Batch, CountRow, Head, HeadRequest, Selection, Store, TileRow
from counterfoil.store.interface import HASH_BYTES, TILE_WIDTH

#: Events in one transaction: whole tiles.
_BATCH = 4 * TILE_WIDTH
#: Checkpoints in one transaction.
_PAGE = 500


class LogCopy:
    """Copies one log from a store to another.

    Args:
        source, target: open stores.
        log: the log's name.
        seal: what seals the copy until it is complete.
        copied: called with how many events were copied, again and again.
    """

    def __init__(
        self, source: Store, target: Store, log: str, seal: str, copied: Callable[[int], None]
    ) -> None:
        self._source = source
        self._target = target
        self._log = log
        self._seal = seal
        self._copied = copied

    async def events(self, upto: Head) -> None:
        """Copy the events that the target lacks.

        Args:
            upto: the source's head: what it has of size is copied.

        Raises:
            InputError: the target holds another log of that name.
            SealedError: the target's log is complete, and written to.
            StoreCorruptError: the source's events do not make up its tree.
        """
        size = await self._begin(upto)
        while size < upto.size:
            end = min(upto.size, size - size % TILE_WIDTH + _BATCH)
            await self._append(upto, size, end)
            self._copied(end - size)
            size = end
        head = await self._target.head(self._log)
        if head is None or (head.size, head.frontier) != (upto.size, upto.frontier):
            raise StoreCorruptError(
                f"What was copied of log {self._log} is not what its head says.",
                remedy="Run `counterfoil verify` on the source.",
            )

    async def checkpoints(self, upto: Head) -> None:
        """Copy the recorded checkpoints; those that are there already are left as they are."""
        head = await self._target.head(self._log)
        assert head is not None, "its events were copied"
        last = upto.size
        while rows := await self._source.checkpoints(upto.number, limit=_PAGE, last=last):
            await self._target.put_checkpoints([row._replace(log=head.number) for row in rows])
            last = rows[-1].size - 1

    async def _begin(self, upto: Head) -> int:
        """Make the log where it is not yet; how many events the target has of it."""
        head = await self._target.head(self._log)
        if head is None:
            request = HeadRequest(self._log, upto.origin, lambda _: False)
            await self._target.append([request], [], lambda heads, known: Batch())
            head = await self._target.head(self._log)
            assert head is not None, "it was made"
        self._check({self._log: head})
        if head.size > upto.size:
            raise InputError(f"The target holds more of log {self._log} than the source.")
        return head.size

    async def _append(self, upto: Head, start: int, end: int) -> None:
        base = upto.number * LOG_SPAN
        first, last = base + start, base + end - 1
        rows = await self._source.select(
            Selection(first, last, newest_first=False, limit=end - start)
        )
        mentions = await self._source.mentions(first, last)
        leaves = await self._leaves(upto.number, start, end, rows)

        def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
            head = self._check(heads)
            if head.size != start:
                raise SealedError(f"Another process copies log {self._log} at the same time.")
            moved = head.number * LOG_SPAN - base
            frontier = Frontier.from_bytes(head.frontier) if head.size else Frontier()
            grown, growth = frontier.append(leaves)
            batch = Batch(
                rows=[row._replace(position=row.position + moved) for row in rows],
                mentions=[
                    MentionRow(one.position + moved, one.name, one.person, one.stored)
                    for one in mentions
                ],
                counts=_counts(head.number, rows),
            )
            for part in growth:
                offset, hashes = part.offset, part.hashes
                if part.level == 0 and offset:
                    # The rows hold the leaves of a tile that is not full.
                    offset, hashes = 0, (head.tail or b"") + hashes
                batch.tiles.append(TileRow(head.number, part.level, part.index, offset, hashes))
            head.size = end
            times = [row.recorded_at for row in rows]
            if end == upto.size:
                times.append(upto.recorded_at)
            head.recorded_at = max([head.recorded_at, *times])
            head.frontier = grown.to_bytes()
            batch.heads.append(head)
            return batch

        wants_tail = bool(start % TILE_WIDTH)
        request = HeadRequest(self._log, upto.origin, lambda _: wants_tail)
        await self._target.append([request], [], build)

    def _check(self, heads: Mapping[str, Head]) -> Head:
        head = heads[self._log]
        if head.sealed is None:
            raise SealedError(f"The target's log {self._log} is complete, and written to.")
        if head.sealed != self._seal:
            raise InputError(
                f"The target holds another log {self._log}.", remedy="Name an empty target."
            )
        return head

    async def _leaves(
        self, number: int, start: int, end: int, rows: Sequence[EventRow]
    ) -> list[bytes]:
        """The leaf hashes; of purged events, whose rows are gone, the tiles have them."""
        found = {row.position % LOG_SPAN: row.leaf for row in rows}
        for tile in range(start // TILE_WIDTH, -(-end // TILE_WIDTH)):
            places = range(max(start, tile * TILE_WIDTH), min(end, (tile + 1) * TILE_WIDTH))
            if all(place in found for place in places):
                continue
            held = await self._source.tile(number, 0, tile) or b""
            for place in places:
                at = place % TILE_WIDTH * HASH_BYTES
                leaf = held[at : at + HASH_BYTES]
                if place not in found and len(leaf) == HASH_BYTES:
                    found[place] = leaf
        try:
            return [found[place] for place in range(start, end)]
        except KeyError as error:
            raise StoreCorruptError(
                f"The source lacks an event of log {self._log}, at index {error}.",
                remedy="Run `counterfoil verify` on the source.",
            ) from None


def _counts(number: int, rows: Sequence[EventRow]) -> list[CountRow]:
    kinds: dict[tuple[int, str, str, int, int], int] = {}
    for row in rows:
        kind = (row.recorded_at // HOUR, row.company_id or "", row.type, row.level, row.outcome)
        kinds[kind] = kinds.get(kind, 0) + 1
    return [CountRow(number, *kind, events) for kind, events in kinds.items()]
