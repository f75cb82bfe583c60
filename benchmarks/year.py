"""A year of events in a store, as an application of medium size leaves them.

Every type of the contract, few of them often and many seldom; some users busy and most not;
each in one of twenty companies. All is drawn from one seed, but for the salts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, islice
from random import Random
from uuid import UUID

from counterfoil.base import AuditEventType
from counterfoil.log.write.batch import BatchBuilder, TreeEdge
from counterfoil.policy.catalogue import RULES
from counterfoil.record import Draft, EventRow
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.instant import DAY
from counterfoil.store import Batch, Head, Store

#: 2025-01-01T00:00:00Z in microseconds.
START = 1_735_689_600_000_000
LENGTH = 365 * DAY

COMPANIES = 20
USERS = 2_000
RESOURCES = 20_000
RESOURCE_TYPES = ("product", "order", "customer", "invoice", "report", "file")

#: Events that share one time of recording, as those of one group commit do.
_GROUP = 50
#: Events a transaction.
_TRANSACTION = 25_000


@dataclass
class SetClock:
    """A clock that stands where it was set."""

    micros: int = START

    def now(self) -> int:
        return self.micros

    def event_id(self) -> str:
        raise NotImplementedError("the year draws its ids from its seed")


def _weights(count: int) -> list[float]:
    """Cumulated weights 1, 1/2, 1/3, ... (Zipf's law)."""
    return list(accumulate(1 / rank for rank in range(1, count + 1)))


def drafts(count: int, seed: int = 6962) -> Iterator[Draft]:
    """So many events, evenly spread over the year."""
    random = Random(seed)
    types = [member.value for member in AuditEventType]
    random.shuffle(types)
    type_weights, user_weights = _weights(len(types)), _weights(USERS)
    resource_weights = _weights(RESOURCES)
    for number in range(count):
        [name] = random.choices(types, cum_weights=type_weights)
        [user] = random.choices(range(USERS), cum_weights=user_weights)
        [resource] = random.choices(range(RESOURCES), cum_weights=resource_weights)
        at = START + number * LENGTH // count
        price = random.randrange(100, 90_000)
        yield Draft(
            event_type=name,
            event_id=_id(at, random),
            occurred_at=at - random.randrange(2_000_000),
            level=RULES[name].level.value,
            outcome="failure" if random.random() < 0.03 else "success",
            user_id=f"u-{user}",
            ip_address=f"192.0.2.{user % 256}",
            user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            session_id=f"s-{user}-{at // DAY}",
            request_id=f"req-{random.getrandbits(64):016x}",
            company_id=f"company-{user % COMPANIES}",
            resource_type=RESOURCE_TYPES[resource % len(RESOURCE_TYPES)],
            resource_id=f"r-{resource}",
            before_state={"name": "Kettle", "price": f"{price / 100:.2f}", "active": True},
            after_state={"name": "Kettle", "price": f"{price / 98:.2f}", "active": True},
            details={"reason": "supplier", "ticket": f"T-{random.randrange(50_000)}"},
            metadata={"source": random.choice(("admin", "api", "import"))},
        )


def _id(at: int, random: Random) -> str:
    """A UUIDv7 (RFC 9562 section 5.7) of a time."""
    high = (at // 1000) << 16 | 0x7 << 12 | random.getrandbits(12)
    return str(UUID(int=high << 64 | 0b10 << 62 | random.getrandbits(62)))


async def record(store: Store, count: int) -> None:
    """Append a year of so many events to an empty store."""
    edges: dict[str, TreeEdge] = {}
    source = drafts(count)
    while entries := [UntimedEntry(draft) for draft in islice(source, _TRANSACTION)]:
        await _append(store, entries, edges)


async def _append(store: Store, entries: list[UntimedEntry], edges: dict[str, TreeEdge]) -> None:
    """One transaction of many groups, each with a time of its own."""
    clock = SetClock()
    whole = BatchBuilder(entries, clock, edges, lambda log: f"benchmark/{log}")

    def build(heads: Mapping[str, Head], known: Mapping[bytes, EventRow]) -> Batch:
        batch = Batch(heads=list(heads.values()))
        for start in range(0, len(entries), _GROUP):
            group = entries[start : start + _GROUP]
            clock.micros = group[-1].occurred_at + 2_000_000
            part = BatchBuilder(group, clock, edges, str).build(heads, known)
            batch.rows += part.rows
            batch.tiles += part.tiles
            batch.counts += part.counts
        return batch

    await store.append(whole.requests, [], build, whole.prepare)
