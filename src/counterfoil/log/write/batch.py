"""A batch: what one transaction appends, built under the heads' locks.

The store calls :meth:`BatchBuilder.build` in its transaction. Everything that needs no lock
(the disclosures' digests) is done by :meth:`BatchBuilder.prepare` before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from counterfoil.clock import Clock
from counterfoil.errors import StoreCorruptError
from counterfoil.log.seal import Seal, sealed_error
from counterfoil.proof.frontier import Frontier
from counterfoil.proof.hashing import leaf_hash
from counterfoil.record.entry import UntimedEntry, commit
from counterfoil.record.instant import HOUR
from counterfoil.record.row import LOG_SPAN, EventRow, MentionRow, make_row
from counterfoil.store import Batch, CountRow, Head, HeadRequest, TileRow
from counterfoil.store.interface import TILE_WIDTH

#: Edges that are kept, up to 10 KiB each. A log whose edge was let go of is read from its head
#: again, and from its rows once a tile is full.
MOST_EDGES = 1_024
#: What events are counted by.
_KIND = attrgetter("event_type", "level", "outcome", "company_id")


class TreeEdge:
    """A log's right edge as this process last committed it.

    A copy: valid only while the store's head has the same size and frontier. ``tail`` holds
    the leaf hashes of the tile that is not full yet, or None where this process does not
    know them because another one wrote some.
    """

    __slots__ = ("frontier", "tail")

    def __init__(self, frontier: Frontier, tail: bytes | None) -> None:
        self.frontier = frontier
        self.tail = tail

    @property
    def known_size(self) -> int:
        """The size at which no tail need be read, or -1."""
        return -1 if self.tail is None else self.frontier.size


class BatchBuilder:
    """Builds one batch from the entries that have gathered.

    Args:
        entries: in the order in which they were queued.
        clock: gives ``recorded_at``.
        edges: the process's copies of the logs' right edges; read and replaced here. One
            that was left by a batch that failed does not fit the head, and is not used.
        origin: the origin of a log that has to be made, by name.
        past: seals, by log, that this batch may pass: it is what seals or opens them.
    """

    def __init__(
        self,
        entries: Sequence[UntimedEntry],
        clock: Clock,
        edges: dict[str, TreeEdge],
        origin: Callable[[str], str],
        past: Mapping[str, str] | None = None,
    ) -> None:
        self.entries = entries
        #: The places of entries whose id was there already, and what has it: the stored row,
        #: or an earlier entry of the batch. They are not recorded again.
        self.repeats: dict[int, EventRow | UntimedEntry] = {}
        #: Log name -> its size after the batch.
        self.sizes: dict[str, int] = {}
        self._clock = clock
        self._edges = edges
        self._past = past or {}
        by_log: dict[str, list[int]] = {}
        for place, entry in enumerate(entries):
            by_log.setdefault(entry.log, []).append(place)
        self._by_log = dict(sorted(by_log.items()))
        self.ids = [entry.id for entry in entries if entry.draft is not None]
        # Nothing in them leads back here: a batch that has been written goes at once, entries and
        # all, and not when the garbage collector comes by.
        self.requests = [
            HeadRequest(log, origin(log), partial(_wants_tail, edges, log, len(places)))
            for log, places in self._by_log.items()
        ]

    def prepare(self) -> None:
        """Hash the disclosures. Needs no lock, and is not for the event loop."""
        commit(self.entries)

    def build(self, heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
        """Give indexes and times, complete and hash the entries, and extend the trees."""
        batch = Batch()
        self.repeats.clear()
        now = self._clock.now()
        for log, places in self._by_log.items():
            fresh = self._fresh(places, known) if self.ids else [self.entries[i] for i in places]
            if fresh:
                head = heads[log]
                if head.sealed is not None and head.sealed != self._past.get(log):
                    raise sealed_error(Seal.parse(head.sealed))
                self._extend(batch, heads[log], fresh, now)
        return batch

    def _fresh(self, places: Sequence[int], known: Mapping[bytes, EventRow]) -> list[UntimedEntry]:
        fresh: list[UntimedEntry] = []
        first: dict[bytes, UntimedEntry] = {}
        for place in places:
            entry = self.entries[place]
            if entry.draft is not None:
                earlier = known.get(entry.id) or first.get(entry.id)
                if earlier is not None:
                    self.repeats[place] = earlier
                    continue
                first[entry.id] = entry
            fresh.append(entry)
        return fresh

    def _extend(self, batch: Batch, head: Head, entries: Sequence[UntimedEntry], now: int) -> None:
        recorded_at = max(now, head.recorded_at)
        edge = self._edge(head)
        position = head.number * LOG_SPAN + head.size
        leaves: list[bytes] = []
        for at, entry in enumerate(entries, position):
            data, expires_at, decays_at = entry.complete(recorded_at)
            leaf = leaf_hash(data)
            leaves.append(leaf)
            batch.rows.append(make_row(entry, at, leaf, recorded_at, data, expires_at, decays_at))
            if entry.people:
                batch.mentions += [MentionRow(at, *person) for person in entry.people]

        frontier, growth = edge.frontier.append(leaves)
        for grown in growth:
            offset, hashes = grown.offset, grown.hashes
            if grown.level == 0 and offset:
                # The rows hold the leaves of a tile that is not full; now it is written whole.
                offset, hashes = 0, _tail(edge, head) + hashes
            batch.tiles.append(TileRow(head.number, grown.level, grown.index, offset, hashes))

        kinds: dict[tuple[Any, ...], int] = {}
        for kind in map(_KIND, entries):
            kinds[kind] = kinds.get(kind, 0) + 1
        hour = recorded_at // HOUR
        batch.counts.extend(
            CountRow(head.number, hour, company or "", kind, level, outcome, count)
            for (kind, level, outcome, company), count in kinds.items()
        )
        head.size += len(entries)
        head.recorded_at = recorded_at
        head.frontier = frontier.to_bytes()
        batch.heads.append(head)
        self.sizes[head.log] = head.size
        edges = self._edges
        # At the end, so that the log that was written to longest ago comes first.
        edges.pop(head.log, None)
        edges[head.log] = TreeEdge(frontier, _new_tail(edge.tail, leaves, head.size))
        while len(edges) > MOST_EDGES:
            del edges[next(iter(edges))]

    def _edge(self, head: Head) -> TreeEdge:
        edge = self._edges.get(head.log)
        if (
            edge is not None
            and edge.frontier.size == head.size
            and edge.frontier.to_bytes() == head.frontier
        ):
            if edge.tail is None and head.tail is not None:
                return TreeEdge(edge.frontier, head.tail)
            return edge
        frontier = Frontier.from_bytes(head.frontier) if head.size else Frontier()
        if frontier.size != head.size:
            raise StoreCorruptError(f"The head of log {head.log} does not fit its tree.")
        return TreeEdge(frontier, b"" if head.size % TILE_WIDTH == 0 else head.tail)


def _wants_tail(edges: Mapping[str, TreeEdge], log: str, events: int, size: int) -> bool:
    """Whether the append fills a tile whose first leaves this process does not know."""
    edge = edges.get(log)
    known = edge is not None and edge.known_size == size
    return not known and size % TILE_WIDTH + events >= TILE_WIDTH


def _tail(edge: TreeEdge, head: Head) -> bytes:
    if edge.tail is None:
        raise StoreCorruptError(f"The head of log {head.log} changed without growing.")
    return edge.tail


def _new_tail(tail: bytes | None, leaves: Sequence[bytes], size: int) -> bytes | None:
    """The leaf hashes of the tile that is not full, after an append up to ``size``."""
    width = size % TILE_WIDTH
    if width <= len(leaves):
        return b"".join(leaves[len(leaves) - width :])
    return None if tail is None else tail + b"".join(leaves)
