"""The Protocol that every store satisfies, and the plain values that cross it.

A store keeps bytes and answers questions; it knows nothing of hashing, policy or proofs.
Tiles, frontiers and checkpoints are opaque to it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from counterfoil.record.row import EventRow, MentionRow

from .registry import Registry

#: Leaf hashes in a full tile (C2SP tlog-tiles), and the bytes of one.
TILE_WIDTH = 256
HASH_BYTES = 32

#: The bounds of what a column of integers can hold.
SMALLEST, LARGEST = -(2**63), 2**63 - 1


@dataclass(slots=True)
class Head:
    """Where a log ends.

    Attributes:
        log: the log's name; ``number``: its place in positions (``record.row.LOG_SPAN``).
        size: how many events it has ever had.
        recorded_at: the last event's time, microseconds since the Unix epoch.
        frontier: the tree's right edge, opaque.
        tail: the leaf hashes of the tile that is not full yet; given inside ``append`` only,
            and only where the request wants it.
        sealed: where the log has gone, opaque; None for one that may be written to.
    """

    log: str
    number: int
    origin: str
    size: int = 0
    recorded_at: int = 0
    frontier: bytes = b""
    tail: bytes | None = None
    sealed: str | None = None


class HeadRequest(NamedTuple):
    """A log that an append touches.

    Attributes:
        log: its name; ``origin``: its origin if it has to be made.
        wants_tail: told the head's size, says whether ``Head.tail`` is needed to go on.
    """

    log: str
    origin: str
    wants_tail: Callable[[int], bool]


class TileRow(NamedTuple):
    """Hashes to append to a tile (C2SP tlog-tiles); the tile is made where it is missing.

    ``offset`` is how many hashes it must hold already; a store that finds another number
    raises StoreCorruptError.
    """

    log: int
    level: int
    number: int
    offset: int
    hashes: bytes


class CountRow(NamedTuple):
    """Events of one kind in one UTC hour of ``recorded_at`` (hours since the Unix epoch)."""

    log: int
    hour: int
    company: str
    type: str
    level: int
    outcome: int
    events: int


class CheckpointRow(NamedTuple):
    """A signed checkpoint: opaque bytes, and when it was signed (microseconds)."""

    log: int
    size: int
    signed_at: int
    note: bytes


class Coverage(NamedTuple):
    """A log's head, and its last recorded checkpoint: its size and when it was signed, or 0."""

    head: Head
    size: int
    signed_at: int


@dataclass(slots=True)
class Batch:
    """All that one append writes. ``rows`` are tuples in the order of ``record.row.COLUMNS``."""

    heads: list[Head] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    mentions: list[MentionRow] = field(default_factory=list)
    tiles: list[TileRow] = field(default_factory=list)
    counts: list[CountRow] = field(default_factory=list)


class Holding(NamedTuple):
    """How many rows a table holds of one log; ``level`` tells tiles apart, and is 0 elsewhere."""

    table: str
    log: int
    level: int
    rows: int


#: Called with the heads and the events already stored under the ids asked for. May be called
#: more than once, where another process has moved a head: only the last batch is written. Must
#: not wait for anything; may raise, and then nothing is written. It is given sealed heads too,
#: and says itself whether it may write to them.
Build = Callable[[Mapping[str, Head], Mapping[bytes, EventRow]], Batch]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events to read.

    Attributes:
        first, last: positions, both inclusive.
        equal: column -> the values of which it must have one; never None, and where there is no
            value nothing matches.
        contains: (column, bytes) pairs that must all occur in the stored value; the columns are
            ``entry`` and the disclosures'.
        person: only events that mention this further person.
        newest_first: the order, by position.
        limit: the most rows to return, at least 1.
    """

    first: int
    last: int
    equal: Mapping[str, Collection[Any]] = field(default_factory=dict)
    contains: Sequence[tuple[str, bytes]] = ()
    person: str | None = None
    newest_first: bool = True
    limit: int = 50


class Store(Registry, Protocol):
    """A database that keeps logs.

    Durability, the duty of every implementation: when ``append``, ``put_checkpoints``,
    ``put_meta`` or ``put_company_logs`` returns, what it wrote is committed and synced to
    stable storage, whole, and survives kill -9 and loss of power. When it raises a StoreError
    whose ``outcome_known`` is True, nothing of it is there; where that cannot be known,
    ``outcome_known`` is False.
    Any number of processes may use one database at once: ``append`` holds the heads that it
    was asked for, in the order of their names, from reading them until it has committed.

    A store belongs to the event loop that opened it, and to the process: after ``fork()``
    every call in the child raises ForkedError. No call blocks the event loop. Driver errors
    become StoreErrors with the driver's error as their cause.

    ``memory:`` makes the same promises within its process, and forgets all on close.
    """

    @property
    def name(self) -> str:
        """The address without secrets, for messages."""
        ...

    @property
    def path(self) -> Path | None:
        """The database's file, or None where it is none of this machine's."""
        ...

    @property
    def companions(self) -> Path | None:
        """What the files that go with the database are named after, with an ending each.

        So are the key file and the spool where no others are named; None where the database
        has none, as it goes with its process.
        """
        ...

    async def open(self) -> None:
        """Connect, and create or migrate the schema under a lock.

        Raises:
            StoreUnavailableError: it cannot be reached.
            SchemaError: the schema is newer than this code, or a migration was changed.
        """
        ...

    async def close(self) -> None:
        """Finish what is running and let go of every connection. Idempotent."""
        ...

    async def append(
        self,
        requests: Sequence[HeadRequest],
        ids: Sequence[bytes],
        build: Build,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        """Lock the heads (made where missing), call ``build``, write its batch, commit.

        Args:
            requests: the logs touched, at most 64, sorted by name, each once.
            ids: event ids that may be there already; ``build`` gets those that are.
            build: makes the batch; what it raises is raised after a rollback.
            prepare: work that needs no lock; called once before any is taken, off the event
                loop where the store has a thread.
        """
        ...

    async def head(self, log: str) -> Head | None:
        """The head of one log, or None where there is none."""
        ...

    async def heads(self) -> list[Head]:
        """All heads, by name."""
        ...

    async def coverage(self, after: str, limit: int) -> list[Coverage]:
        """The heads of logs whose names come after one, by name, with their last checkpoints.

        Args:
            after: a log's name; the empty text begins with the first.
            limit: the most to return, at least 1.
        """
        ...

    async def find(self, ids: Sequence[bytes]) -> list[EventRow]:
        """The events with these ids, in no order."""
        ...

    async def select(self, selection: Selection) -> list[EventRow]:
        """The events selected, in the selection's order."""
        ...

    async def count(self, selection: Selection) -> int:
        """How many events match; ``limit`` and order play no role."""
        ...

    async def mentions(self, first: int, last: int) -> list[MentionRow]:
        """The further people of the events at these positions, in order."""
        ...

    async def boundary(self, number: int, size: int, recorded_at: int) -> int:
        """One more than the index of the last event that was recorded before a time, or 0.

        So it is where the events of that time or later begin, wherever some were deleted.
        ``recorded_at`` never decreases along the index, so this is a binary search.

        Args:
            size: the log's size: only events below it are looked at.
        """
        ...

    async def counts(
        self,
        number: int,
        unit: str,
        first: int,
        last: int,
        equal: Mapping[str, Collection[Any]],
        by: Sequence[str],
    ) -> list[tuple[int, tuple[Any, ...], int]]:
        """Sums of the roll-ups: (bucket, values of ``by``, events), in that order.

        There is one by hour, and one by day that knows no companies: days of a company, or by
        company, are summed from the hours, which takes longer.

        Args:
            unit: ``hour`` or ``day``; buckets are whole units since the Unix epoch.
            first, last: buckets, both inclusive.
            equal: filters on ``company``, ``type``, ``level``, ``outcome``.
            by: columns among those four to tell apart.
        """
        ...

    async def tile(self, number: int, level: int, index: int) -> bytes | None:
        """A stored tile's hashes, or None."""
        ...

    async def tiles(
        self, number: int, level: int, first: int, last: int
    ) -> list[tuple[int, bytes]]:
        """(index, hashes) of a level's stored tiles at these indexes, both inclusive, in order."""
        ...

    async def leaves(self, first: int, last: int) -> list[tuple[int, bytes]]:
        """(position, leaf hash) of the events at these positions, in order."""
        ...

    async def misplaced_ids(self, first: int, last: int) -> list[tuple[int, int | None]]:
        """Events at these positions that are not found by their ids, in order.

        For verification: whoever finds an event by its id looks elsewhere than in the event.

        Returns:
            (the event's position, where its id leads, or None where it leads nowhere).
        """
        ...

    async def stray_ids(
        self, limit: int, first: int = SMALLEST, last: int = LARGEST
    ) -> list[tuple[int, bytes]]:
        """(position, id) of ids that lead to no event with that id; looks at every id.

        Args:
            limit: the most to return, at least 1.
            first, last: the positions that they lead to, both inclusive.
        """
        ...

    async def put_checkpoints(self, checkpoints: Sequence[CheckpointRow]) -> None:
        """Record signed checkpoints, all or none; the same size again is left as it is."""
        ...

    async def checkpoints(
        self, number: int, *, limit: int = 1, first: int = SMALLEST, last: int = LARGEST
    ) -> list[CheckpointRow]:
        """The newest checkpoints of a log with these sizes, both inclusive, the newest first."""
        ...

    async def inventory(self) -> list[Holding]:
        """What the tables ``tile``, ``checkpoint``, ``count_by_hour``, ``count_by_day`` hold.

        For verification: it finds the rows that belong to no log.
        """
        ...

    async def meta(self) -> dict[str, str]:
        """The database's own facts: its random id, its verifier key, its creation."""
        ...

    async def put_meta(self, values: Mapping[str, str]) -> dict[str, str]:
        """Set facts that are not set yet; returns all. What is set is never changed."""
        ...

    async def company_logs(self, companies: Sequence[str]) -> dict[str, str]:
        """The names of companies' own logs; those of companies that have none are left out."""
        ...

    async def put_company_logs(self, names: Mapping[str, str]) -> dict[str, str]:
        """Name companies' own logs where they have none yet; returns all of these companies'.

        A name that is set is never changed, and no two companies have the same one.
        """
        ...

    async def company_log_page(self, after: str, limit: int) -> list[tuple[str, str]]:
        """(company, name of its log) of the companies that come after one, in order.

        Args:
            after: a company's id; the empty text begins with the first.
            limit: the most to return, at least 1.
        """
        ...

    async def version(self) -> object:
        """Something that differs once another process has written; cheap to ask."""
        ...

    async def usage(self) -> dict[str, int]:
        """Bytes by part (``database``, ``log``), as far as the engine can tell."""
        ...
