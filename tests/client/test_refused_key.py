"""A key that the server refuses for good: it is said at once, and nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from counterfoil import AuditContext, AuditLog, Limits, WriteError
from counterfoil.errors import AuthenticationError, ForbiddenError, KeyRefusedError
from counterfoil.log.remote import standing

from .conftest import Open
from .real_server import served
from .unruly_server import Trouble, UnrulyServer, problem, serving

#: May wait in the spool, and may not.
LOGIN, ROLE = "user_login", "role_assigned"

REVOKED = Trouble(401, problem={"code": "unauthenticated", "title": "The key is revoked."})
READER = Trouble(403, problem={"code": "forbidden", "title": "The role may not write."})


@pytest.mark.parametrize(
    ("trouble", "reason"), [(REVOKED, "The key is revoked."), (READER, "The role may not write.")]
)
async def test_it_is_said_to_who_waits_once_in_the_log_and_in_the_stats(
    server: UnrulyServer,
    opened: Open,
    caplog: pytest.LogCaptureFixture,
    trouble: Trouble,
    reason: str,
) -> None:
    server.routes["/v1/stats"] = lambda _: problem(403, code="forbidden")
    async with opened(server) as log:
        server.always = trouble
        with pytest.raises(KeyRefusedError, match=reason) as caught:
            await log.log_event(ROLE)
        assert isinstance(caught.value, WriteError)
        assert caught.value.outcome_known
        kept = [await log.log_event(LOGIN, f"u-{n}") for n in range(20)]
        # The drain tries, and is refused as well.
        await server.was_asked(3)
        found = await log.stats()
        assert reason in found.trouble
        assert found.spool is not None
        assert (found.logs, found.spool.events) == ((), 20)
        said = [one for one in caplog.records if reason in one.getMessage()]
        assert [one.levelname for one in said] == ["ERROR"]
        assert server.events == []
        server.always = None
        await server.hold(20)
        assert server.ids == kept
        assert await log.log_event(ROLE) == server.ids[-1]
        with pytest.raises(ForbiddenError):
            await log.stats()
    assert "takes events with this access key again" in caplog.text


async def test_without_a_spool_every_caller_is_told(server: UnrulyServer, opened: Open) -> None:
    async with opened(server, spool=False) as log:
        server.always = REVOKED
        for kind in (LOGIN, ROLE, LOGIN):
            with pytest.raises(KeyRefusedError):
                await log.log_event(kind)
        server.always = None


async def test_it_is_presented_again_after_growing_pauses(
    server: UnrulyServer, opened: Open
) -> None:
    # Servers shut out an address that presents a refused key too often.
    async with opened(server, limits=Limits(write_timeout=5.0, retry_after=60.0)) as log:
        server.always = REVOKED
        for _ in range(50):
            with pytest.raises(KeyRefusedError, match="The key is revoked"):
                await log.log_event(ROLE)
        assert len(server.bodies) == 1
        await log.log_event(LOGIN, context=AuditContext(company_id="c-9"))
        assert server.asked.count("GET /v1/token-keys") == 1


async def test_a_server_that_is_away_meanwhile_says_nothing_of_the_key(
    server: UnrulyServer, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(server) as log:
        server.always = Trouble(503)
        kept = await log.log_event(LOGIN)
        assert "access key" not in caplog.text
        server.always = REVOKED
        await server.was_asked(len(server.bodies) + 2)
        assert caplog.text.count("The key is revoked") == 1
        server.always = Trouble(503)
        await server.was_asked(len(server.bodies) + 2)
        assert "again" not in caplog.text
        server.always = REVOKED
        await server.was_asked(len(server.bodies) + 2)
        assert caplog.text.count("The key is revoked") == 1
        server.always = None
        await server.hold(1)
    assert server.ids == [kept]


async def test_what_the_next_process_finds_is_delivered_with_a_good_key(
    server: UnrulyServer, opened: Open
) -> None:
    async with opened(server) as log:
        server.always = REVOKED
        kept = [await log.log_event(LOGIN, f"u-{n}") for n in range(3)]
    with pytest.raises(AuthenticationError):
        await opened(server, token="cf_another").__aenter__()
    server.always = None
    async with opened(server):
        await server.hold(3)
    assert server.ids == kept


async def test_a_caller_who_is_cancelled_loses_nothing_that_may_wait(
    server: UnrulyServer, opened: Open
) -> None:
    async with opened(server) as log:
        server.always = Trouble(401, problem=REVOKED.problem, hangs=True)
        waiting = asyncio.create_task(log.log_event(LOGIN, "u-1"))
        await server.hangs(1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        server.going.set()
        await server.was_asked(2)
        server.always = None
        await server.hold(1)
    assert [draft.user_id for draft in server.events] == ["u-1"]


async def test_a_key_that_was_refused_at_the_first_contact_is_said(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = UnrulyServer()
    said = asyncio.Event()
    monkeypatch.setattr(standing.logger, "error", lambda *_: said.set())
    async with serving(app) as port, opened(app):
        pass
    async with opened(app, token="cf_another") as log:
        kept = await log.log_event(LOGIN)
        async with serving(app, port):
            await said.wait()
    async with serving(app, port), opened(app):
        await app.hold(1)
    assert app.ids == [kept]


async def test_a_real_server_that_revokes_the_key(tmp_path: Path) -> None:
    async with served(tmp_path, checkpoint_interval=None) as server:
        given = await server.options("writer")
        async with AuditLog.open(**given) as log:
            await log.log_event(ROLE)
            (held,) = await server.services.keyring.keys()
            await server.services.keyring.revoke(held.key.id)
            with pytest.raises(KeyRefusedError, match="revoked"):
                await log.log_event(ROLE)
            kept = await log.log_event(LOGIN)
            found = await log.stats()
            assert "revoked" in found.trouble
            assert found.spool is not None
            assert found.spool.events == 1
        given["token"] = await server.key("writer")
        async with server.audit.follow() as follow, AuditLog.open(**given):
            async for event in follow:
                if event.id == kept:
                    break
