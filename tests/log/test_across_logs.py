"""Reading where companies have logs of their own: nothing is missed, nothing shown twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil import AuditContext, AuditEventType, AuditLog
from counterfoil.errors import CursorError
from counterfoil.log.company_logs import CompanyLogs
from counterfoil.log.read.reader import Reader
from counterfoil.record import Event
from counterfoil.record.instant import HOUR, to_datetime, to_micros
from tests.postgres import Postgres

from .recording import NEW_YEAR, Recorder, hour, recorder

T = AuditEventType.ORDER_CREATED
START = to_datetime(NEW_YEAR)
COMPANIES = ("c-0", "c-1", "c-2")

#: (company, whether it goes to the company's own log, hours after the one before)
EVENTS = st.lists(
    st.tuples(st.sampled_from([None, *COMPANIES]), st.booleans(), st.integers(0, 2)), max_size=14
)


class Tenants:
    """Records for companies, in their own logs or in the default one."""

    def __init__(self, recording: Recorder) -> None:
        self.recording = recording
        self.logs = CompanyLogs(recording.store)
        self.reader = Reader(recording.store, recording.commits, self.logs, poll=0.01)
        self.ids: dict[str | None, list[str]] = {}
        self._hours = 0

    async def record(self, company: str | None, own: bool, hours: int = 1) -> str:
        self._hours += hours
        log = await self.logs.name(company) if own and company else "default"
        fields = {"company_id": company, "log": log, "user_id": f"u-{company}"}
        [event_id] = await self.recording.record(fields, at=hour(self._hours))
        self.ids.setdefault(company, []).append(event_id)
        return event_id

    async def pages(self, limit: int, order: Any, **filters: Any) -> list[Event]:
        found: list[Event] = []
        cursor: str | None = None
        while True:
            page = await self.reader.query(limit=limit, order=order, cursor=cursor, **filters)
            assert len(page) <= limit
            found += page
            cursor = page.next_cursor
            if cursor is None:
                return found


def in_order(events: list[Event]) -> bool:
    times = [event.recorded_at for event in events]
    return times == sorted(times)


@pytest.mark.parametrize("company", [COMPANIES[0], list(COMPANIES), None], ids=str)
@settings(max_examples=15, deadline=None)
@given(events=EVENTS, limit=st.integers(1, 4))
async def test_pages_show_every_event_once_in_order(
    engine: str | Postgres, company: Any, events: Any, limit: int
) -> None:
    async with recorder(engine) as recording:
        tenants = Tenants(recording)
        for event in events:
            await tenants.record(*event)
        filters = {} if company is None else {"company_id": company}
        wanted = [company] if isinstance(company, str) else company or [None, *COMPANIES]
        expected = sorted(one for name in wanted for one in tenants.ids.get(name, []))
        newest = await tenants.pages(limit, "newest", **filters)
        oldest = await tenants.pages(limit, "oldest", **filters)
        every = [event async for event in tenants.reader.events(**filters)]
        assert sorted(event.id for event in oldest) == expected
        assert [event.id for event in newest] == [event.id for event in reversed(oldest)]
        assert [event.id for event in every] == [event.id for event in oldest]
        assert in_order(oldest)
        assert await tenants.reader.count(**filters) == len(expected)
        assert (await tenants.reader.timeline("hour", **filters)).total == len(expected)


@settings(max_examples=15, deadline=None)
@given(before=EVENTS, after=EVENTS, limit=st.integers(1, 3), scope=st.sampled_from(["c-0", None]))
async def test_what_is_recorded_between_pages_neither_moves_nor_hides_anything(
    engine: str | Postgres, before: Any, after: Any, limit: int, scope: str | None
) -> None:
    async with recorder(engine) as recording:
        tenants = Tenants(recording)
        filters: dict[str, Any] = {} if scope is None else {"company_id": scope}

        def matching() -> set[str]:
            names = [scope] if scope else [None, *COMPANIES]
            return {one for name in names for one in tenants.ids.get(name, [])}

        # So that companies have logs from the beginning on, where all are asked for.
        await tenants.record("c-9", True)
        for event in before:
            await tenants.record(*event)
        known = matching() | (set() if scope else set(tenants.ids["c-9"]))
        first = await tenants.reader.query(limit=limit, **filters)
        ids = [event.id for event in first]
        recording.clock.micros += HOUR
        tenants._hours += 1
        for event in after:
            await tenants.record(*event)
        cursor = first.next_cursor
        while cursor is not None:
            page = await tenants.reader.query(limit=limit, cursor=cursor, **filters)
            ids += [event.id for event in page]
            cursor = page.next_cursor
        assert len(ids) == len(set(ids))
        assert set(ids) == known
        later: list[str] = []
        cursor = first.end_cursor
        while True:
            page = await tenants.reader.query(order="oldest", cursor=cursor, limit=2, **filters)
            later += [event.id for event in page]
            if page.next_cursor is None:
                break
            cursor = page.next_cursor
        assert len(later) == len(set(later))
        assert set(later) == matching() - known


@settings(max_examples=15, deadline=None)
@given(before=EVENTS, after=EVENTS, scope=st.sampled_from(["c-0", None]), stop=st.integers(1, 5))
async def test_following_hands_out_every_event_once(
    engine: str | Postgres, before: Any, after: Any, scope: str | None, stop: int
) -> None:
    async with recorder(engine) as recording:
        tenants = Tenants(recording)
        filters: dict[str, Any] = {} if scope is None else {"company_id": scope}
        for event in before:
            await tenants.record(*event)
        known = {one for ids in tenants.ids.values() for one in ids}
        found: list[str] = []
        started, arrived = asyncio.Event(), asyncio.Event()

        async def read() -> None:
            cursor = None
            while True:
                async with tenants.reader.follow(after=cursor, **filters) as feed:
                    started.set()
                    async for event in feed:
                        found.append(event.id)
                        arrived.set()
                        cursor = feed.cursor
                        # A moment, which stands for all logs, may be passed by one of them.
                        if scope is not None and len(found) % stop == 0:
                            break
                    else:
                        return

        reading = asyncio.create_task(read())
        await started.wait()
        for event in after:
            await tenants.record(*event)
        names = [scope] if scope else [None, *COMPANIES]
        expected = {one for name in names for one in tenants.ids.get(name, [])} - known
        async with asyncio.timeout(10):
            while len(found) < len(expected):
                arrived.clear()
                await arrived.wait()
            recording.commits.close()
            await reading
        assert sorted(found) == sorted(expected)


async def test_a_tenant_never_sees_another(recording: Recorder) -> None:
    tenants = Tenants(recording)
    for number in range(30):
        await tenants.record(COMPANIES[number % 3], own=number > 9)
    for company in COMPANIES:
        own = await tenants.logs.name(company)
        asked: list[dict[str, Any]] = [
            {"company_id": company},
            {"log": own},
            {"log": own, "company_id": company},
        ]
        for filters in asked:
            found = await tenants.pages(3, "newest", **filters)
            assert {event.company_id for event in found} == {company}
            every = [event async for event in tenants.reader.events(**filters)]
            assert {event.company_id for event in every} == {company}
        for other in set(COMPANIES) - {company}:
            assert await tenants.reader.count(log=own, company_id=other) == 0
    assert await tenants.reader.count(company_id="c-9") == 0


async def test_a_named_log_is_the_only_one_looked_at(recording: Recorder) -> None:
    tenants = Tenants(recording)
    await tenants.record("c-0", own=False)
    await tenants.record("c-0", own=True)
    assert await tenants.reader.count(company_id="c-0") == 2
    assert await tenants.reader.count(company_id="c-0", log="default") == 1


async def test_times_bound_what_is_read_of_every_log(recording: Recorder) -> None:
    tenants = Tenants(recording)
    for number in range(12):
        await tenants.record(COMPANIES[number % 3], own=True)
    since, until = START + timedelta(hours=3), START + timedelta(hours=9)
    found = await tenants.pages(2, "newest", since=since, until=until)
    assert [to_micros(event.recorded_at) for event in found] == [hour(n) for n in range(8, 2, -1)]
    oldest = await tenants.pages(2, "oldest", since=since, until=until)
    assert [event.id for event in oldest] == [event.id for event in reversed(found)]
    assert await tenants.reader.count(since=since, until=until) == 6
    feed = tenants.reader.follow(since=since, until=until)
    async with asyncio.timeout(10):
        assert [event.id async for event in feed] == [event.id for event in oldest]


async def test_an_index_leads_to_the_few_logs_that_hold_something(recording: Recorder) -> None:
    tenants = Tenants(recording)
    for number in range(80):
        await tenants.record(f"c-{number}", own=True)
    await tenants.record("c-7", own=True)
    found = await tenants.pages(1, "newest", user_id="u-c-7")
    assert [event.id for event in reversed(found)] == tenants.ids["c-7"]
    everyone = await tenants.pages(50, "newest", user_id=[f"u-c-{n}" for n in range(80)])
    assert len(everyone) == 81


async def test_a_cursor_of_one_log_goes_on_once_there_are_more(recording: Recorder) -> None:
    tenants = Tenants(recording)
    before = [await tenants.record("c-0", own=False) for _ in range(3)]
    newest = await tenants.reader.query(limit=1, company_id="c-0")
    oldest = await tenants.reader.query(limit=2, order="oldest")
    after = await tenants.record("c-0", own=True)
    rest = await tenants.reader.query(cursor=newest.next_cursor, company_id="c-0")
    assert [event.id for event in rest] == before[1::-1]
    rest = await tenants.reader.query(order="oldest", cursor=newest.end_cursor, company_id="c-0")
    assert [event.id for event in rest] == [after]
    rest = await tenants.reader.query(order="oldest", cursor=oldest.next_cursor)
    assert [event.id for event in rest] == [before[2], after]


async def test_a_cursor_of_another_question_is_refused(recording: Recorder) -> None:
    tenants = Tenants(recording)
    for _ in range(3):
        await tenants.record("c-0", own=True)
    everywhere = await tenants.reader.query(limit=1)
    own = await tenants.reader.query(limit=1, company_id="c-0")
    asked: list[tuple[str | None, dict[str, Any]]] = [
        (everywhere.next_cursor, {"company_id": "c-0"}),
        (own.next_cursor, {}),
        (own.next_cursor, {"company_id": "c-1"}),
    ]
    for cursor, filters in asked:
        with pytest.raises(CursorError):
            await tenants.reader.query(cursor=cursor, **filters)


async def test_the_log_itself_reads_so(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path / 'audit.db'}"
    async with AuditLog.open(url) as audit:
        before = await audit.log_event(T, context=AuditContext(company_id="c-1"))
    async with AuditLog.open(url, log_per_company=True) as audit:
        async with audit.follow(company_id="c-1") as feed:
            after = await audit.log_event(T, context=AuditContext(company_id="c-1"))
            await audit.log_event(T, context=AuditContext(company_id="c-2"))
            async with asyncio.timeout(10):
                assert (await anext(feed)).id == after
        assert [event.id for event in await audit.query(company_id="c-1")] == [after, before]
        assert await audit.count() == 3
        assert len(await audit.query()) == 3
