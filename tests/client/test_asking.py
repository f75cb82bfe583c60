"""Everything that can be asked of a log, asked of a server: the very same answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from counterfoil import AuditContext, AuditLog, AuditLogLevel, Event, SyncAuditLog
from counterfoil.errors import (
    ConfigurationError,
    CursorError,
    EventIdError,
    ForbiddenError,
    NotFoundError,
    QueryError,
    StoreUnavailableError,
    WriteError,
)
from counterfoil.log.read.page import Page
from counterfoil.log.read.timeline import Timeline
from counterfoil.log.verification.report import Report
from counterfoil.proof import verify_consistency
from counterfoil.wire import connection

from .real_server import RealServer, served


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RealServer]:
    async with served(tmp_path, checkpoint_interval=None) as server:
        yield server


@pytest.fixture
async def writer(server: RealServer) -> AsyncIterator[AuditLog]:
    async with AuditLog.open(**await server.options("writer")) as log:
        yield log


@pytest.fixture
async def auditor(server: RealServer) -> AsyncIterator[AuditLog]:
    async with AuditLog.open(**await server.options("auditor")) as log:
        yield log


async def record(log: AuditLog, count: int = 7) -> list[str]:
    """Record events of some variety, one after the other."""
    return [
        await log.log_event(
            "price_changed" if n % 2 else "order_created",
            f"u-{n % 3}",
            "192.0.2.7",
            f"p-{n}",
            "product",
            {"n": n, "reason": "supplier"},
            AuditContext(
                company_id=f"c-{n % 2}",
                before_state={"price": n},
                after_state={"price": n + 1},
                request_id=f"r-{n}",
            ),
            subjects=[f"s-{n}"],
            on_behalf_of="u-9",
        )
        for n in range(count)
    ]


FILTERS: list[dict[str, Any]] = [
    {},
    {"user_id": "u-1"},
    {"user_id": ["u-1", "u-2"], "event_type": "price_changed"},
    {"company_id": "c-1", "min_level": "info"},
    {"level": AuditLogLevel.WARNING},
    {"details": {"n": 3}},
    {"changes": {"/price": {"op": "replace"}}},
    {"subject": "s-4"},
    {"on_behalf_of": "u-9", "resource_type": "product"},
    {"since": datetime(2026, 1, 1, tzinfo=UTC)},
    {"until": datetime(2026, 1, 1)},  # noqa: DTZ001 - taken as UTC
    {"occurred_since": datetime.now(UTC) - timedelta(days=1)},
    {"exclude": {"user_id": ["u-0", "u-1"]}},
    {"user_id": "nobody & co=1?#%"},
]


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_pages_are_the_same_as_where_the_log_is(
    server: RealServer, writer: AuditLog, auditor: AuditLog, order: Any
) -> None:
    await record(writer)
    for filters in FILTERS:
        here = await pages(auditor, order, filters)
        assert here == await pages(server.audit, order, filters), filters
        assert all(isinstance(event, Event) for event in here)


async def pages(log: AuditLog, order: Any, filters: dict[str, Any]) -> list[Event]:
    """All pages' events but for the log's own, which grow with every question."""
    found: list[Event] = []
    cursor = None
    while True:
        page = await log.query(order=order, limit=2, cursor=cursor, **filters)
        assert isinstance(page, Page)
        found += [event for event in page if not event.type.startswith("audit.")]
        cursor = page.next_cursor
        if cursor is None:
            return found


async def test_every_question_has_the_same_answer(
    server: RealServer, writer: AuditLog, auditor: AuditLog
) -> None:
    ids = await record(writer)
    there = server.audit
    for event_id in ids:
        assert await auditor.get(event_id) == await there.get(event_id)
    assert await auditor.count(user_id="u-1") == await there.count(user_id="u-1") == 2
    mine = [event async for event in auditor.events(event_type="price_changed")]
    assert mine == [event async for event in there.events(event_type="price_changed")]
    newest = [event.id async for event in auditor.events(order="newest", user_id="u-0")]
    assert newest == [ids[6], ids[3], ids[0]]
    assert [event.id for event in await auditor.user_activity("u-2")] == [ids[5], ids[2]]
    history = await auditor.resource_history("product", "p-3")
    assert [event.id for event in history] == [ids[3]]
    types = ["price_changed", "order_created"]
    for unit in ("hour", "day"):
        timeline = await auditor.timeline(unit, by=["type", "company_id"], event_type=types)
        assert isinstance(timeline, Timeline)
        assert timeline == await there.timeline(unit, by=["type", "company_id"], event_type=types)
        assert timeline.total == 7


async def test_an_iteration_ends_with_what_was_there_when_it_began(
    writer: AuditLog, auditor: AuditLog
) -> None:
    ids = await record(writer, 3)
    seen = []
    async for event in auditor.events(event_type=["order_created", "price_changed"]):
        seen.append(event.id)
        await writer.log_event("order_created")
    assert seen == ids
    assert [event async for event in auditor.events(user_id="nobody")] == []


async def test_a_log_is_followed_from_now_on(writer: AuditLog, auditor: AuditLog) -> None:
    await record(writer, 2)
    async with auditor.follow(event_type=["order_created", "price_changed"]) as events:
        place = events.cursor
        ids = await record(writer, 5)
        seen = [await anext(events) for _ in range(5)]
        assert [event.id for event in seen] == ids
        assert events.cursor != place
        resumed = auditor.follow(after=place, event_type=["order_created", "price_changed"])
        assert [(await anext(resumed)).id for _ in range(5)] == ids
        await resumed.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(resumed)


async def test_a_follow_that_is_cancelled_loses_nothing(
    writer: AuditLog, auditor: AuditLog
) -> None:
    async with auditor.follow(event_type="user_login") as events:
        for _ in range(3):
            step = asyncio.create_task(anext(events))
            await asyncio.sleep(0)
            step.cancel()
            await asyncio.gather(step, return_exceptions=True)
        ids = [await writer.log_event("user_login") for _ in range(3)]
        assert [(await anext(events)).id for _ in range(3)] == ids


async def test_a_follow_begins_at_its_since_and_ends_at_its_until(
    writer: AuditLog, auditor: AuditLog
) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    ids = await record(writer, 3)
    wanted = ["order_created", "price_changed"]
    seen = []
    async for event in auditor.follow(since=since, event_type=wanted):
        seen.append(event.id)
        if len(seen) == 3:
            break
    assert seen == ids
    until = datetime.now(UTC)
    await record(writer, 1)
    async with asyncio.timeout(20):
        late = [event.id async for event in auditor.follow(since=since, until=until)]
    assert [one for one in late if one in ids] == ids


async def test_closing_the_log_ends_who_follows_it(server: RealServer, writer: AuditLog) -> None:
    log = await AuditLog.open(**await server.options("reader"))
    begun = log.follow(event_type="user_login")
    await begun.start()
    waiting = asyncio.create_task(anext(begun))
    await asyncio.sleep(0)
    await log.close()
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_checkpoints_and_proofs_are_checked_here(
    server: RealServer, writer: AuditLog, auditor: AuditLog
) -> None:
    ids = await record(writer, 5)
    old = await auditor.checkpoint()
    assert old == await server.audit.checkpoint()
    await record(writer, 4)
    new = await auditor.checkpoint()
    proof = await auditor.consistency(old.size, new.size)
    verify_consistency(old.size, old.root, new.size, new.root, proof)
    proven = await auditor.prove(ids[2])
    assert proven.verify(new.verifier_key).entry == (await server.audit.get(ids[2])).entry
    assert proven.disclosures


async def test_the_server_verifies(writer: AuditLog, auditor: AuditLog) -> None:
    await record(writer)
    seen: list[tuple[int, int]] = []
    report = await auditor.verify(progress=lambda done, all_: seen.append((done, all_)))
    assert isinstance(report, Report)
    assert report.ok
    assert report.events >= 7
    assert seen
    one = await auditor.verify("default", since="last")
    assert one.ok
    assert one.logs[0].log == "default"
    assert len(one.logs[0].root or b"") == 32


async def test_what_was_altered_is_found_over_the_wire(
    server: RealServer, writer: AuditLog, auditor: AuditLog, tmp_path: Path
) -> None:
    import apsw

    ids = await record(writer)
    await auditor.checkpoint()
    connection = apsw.Connection(str(tmp_path / "audit.db"))
    connection.execute("UPDATE event SET user_id = 'u-77' WHERE user_id = 'u-1'")
    connection.close()
    report = await auditor.verify()
    assert not report.ok
    assert {finding.event_id for finding in report.findings} == {ids[1], ids[4]}
    assert {finding.field for finding in report.findings} == {"user_id"}


async def test_stats(server: RealServer, writer: AuditLog, auditor: AuditLog) -> None:
    await record(writer, 3)
    stats = await auditor.stats()
    assert stats.store == server.url
    assert stats.size >= 3
    assert [log.name for log in stats.logs] == ["default"]
    assert stats.usage == (await server.audit.stats()).usage


async def test_bad_questions_are_refused_as_where_the_log_is(
    writer: AuditLog, auditor: AuditLog
) -> None:
    await record(writer, 3)
    with pytest.raises(NotFoundError):
        await auditor.get("01a21092-5e0c-764d-8ae8-c4268a432f91")
    with pytest.raises(EventIdError):
        await auditor.get("no-id")
    with pytest.raises(QueryError):
        await auditor.query(limit=0)
    with pytest.raises(QueryError):
        await auditor.query(order="sideways")  # type: ignore[arg-type]
    with pytest.raises(QueryError):
        await auditor.query(colour="red")  # type: ignore[call-arg]
    page = await auditor.query(limit=1)
    with pytest.raises(CursorError):
        await auditor.query(limit=1, cursor=page.next_cursor, user_id="u-1")
    with pytest.raises(CursorError):
        await auditor.follow(after="nonsense").start()
    with pytest.raises(QueryError):
        await auditor.timeline("day", details={"n": 1})  # type: ignore[call-arg]
    with pytest.raises(NotFoundError):
        await auditor.checkpoint("no-such-log")
    with pytest.raises(NotFoundError):
        await auditor.prove("01a21092-5e0c-764d-8ae8-c4268a432f91")


async def test_a_key_reaches_what_it_is_for(server: RealServer, writer: AuditLog) -> None:
    await record(writer)
    with pytest.raises(ForbiddenError):
        await writer.query()
    async with AuditLog.open(**await server.options("reader", company="c-1")) as tenant:
        assert {event.company_id for event in await tenant.query()} == {"c-1"}
        with pytest.raises(ForbiddenError):
            await tenant.verify()
        with pytest.raises(WriteError):
            await tenant.log_event("role_assigned")
    options = await server.options("writer", company="c-1")
    async with AuditLog.open(**options) as tenant:
        event_id = await tenant.log_event("user_login", "u-1")
        with pytest.raises(WriteError, match="another company"):
            await tenant.log_event("user_login", context=AuditContext(company_id="c-2"))
    assert (await server.audit.get(event_id)).company_id == "c-1"


async def test_what_is_done_where_the_database_is_says_so(auditor: AuditLog) -> None:
    for call in (
        auditor.rotate_token_key(),
        auditor.continue_restored(),
        auditor.company_log("c-1"),
    ):
        with pytest.raises(ConfigurationError, match="where the server's database is"):
            await call
    with pytest.raises(ConfigurationError):
        _ = auditor.host


async def test_tokens_are_the_same_here_and_there(server: RealServer, auditor: AuditLog) -> None:
    async with AuditLog.open(**await server.options("writer", company="c-1")) as tenant:
        event_id = await tenant.log_event("user_login", context=AuditContext(session_id="s-1"))
        wanted = server.audit.tokens("s-1", company_id="c-1")
        assert tenant.tokens("s-1", company_id="c-1") == wanted
        assert (await auditor.get(event_id)).session_id == wanted[0]


async def test_retries_by_id_are_the_same_event_and_others_a_conflict(
    server: RealServer, writer: AuditLog, auditor: AuditLog
) -> None:
    from counterfoil.clock import SYSTEM_CLOCK
    from counterfoil.errors import ConflictError

    event_id = SYSTEM_CLOCK.event_id()
    for _ in range(3):
        again = await writer.log_event("role_assigned", "u-1", event_id=event_id)
        assert again == event_id
    with pytest.raises(ConflictError) as caught:
        await writer.log_event("role_assigned", "u-2", event_id=event_id)
    assert caught.value.event_id == event_id
    assert await auditor.count(event_type="role_assigned") == 1
    assert await auditor.count(event_type="audit.conflict") == 1


async def test_threads_ask_through_the_facade(server: RealServer, writer: AuditLog) -> None:
    ids = await record(writer, 3)
    options = await server.options("auditor")

    def ask() -> list[str]:
        with SyncAuditLog.open(**options) as log:
            assert log.get(ids[0]).id == ids[0]
            assert log.verify().ok
            assert log.prove(ids[1]).verify()
            return [event.id for event in log.events(event_type=["price_changed", "order_created"])]

    assert await asyncio.to_thread(ask) == ids


async def test_a_follow_goes_on_where_it_was_when_the_server_comes_back(tmp_path: Path) -> None:
    seen: list[str] = []
    async with served(tmp_path, checkpoint_interval=None) as server:
        options = await server.options("reader")
        writing = await server.options("writer")
        log = await AuditLog.open(**options)
        events = log.follow(event_type="user_login")
        await events.start()
        async with AuditLog.open(**writing) as writer:
            ids = [await writer.log_event("user_login") for _ in range(3)]
        seen += [(await anext(events)).id for _ in range(2)]
        waiting = asyncio.create_task(_rest(events, seen, 5))
    async with served(tmp_path, port=server.port, checkpoint_interval=None):
        async with AuditLog.open(**writing) as writer:
            ids += [await writer.log_event("user_login") for _ in range(3)]
        async with asyncio.timeout(30):
            await waiting
        await log.close()
    assert seen == ids[:5]


async def _rest(events: Any, seen: list[str], count: int) -> None:
    while len(seen) < count:
        seen.append((await anext(events)).id)


async def test_large_events_come_fewer_at_a_time(
    writer: AuditLog, auditor: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [
        await writer.log_event("order_created", details={"note": "word " * 4_000}) for _ in range(9)
    ]
    # Less than all of them take, and more than one does.
    monkeypatch.setattr(connection, "MAX_ANSWER", 100_000)
    page = await auditor.query(event_type="order_created", order="oldest", limit=9)
    assert 0 < len(page) < 9
    rest = await auditor.query(
        event_type="order_created", order="oldest", limit=9, cursor=page.next_cursor
    )
    assert [event.id for event in page] + [event.id for event in rest] == ids[
        : len(page) + len(rest)
    ]
    assert [event.id async for event in auditor.events(event_type="order_created")] == ids
    monkeypatch.setattr(connection, "MAX_ANSWER", 1_000)
    with pytest.raises(StoreUnavailableError, match="too long"):
        await auditor.query(limit=9)
