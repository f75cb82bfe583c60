"""Appends rows of the test's choosing: a store knows nothing of what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from counterfoil.record.row import COLUMNS, LOG_SPAN, EventRow, MentionRow
from counterfoil.store import Batch, CountRow, Head, HeadRequest, Selection, Store, TileRow

#: An hour of 2026, in hours and in microseconds since the Unix epoch.
HOUR = 490_896
NOON = HOUR * 3_600_000_000

ANYWHERE = range(LOG_SPAN)


def row(position: int, **fields: Any) -> EventRow:
    """An event's row; what is not given is the least that is allowed.

    Args:
        position: unless ``id`` is given, the id and the leaf follow from it.
    """
    digest = sha256(str(position).encode()).digest()
    fields = dict.fromkeys(COLUMNS) | {
        "position": position,
        "id": digest[:16],
        "leaf": digest,
        "recorded_at": NOON,
        "occurred_at": NOON,
        "type": "order_created",
        "level": 0,
        "outcome": 0,
        "entry": b"{}",
        **fields,
    }
    return EventRow._make(fields.values())


def request(
    log: str, wants_tail: Callable[[int], bool] = lambda size: False, origin: str | None = None
) -> HeadRequest:
    """A log to touch."""
    return HeadRequest(log, origin or f"test/{log}", wants_tail)


def grow(head: Head, events: int, recorded_at: int = NOON) -> Head:
    """A head moved on, with a frontier that differs from every other size's."""
    head.size += events
    head.recorded_at = recorded_at
    head.frontier = head.size.to_bytes(8, "big")
    return head


async def put(
    store: Store,
    *events: Mapping[str, Any] | None,
    log: str = "default",
    at: int = NOON,
    mentions: Sequence[tuple[int, str, str]] = (),
    tiles: Sequence[tuple[int, int, int, bytes]] = (),
    counts: Sequence[tuple[Any, ...]] = (),
) -> list[EventRow]:
    """Append one batch to one log, and return its rows.

    Args:
        events: the fields of each; None leaves a gap, as if it had been deleted.
        mentions: (place in the batch, name, person).
        tiles: (level, number, offset, hashes).
        counts: (hour, company, type, level, outcome, events).
    """
    rows: list[EventRow] = []

    def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
        head = heads[log]
        start = head.number * LOG_SPAN + head.size
        rows[:] = [
            row(start + place, **{"recorded_at": at, **fields})
            for place, fields in enumerate(events)
            if fields is not None
        ]
        return Batch(
            heads=[grow(head, len(events), at)],
            rows=[tuple(one) for one in rows],
            mentions=[
                MentionRow(start + place, name, person, b"salt" + person.encode())
                for place, name, person in mentions
            ],
            tiles=[TileRow(head.number, *tile) for tile in tiles],
            counts=[CountRow(head.number, *count) for count in counts],
        )

    await store.append([request(log)], [], build)
    return rows


def selection(first: int = LOG_SPAN, last: int = 2 * LOG_SPAN - 1, **fields: Any) -> Selection:
    """A selection of the first log's events, all of them unless told otherwise."""
    return Selection(**{"first": first, "last": last, "newest_first": False, **fields})


async def indexes(store: Store, **fields: Any) -> list[int]:
    """The indexes of what a selection finds, in its order."""
    return [found.index for found in await store.select(selection(**fields))]
