"""A key that was refused is good again, or another one is there: all goes on by itself."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from counterfoil import AuditContext, AuditLog, Limits
from counterfoil.access import Role
from counterfoil.access.key import AccessKey
from counterfoil.errors import (
    AuthenticationError,
    ConfigurationError,
    ForbiddenError,
    KeyRefusedError,
    RefusedError,
    ThrottledError,
)
from counterfoil.record.instant import SECOND
from counterfoil.store.registry import RegistryRow
from tests.moved_clock import MovedClock

from .conftest import QUICK, Open
from .real_server import RealServer, served
from .unruly_server import TOKEN, Trouble, UnrulyServer, serving

#: May wait in the spool, and may not.
LOGIN, ROLE = "user_login", "role_assigned"
#: How a key comes to be refused, and what is said of it.
WAYS = {
    "revoked": "The access key is revoked.",
    "expired": "The access key is expired.",
    "reader": "A key of the role reader may not write events.",
}


class Keys:
    """The keys of a server, changed while it runs."""

    def __init__(self, server: RealServer, watch: MovedClock) -> None:
        self._server = server
        self._watch = watch

    async def change(self, token: str, **changes: Any) -> None:
        """Make a key another one, as by a hand in the database; the server sees it at once."""
        registry = self._server.audit.host.registry
        row = await registry.registered("access_key", token.split("_")[1])
        assert row is not None
        key = replace(AccessKey.decode(row.value), **changes)
        assert await registry.reregister(RegistryRow(row.kind, row.name, key.encode()), row.value)
        # Keys are looked up anew after a while.
        self._watch.ahead += 6 * SECOND

    async def refuse(self, token: str, way: str) -> None:
        """Let it be refused from now on."""
        changes: dict[str, dict[str, Any]] = {
            "revoked": {"revoked_at": self._watch.now()},
            "expired": {"expires_at": self._watch.now()},
            "reader": {"role": Role.READER},
        }
        await self.change(token, **changes[way])

    async def allow(self, token: str) -> None:
        """Let it write again."""
        await self.change(token, revoked_at=None, expires_at=None, role=Role.WRITER)


@pytest.fixture
def watch() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def real(tmp_path: Path, watch: MovedClock) -> AsyncIterator[RealServer]:
    async with served(tmp_path, clock=watch) as server:
        yield server


@pytest.fixture
def keys(real: RealServer, watch: MovedClock) -> Keys:
    return Keys(real, watch)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What stands in the program's log, and is not routine."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "counterfoil" and record.levelno >= logging.WARNING
    ]


async def until(log: AuditLog, settled: Callable[[Any], bool]) -> None:
    """Wait for the spool to come to be so."""
    async with asyncio.timeout(20):
        while not settled(await log.spooled()):  # noqa: ASYNC110 - of the disk
            await asyncio.sleep(0.01)


def is_delivered(spool: Any) -> bool:
    return spool.events == 0 and spool.trouble == ""


async def recorded(server: RealServer) -> list[str]:
    return [event.id async for event in server.audit.events(event_type=[LOGIN, ROLE])]


@pytest.mark.parametrize("way", WAYS)
async def test_a_key_that_comes_to_be_refused_is_told_and_goes_on_once_it_is_good(
    real: RealServer, keys: Keys, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    given = await real.options("writer")
    token = given["token"]
    async with AuditLog.open(**given, limits=QUICK) as log:
        ids = [await log.log_event(LOGIN, "u-0"), await log.log_event(ROLE, "u-0")]
        assert (await log.spooled()).trouble == ""  # type: ignore[union-attr]
        await keys.refuse(token, way)

        ids += [await log.log_event(LOGIN, f"u-{n}") for n in range(1, 20)]
        for _ in range(3):
            with pytest.raises(KeyRefusedError) as caught:
                await log.log_event(ROLE, "u-1")
            error = caught.value
            assert error.message == f"The event was not recorded: {WAYS[way]}"
            assert error.remedy
            assert error.outcome_known
            assert error.event_id
            assert isinstance(error.__cause__, (AuthenticationError, ForbiddenError))
            assert token not in f"{error!r} {error}"
        await until(log, lambda spool: spool.events == 19 and WAYS[way] in spool.trouble)

        (line,) = told(caplog)
        assert line.startswith(f"The server takes no events with this access key: {WAYS[way]}")
        # The server's own lines stand between.
        assert [one.levelno for one in caplog.records if one.getMessage() == line] == [
            logging.ERROR
        ]
        caplog.clear()

        await keys.allow(token)
        await until(log, is_delivered)
        ids += [await log.log_event(LOGIN, "u-20"), await log.log_event(ROLE, "u-20")]
        assert await recorded(real) == ids
        assert told(caplog) == ["The server takes events with this access key again."]


async def test_a_key_that_may_not_write_is_told_with_the_first_event(
    real: RealServer, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    given = await real.options("reader")
    async with AuditLog.open(**given, limits=QUICK) as log:
        assert told(caplog) == []
        with pytest.raises(KeyRefusedError, match="role reader may not write"):
            await log.log_event(ROLE)
        kept = await log.log_event(LOGIN)
        stats = await log.stats()
        assert stats.spool is not None
        assert WAYS["reader"] in stats.spool.trouble
        assert len(told(caplog)) == 1
        await keys.allow(given["token"])
        await until(log, is_delivered)
    assert await recorded(real) == [kept]


async def test_a_key_that_is_refused_at_opening_leaves_the_spool_as_it_is(
    real: RealServer, keys: Keys
) -> None:
    given = await real.options("writer")
    async with AuditLog.open(**given, limits=QUICK) as log:
        await keys.refuse(given["token"], "revoked")
        kept = [await log.log_event(LOGIN, f"u-{n}") for n in range(3)]
    with pytest.raises(AuthenticationError, match="is revoked"):
        await AuditLog.open(**given, limits=QUICK)
    await keys.allow(given["token"])
    async with AuditLog.open(**given, limits=QUICK) as log:
        await until(log, is_delivered)
    assert await recorded(real) == kept


async def test_what_was_spooled_while_the_server_was_away_waits_for_a_good_key(
    tmp_path: Path, watch: MovedClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncExitStack() as stack:
        async with served(tmp_path, clock=watch) as server:
            given = await server.options("writer")
            log = await stack.enter_async_context(AuditLog.open(**given, limits=QUICK))
        kept = [await log.log_event(LOGIN, f"u-{n}") for n in range(5)]
        async with AuditLog.open(f"sqlite:///{tmp_path / 'audit.db'}", clock=watch) as audit:
            alone = RealServer(audit, server.services, server.port, tmp_path)
            await Keys(alone, watch).refuse(given["token"], "revoked")
        caplog.clear()
        async with served(tmp_path, port=server.port, clock=watch) as server:
            await until(log, lambda spool: WAYS["revoked"] in spool.trouble)
            assert [one for one in told(caplog) if "access key" in one] == [
                line for line in told(caplog) if line.startswith("The server takes no events")
            ]
            await Keys(server, watch).allow(given["token"])
            await until(log, is_delivered)
            assert await recorded(server) == kept


async def test_an_event_of_another_company_is_refused_by_itself(real: RealServer) -> None:
    given = await real.options("writer", company="c-1")
    async with AuditLog.open(**given, limits=QUICK) as log:
        for kind in (LOGIN, ROLE):
            with pytest.raises(RefusedError, match="another company") as caught:
                await log.log_event(kind, context=AuditContext(company_id="c-2"))
            assert not isinstance(caught.value, KeyRefusedError)
        kept = await log.log_event(LOGIN, context=AuditContext(company_id="c-1"))
        assert is_delivered(await log.spooled())
    assert await recorded(real) == [kept]


async def test_a_server_that_has_counted_enough_is_the_same_refusal(
    server: UnrulyServer, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    refused = Trouble(401, problem={"code": "unauthenticated", "title": "The key is revoked."})
    busy = Trouble(429, {"retry-after": "1"}, {"code": "throttled", "title": "Too many tries."})
    async with opened(server) as log:
        server.troubles.append(refused)
        server.always = busy
        kept = [await log.log_event(LOGIN, f"u-{n}") for n in range(3)]
        await server.was_asked(2)
        with pytest.raises(KeyRefusedError, match="The key is revoked"):
            await log.log_event(ROLE)
        await until(log, lambda spool: "The key is revoked" in spool.trouble)
        assert len(told(caplog)) == 1
        server.always = None
        await server.hold(3)
        await until(log, is_delivered)
    assert server.ids == kept
    assert len(told(caplog)) == 2


async def test_a_key_that_was_presented_too_often_is_no_server_that_is_away(
    opened: Open,
) -> None:
    class Throttling(UnrulyServer):
        throttles = False

        async def _answer(self, scope: Any, headers: Any, body: bytes) -> Any:
            if self.throttles:
                answer = b'{"status": 429, "code": "throttled", "title": "Too many failed tries."}'
                return 429, {"retry-after": "7"}, answer
            return await super()._answer(scope, headers, body)

    app = Throttling()
    async with serving(app):
        async with opened(app) as log:
            await log.log_event(LOGIN)
        app.throttles = True
        with pytest.raises(ThrottledError, match="Too many failed tries") as caught:
            async with opened(app):
                pass
        assert caught.value.retry_after == 7


async def test_token_keys_are_asked_for_again_once_the_key_is_good(
    server: UnrulyServer, opened: Open
) -> None:
    """What a refused key may not have is not gone for good."""
    server.token_status = 403
    context = AuditContext(session_id="session-1234567890", company_id="c-1")
    wanted = server.tokens.token("session_id", "session-1234567890", "c-1")
    async with opened(server) as log:
        async with asyncio.timeout(20):
            # The first asks for them, and they are refused.
            while server.asked.count("GET /v1/token-keys") < 2:
                await log.log_event(LOGIN, context=context)
        server.always = Trouble(403, problem={"code": "forbidden", "title": "Not a writer."})
        with pytest.raises(KeyRefusedError):
            await log.log_event(ROLE)
        server.always, server.token_status = None, 200
        async with asyncio.timeout(20):
            while server.events[-1].session_id != wanted:
                try:
                    await log.log_event(ROLE, context=context)
                except KeyRefusedError:
                    await asyncio.sleep(0.01)


async def test_a_function_gives_the_key_that_a_rotation_has_made(
    real: RealServer, caplog: pytest.LogCaptureFixture
) -> None:
    given = await real.options("writer")
    current = [given.pop("token")]
    async with AuditLog.open(**given, token=lambda: current[0], limits=QUICK) as log:
        ids = [await log.log_event(ROLE, "u-0")]
        _, fresh = await real.services.keyring.rotate(current[0].split("_")[1], overlap=0)
        current[0] = fresh
        # Nobody notices.
        ids += [await log.log_event(ROLE, "u-1"), await log.log_event(LOGIN, "u-2")]
        await until(log, is_delivered)
        assert told(caplog) == []
    assert await recorded(real) == ids


async def test_a_function_whose_new_key_comes_late_is_asked_again(
    real: RealServer, caplog: pytest.LogCaptureFixture
) -> None:
    given = await real.options("writer")
    first = given.pop("token")
    current: list[str] = [first]

    def token() -> str:
        return current[-1]

    async with AuditLog.open(**given, token=token, limits=QUICK) as log:
        await real.services.keyring.revoke(first.split("_")[1])
        kept = [await log.log_event(LOGIN, f"u-{n}") for n in range(3)]
        with pytest.raises(KeyRefusedError):
            await log.log_event(ROLE)
        current.clear()  # The function fails for a while.
        await until(log, lambda spool: "revoked" in spool.trouble)
        async with asyncio.timeout(20):
            while len(told(caplog)) < 2:  # noqa: ASYNC110 - of the client's own pace
                await asyncio.sleep(0.01)
        current.append(await real.key("writer"))
        await until(log, is_delivered)
    refused, unread, again = told(caplog)
    assert refused.startswith("The server takes no events with this access key:")
    assert unread == "The access key could not be read (IndexError)."
    assert again == "The server takes events with this access key again."
    assert await recorded(real) == kept


async def test_a_function_that_hangs_holds_up_nothing(
    server: UnrulyServer, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    going, calls = threading.Event(), itertools.count()

    def token() -> str:
        if next(calls):
            going.wait()
        return TOKEN

    limits = Limits(write_timeout=0.2, retry_after=0.01)
    async with opened(server, limits=limits, token=token) as log:
        server.always = Trouble(401, problem={"code": "unauthenticated", "title": "Unknown."})
        try:
            kept = [await log.log_event(LOGIN, f"u-{n}") for n in range(3)]
            await server.was_asked(4)
            assert next(calls) == 2
        finally:
            going.set()
        server.always = None
        await server.hold(3)
    assert server.ids == kept
    assert "The access key could not be read (TimeoutError)." in told(caplog)


@pytest.mark.parametrize("wrong", ["", "a b", None, "raises"])
async def test_a_function_that_gives_no_key_is_refused_at_opening(
    server: UnrulyServer, opened: Open, wrong: str | None
) -> None:
    def token() -> Any:
        if wrong == "raises":
            raise OSError
        return wrong

    with pytest.raises(ConfigurationError, match=r"access (key could not|token is)"):
        async with opened(server, token=token):
            pass


async def test_following_goes_on_with_the_key_that_a_rotation_has_made(real: RealServer) -> None:
    given = await real.options("reader")
    current = [given.pop("token")]
    async with AuditLog.open(**given, token=lambda: current[0], limits=QUICK) as log:
        _, fresh = await real.services.keyring.rotate(current[0].split("_")[1], overlap=0)
        current[0] = fresh
        async with log.follow(event_type=[LOGIN]) as follow, asyncio.timeout(20):
            event_id = await real.audit.log_event(LOGIN, "u-1")
            assert (await anext(follow)).id == event_id
