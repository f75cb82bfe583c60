"""Events go to a server: once each, in order, whatever happens on the way."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from counterfoil import (
    AuditContext,
    AuditEventType,
    AuditLog,
    AuditOptions,
    Limits,
    SyncAuditLog,
    WriteError,
)
from counterfoil.base import AuditLogger
from counterfoil.errors import ConflictError, RefusedError, WriteTimeoutError

from .conftest import QUICK, Open
from .unruly_server import TOKEN, Trouble, UnrulyServer, serving

#: May wait in the spool, and may not.
LOGIN, ROLE = "user_login", "role_assigned"


async def test_it_is_the_same_class_and_returns_once_the_server_has_it(
    server: UnrulyServer, opened: Open
) -> None:
    async with opened(server) as log:
        assert isinstance(log, AuditLog)
        logger: AuditLogger = log
        event_id = await logger.log_event(AuditEventType.USER_LOGIN, "u-1", details={"n": 1})
        assert server.ids == [event_id]
        draft = server.events[0]
        assert (draft.event_type, draft.user_id, draft.details) == (LOGIN, "u-1", {"n": 1})
        assert draft.level == "info"
        assert draft.log == ""


async def test_what_gathers_goes_together_and_in_order(server: UnrulyServer, opened: Open) -> None:
    async with opened(server) as log:
        ids = await asyncio.gather(*[log.log_event(LOGIN, f"u-{n}") for n in range(1_000)])
    assert server.ids == ids
    assert len(server.bodies) <= 10


async def test_a_request_holds_no_more_than_the_server_takes(
    server: UnrulyServer, opened: Open
) -> None:
    server.session = {"limits": {"body_bytes": 65_536, "events": 7}}
    async with opened(server) as log:
        calls = [log.log_event(LOGIN, details={"t": "x" * 20_000}) for _ in range(9)]
        calls += [log.log_event(LOGIN) for _ in range(20)]
        ids = await asyncio.gather(*calls)
    assert server.ids == ids
    assert max(server.sizes) <= 65_536
    assert max(map(len, server.bodies)) <= 7


async def test_bodies_are_packed_where_the_server_takes_it(
    server: UnrulyServer, opened: Open
) -> None:
    server.session = {"encodings": ["gzip"]}
    async with opened(server) as log:
        ids = await asyncio.gather(*[log.log_event(LOGIN, f"u-{n}") for n in range(300)])
    assert server.ids == ids
    assert b"content-encoding: gzip" in server.raw


@pytest.mark.parametrize("kind", [LOGIN, ROLE])
@pytest.mark.parametrize("commits", [False, True])
async def test_a_connection_that_breaks_within_the_answer_is_tried_again(
    server: UnrulyServer, opened: Open, kind: str, commits: bool
) -> None:
    server.troubles.append(Trouble(cut=True, commits=commits))
    async with opened(server) as log:
        event_id = await log.log_event(kind)
        assert server.ids == [event_id]
        assert len(server.bodies) == 2


async def test_a_server_that_asks_to_wait_is_left_alone_for_so_long(
    server: UnrulyServer, opened: Open
) -> None:
    busy = Trouble(429, {"retry-after": "1"}, {"code": "rate_limited"})
    server.troubles.append(busy)
    loop = asyncio.get_running_loop()
    async with opened(server) as log:
        began = loop.time()
        event_id = await log.log_event(ROLE)
        assert loop.time() - began >= 1
        assert server.ids == [event_id]


async def test_a_server_that_asks_to_wait_for_too_long_is_bridged(
    server: UnrulyServer, opened: Open
) -> None:
    server.troubles.append(Trouble(429, {"retry-after": "60"}, {"code": "rate_limited"}))
    async with opened(server) as log:
        event_id = await log.log_event(LOGIN)
        await server.hold(1)
        assert server.ids == [event_id]
        server.troubles.append(Trouble(429, {"retry-after": "60"}, {"code": "rate_limited"}))
        with pytest.raises(WriteError) as caught:
            await log.log_event(ROLE)
        assert caught.value.outcome_known


async def test_the_spool_is_not_delivered_to_a_server_that_asks_to_wait(
    server: UnrulyServer, opened: Open
) -> None:
    busy = [
        Trouble(429, {"retry-after": seconds}, {"code": "rate_limited"}) for seconds in ("60", "1")
    ]
    loop = asyncio.get_running_loop()
    async with opened(server) as log:
        server.troubles += busy
        began = loop.time()
        event_id = await log.log_event(LOGIN)
        await server.hold(1)
        assert loop.time() - began >= 1
        assert len(server.bodies) == 3
    assert server.ids == [event_id]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 507])
async def test_what_may_wait_waits_while_the_server_fails_and_comes_in_order(
    server: UnrulyServer, opened: Open, status: int
) -> None:
    async with opened(server) as log:
        server.always = Trouble(status)
        ids = [await log.log_event(LOGIN, f"u-{n}") for n in range(3)]
        with pytest.raises(WriteError) as caught:
            await log.log_event(ROLE)
        assert caught.value.outcome_known is (status in (503, 507))
        assert server.events == []
        server.always = None
        await server.hold(3)
        ids.append(await log.log_event(LOGIN))
    assert server.ids == ids


async def test_a_commit_whose_answer_never_came_is_recorded_once(
    server: UnrulyServer, opened: Open
) -> None:
    async with opened(server) as log:
        server.always = Trouble(cut=True, commits=True)
        ids = [await log.log_event(LOGIN, f"u-{n}") for n in range(3)]
        with pytest.raises(WriteError) as caught:
            await log.log_event(ROLE, event_id=None)
        assert not caught.value.outcome_known
        blocked = caught.value.event_id
        server.always = None
        await log.log_event(ROLE, event_id=blocked)
        ids.append(await log.log_event(LOGIN))
    assert blocked in server.ids
    assert [one for one in server.ids if one != blocked] == ids


async def test_a_server_that_hangs_is_a_server_that_is_away(
    server: UnrulyServer, opened: Open
) -> None:
    limits = Limits(write_timeout=0.3, retry_after=0.05)
    async with opened(server, limits=limits) as log:
        server.always = Trouble(hangs=True)
        with pytest.raises(WriteTimeoutError) as caught:
            await log.log_event(ROLE)
        assert not caught.value.outcome_known
        kept = await log.log_event(LOGIN)
        server.always = None
        server.going.set()
        await server.hold(1)
    assert server.ids == [kept]


async def test_a_body_that_is_too_large_is_halved(server: UnrulyServer, opened: Open) -> None:
    server.most = 2
    async with opened(server) as log:
        ids = await asyncio.gather(*[log.log_event(LOGIN, f"u-{n}") for n in range(40)])
    assert server.ids == ids
    assert max(map(len, server.bodies)) > 2


async def test_an_event_that_is_too_large_by_itself_is_refused(
    server: UnrulyServer, opened: Open
) -> None:
    server.always = Trouble(413, problem={"code": "too_large", "title": "Too large."})
    async with opened(server) as log:
        with pytest.raises(RefusedError, match="Too large"):
            await log.log_event(LOGIN)


async def test_each_event_has_a_result_of_its_own(server: UnrulyServer, opened: Open) -> None:
    conflict = {"status": 409, "code": "conflict"}
    foreign = {"status": 403, "code": "forbidden", "title": "Another company."}
    async with opened(server) as log:
        server.refused = {"u-1": conflict, "u-2": foreign}
        found = await asyncio.gather(
            *[log.log_event(LOGIN, f"u-{n}") for n in range(4)], return_exceptions=True
        )
    first, second, third, last = found
    assert server.ids == [first, last]
    assert isinstance(second, ConflictError)
    assert isinstance(third, RefusedError)
    assert third.message == "Another company."
    assert second.event_id is not None


async def test_a_spooled_event_that_is_refused_for_good_is_set_aside(
    server: UnrulyServer, opened: Open, tmp_path: Path
) -> None:
    async with opened(server) as log:
        server.always = Trouble(503)
        first, poison, last = [await log.log_event(LOGIN, f"u-{n}") for n in range(3)]
        foreign = {"status": 403, "code": "forbidden", "title": "Another company."}
        server.refused = {"u-1": foreign}
        server.always = None
        await server.hold(3)
    (gap,) = [one for one in server.events if one.event_type == "audit.gap"]
    assert [one for one in server.ids if one != gap.event_id] == [first, last]
    assert gap.audit == {"kind": "set_aside", "count": 1, "reason": "refused"}
    (aside,) = tmp_path.rglob("*.record")  # noqa: ASYNC240 - a test may

    assert poison.encode() in aside.read_bytes()


async def test_a_server_that_answers_nonsense_is_bridged(
    server: UnrulyServer, opened: Open
) -> None:
    async with opened(server) as log:
        server.troubles += [
            Trouble(302, {"location": "http://192.0.2.1/"}),
            Trouble(404),
            Trouble(400, problem={"code": "bad_request"}),
        ]
        ids = [await log.log_event(LOGIN)]
        await server.hold(1)
        ids.append(await log.log_event(LOGIN))
    assert server.ids == ids


async def test_a_server_that_stops_and_starts_loses_nothing(opened: Open) -> None:
    app = UnrulyServer()
    ids = []
    async with serving(app) as port:
        log = await opened(app).__aenter__()
        ids.append(await log.log_event(LOGIN))
    ids += [await log.log_event(LOGIN, f"u-{n}") for n in range(300)]
    with pytest.raises(WriteError):
        await log.log_event(ROLE)
    async with serving(app, port):
        # The next ones pass none of those that wait.
        ids += [await log.log_event(LOGIN, f"v-{n}") for n in range(50)]
        await app.hold(351)
        ids.append(await log.log_event(LOGIN))
        await log.close()
    assert app.ids == ids


async def test_a_log_opens_while_the_server_is_away_once_it_was_known(
    opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    app = UnrulyServer()
    app.session = {"catalogue": {"profile": "baseline", "types": {ROLE: {"on_failure": "spool"}}}}
    async with serving(app) as port, opened(app) as log:
        await log.log_event(LOGIN)
    async with opened(app) as log:
        kept = await log.log_event(ROLE)
        assert "away" in caplog.text
        async with serving(app, port):
            await app.hold(2)
    assert app.ids[1:] == [kept]


async def test_closing_is_bounded_and_the_next_process_delivers(
    server: UnrulyServer, opened: Open
) -> None:
    limits = Limits(write_timeout=0.2, retry_after=0.01)
    async with opened(server, limits=limits) as log:
        server.always = Trouble(hangs=True)
        kept = await log.log_event(LOGIN)
    server.always = None
    server.going.set()
    async with opened(server):
        await server.hold(1)
    assert server.ids == [kept]


async def test_a_caller_who_is_cancelled_withdraws_nothing(
    server: UnrulyServer, opened: Open
) -> None:
    async with opened(server) as log:
        server.troubles.append(Trouble(hangs=True, commits=True))
        waiting = asyncio.create_task(log.log_event(LOGIN, "u-1"))
        await server.hangs(1)
        behind = asyncio.create_task(log.log_event(LOGIN, "u-2"))
        await asyncio.sleep(0)
        for task in (waiting, behind):
            task.cancel()
        await asyncio.gather(waiting, behind, return_exceptions=True)
        server.going.set()
        await server.hold(2)
    assert [draft.user_id for draft in server.events] == ["u-1", "u-2"]


async def test_the_queue_is_bounded(server: UnrulyServer, opened: Open) -> None:
    limits = Limits(queue_events=5, queue_timeout=0.05, write_timeout=5)
    async with opened(server, limits=limits, spool=False) as log:
        server.troubles.append(Trouble(hangs=True, commits=True))
        first = asyncio.create_task(log.log_event(LOGIN))
        await server.hangs(1)
        rest = [asyncio.create_task(log.log_event(LOGIN)) for _ in range(10)]
        done = await asyncio.gather(*rest[5:], return_exceptions=True)
        assert all(isinstance(one, WriteError) for one in done)
        server.going.set()
        ids = [await first, *(await asyncio.gather(*rest[:5]))]
    assert server.ids == ids


async def test_options_and_context_reach_the_server_settled(
    server: UnrulyServer, opened: Open
) -> None:
    async with opened(server) as log:
        await log.log_event(
            "order_created",
            "u-1",
            context=AuditContext(
                company_id="c-1", before_state={"a": 1}, after_state={"a": 2}, session_id="s-1"
            ),
            options=AuditOptions(retention_period=7, sensitive_fields=["nickname"]),
            details={"nickname": "Bo"},
        )
    draft = server.events[0]
    assert draft.company_id == "c-1"
    assert draft.changes == {"/a": {"op": "replace", "old": 1, "new": 2}}
    assert (draft.expires_days, draft.decays_days) == (7, 7)
    assert draft.details == {"nickname": "[redacted:field]"}


def test_threads_have_the_same_through_the_facade(tmp_path: Path) -> None:
    app: list[UnrulyServer] = []
    loop_ready, done = threading.Event(), asyncio.Event()

    async def serve() -> None:
        app.append(UnrulyServer())
        async with serving(app[0]):
            loop_ready.set()
            await done.wait()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert loop_ready.wait(10)
        with SyncAuditLog.open(
            app[0].url,
            token=TOKEN,
            limits=QUICK,
            key_file=tmp_path / "k",
            spool=tmp_path / "s",
        ) as log:
            assert log.log_event(LOGIN) == app[0].ids[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()
