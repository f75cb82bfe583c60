"""The same event id once more: answered, or a conflict that leaves its mark."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uuid_utils

from counterfoil.base import AuditContext, AuditLogLevel
from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.errors import ConflictError
from counterfoil.log.limits import Limits
from counterfoil.log.write.intake import Intake
from counterfoil.log.write.writer import Writer
from counterfoil.policy.catalogue import Catalogue
from counterfoil.policy.chain import default_chain
from counterfoil.record import Event
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.row import LOG_SPAN
from counterfoil.store import Selection, Store, open_store

NOTHING: dict[str, Any] = dict.fromkeys(
    (
        "user_id",
        "ip_address",
        "resource_id",
        "resource_type",
        "details",
        "context",
        "level",
        "options",
    )
)
EVERYTHING: dict[str, Any] = {
    "user_id": "u-1",
    "ip_address": "192.0.2.7",
    "resource_id": "o-1",
    "resource_type": "order",
    "details": {"reason": "late", "parts": (1, 2)},
    "context": AuditContext(
        user_agent="Firefox/128.0",
        request_id="r-1",
        company_id="c-1",
        before_state={"total": 1},
        after_state={"total": 2},
        changes={"/total": {"op": "replace", "old": 1, "new": 2}},
        metadata={"ticket": "T-1"},
    ),
    "level": AuditLogLevel.WARNING,
    "outcome": "failure",
    "subjects": ["s-1", "s-2"],
    "on_behalf_of": "b-1",
    "impersonator": "i-1",
    "occurred_at": datetime(2026, 1, 1, tzinfo=UTC),
}


class Desk:
    """Calls reach a store by way of the intake and the writer alone."""

    def __init__(self, store: Store) -> None:
        catalogue = Catalogue.under()
        self.store = store
        self.intake = Intake(catalogue, default_chain(catalogue), SYSTEM_CLOCK, 30)
        self.writer = Writer(
            store, SYSTEM_CLOCK, Limits(), lambda log: f"test/{log}", lambda _: None, self._conflict
        )

    def _conflict(self, entry: UntimedEntry) -> UntimedEntry:
        facts = {"kind": "conflict", "event_id": entry.event_id}
        return self.intake.own("audit.conflict", log=entry.log, audit=facts)

    def call(self, event_id: str, **given: Any) -> asyncio.Future[str]:
        kind = given.pop("event_type", "order_created")
        fields = {**NOTHING, **given}
        return self.writer.put(self.intake.take(kind, event_id=event_id, **fields))

    async def events(self, number: int = 1) -> list[Event]:
        first, last = number * LOG_SPAN, (number + 1) * LOG_SPAN - 1
        people = await self.store.mentions(first, last)
        rows = await self.store.select(Selection(first, last, newest_first=False, limit=100))
        return [
            Event.decode(row, [one for one in people if one.position == row.position])
            for row in rows
        ]


@pytest.fixture(params=["sqlite", "memory"])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    store = open_store(
        "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'audit.db'}"
    )
    await store.open()
    desk = Desk(store)
    yield desk
    await desk.writer.close()
    await store.close()


def new_id() -> str:
    return str(uuid_utils.uuid7())


@pytest.mark.parametrize("fields", [{}, EVERYTHING, {"details": {"_sd": [1.5, None]}}])
async def test_the_same_again_is_answered_with_the_same_id(
    desk: Desk, fields: dict[str, Any]
) -> None:
    event_id = new_id()
    answers = [await desk.call(event_id, **fields) for _ in range(3)]
    answers += await asyncio.gather(*[desk.call(event_id, **fields) for _ in range(3)])
    assert set(answers) == {event_id}
    assert len(await desk.events()) == 1


async def test_the_same_twice_in_one_batch_is_recorded_once(desk: Desk) -> None:
    event_id = new_id()
    calls = [desk.call(event_id, **EVERYTHING) for _ in range(4)]
    assert await asyncio.gather(*calls) == [event_id] * 4
    assert [event.id for event in await desk.events()] == [event_id]


@pytest.mark.parametrize(
    "other",
    [
        {"event_type": "order_updated"},
        {"user_id": "u-2"},
        {"ip_address": "192.0.2.8"},
        {"resource_id": "o-2"},
        {"resource_type": "invoice"},
        {"details": {"reason": "early"}},
        {"level": AuditLogLevel.INFO},
        {"outcome": "success"},
        {"subjects": ["s-1"]},
        {"subjects": ["s-2", "s-1"]},
        {"subjects": ["s-1", "s-2", "s-3"]},
        {"on_behalf_of": "b-2"},
        {"impersonator": "i-2"},
        {"occurred_at": datetime(2026, 1, 2, tzinfo=UTC)},
        {"context": AuditContext(user_agent="Firefox/129.0")},
        {"context": AuditContext(request_id="r-2")},
        {"context": AuditContext(company_id="c-2")},
        {"context": AuditContext(before_state={"total": 9})},
        {"context": AuditContext(after_state={"total": 9})},
        {"context": AuditContext(changes={"/other": {"op": "add", "old": None, "new": 1}})},
        {"context": AuditContext(metadata={"ticket": "T-2"})},
        {"log": "other"},
    ],
    ids=lambda other: ",".join(other) if isinstance(other, dict) else None,
)
@pytest.mark.parametrize("at_once", [False, True], ids=["later", "in one batch"])
async def test_any_difference_is_a_conflict(
    desk: Desk, other: dict[str, Any], at_once: bool
) -> None:
    event_id = new_id()
    first = desk.call(event_id, **EVERYTHING)
    if not at_once:
        await first
    with pytest.raises(ConflictError) as caught:
        await desk.call(event_id, **{**EVERYTHING, **other})
    assert await first == event_id
    assert caught.value.event_id == event_id
    await desk.writer.drain()
    logs = await desk.store.heads()
    kept = [event for head in logs for event in await desk.events(head.number)]
    recorded, noted = sorted(kept, key=lambda event: event.type.startswith("audit."))
    assert (recorded.id, recorded.user_id, recorded.details) == (
        event_id,
        "u-1",
        {"reason": "late", "parts": [1, 2]},
    )
    assert (noted.type, noted.level) == ("audit.conflict", AuditLogLevel.CRITICAL)
    assert noted.audit == {"kind": "conflict", "event_id": event_id}


@pytest.mark.parametrize(
    "fewer",
    [{}, {"user_id": "u-1"}, {"details": EVERYTHING["details"]}, {"subjects": ["s-1", "s-2"]}],
)
async def test_what_the_call_does_not_name_is_not_compared(
    desk: Desk, fewer: dict[str, Any]
) -> None:
    event_id = new_id()
    await desk.call(event_id, **EVERYTHING)
    # Its time of happening above all: a retry happens later than the first try.
    assert await desk.call(event_id, **fewer) == event_id


async def test_what_was_never_said_is_a_difference(desk: Desk) -> None:
    event_id = new_id()
    await desk.call(event_id)
    with pytest.raises(ConflictError):
        await desk.call(event_id, details={"reason": "late"})


async def test_a_conflict_is_recorded_even_while_closing(desk: Desk) -> None:
    event_id = new_id()
    await desk.call(event_id, user_id="u-1")
    call = desk.call(event_id, user_id="u-2")
    await desk.writer.close()
    with pytest.raises(ConflictError):
        await call
    assert [event.type for event in await desk.events()] == ["order_created", "audit.conflict"]


async def test_a_repeat_beside_new_events_holds_nothing_up(desk: Desk) -> None:
    event_id = new_id()
    await desk.call(event_id, user_id="u-1")
    calls = [desk.call(event_id, user_id="u-1"), desk.call(event_id, user_id="u-2")]
    others = [new_id() for _ in range(5)]
    fresh = [desk.call(one) for one in others]
    assert await asyncio.gather(*fresh) == others
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert found[0] == event_id
    assert isinstance(found[1], ConflictError)
    await desk.writer.drain()
    assert len(await desk.events()) == 7
