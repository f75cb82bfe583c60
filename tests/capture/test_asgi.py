"""The ASGI middleware: context for all requests, events for some, nothing in the way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil import AuditContext, AuditEventType, AuditLog, AuditOptions
from counterfoil.ambient import AMBIENT
from counterfoil.capture import audit_context, bind_context, current_context
from counterfoil.capture.asgi import AuditMiddleware
from counterfoil.capture.request_rule import RequestRule
from counterfoil.errors import ConfigurationError, StoreUnavailableError, WriteError
from counterfoil.record import Event
from tests.capture.asgi_driver import answer, call, http_scope, read_all

ORDER = RequestRule(
    ["PUT", "DELETE"],
    "/orders/{order_id}",
    AuditEventType.ORDER_UPDATED,
    resource_type="order",
    resource_id="order_id",
)


def answering(status: int = 200, **bound: Any) -> Callable[..., Any]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if bound:
            bind_context(**bound)
        await answer(send, status)

    return app


async def recorded(audit: AuditLog) -> list[Event]:
    return [event async for event in audit.events(order="oldest")]


async def context_of(scope: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """The ambient context that an application sees."""
    seen: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.update(AMBIENT.get() or {})
        if scope["type"] == "http":
            await answer(send)

    await call(AuditMiddleware(app, **settings), scope)
    assert AMBIENT.get() is None
    return seen


# Context


async def test_a_request_s_context_is_read_from_its_headers() -> None:
    headers = [
        ("X-Request-Id", "req-1"),
        ("User-Agent", "Mozilla/5.0"),
        ("Cookie", "theme=dark; sid=s-1; other=x"),
        ("X-Forwarded-For", "203.0.113.9, 198.51.100.7"),
    ]
    seen = await context_of(
        http_scope(headers=headers, client=("10.0.0.1", 1)),
        trusted_proxies=["10.0.0.0/8"],
        session_cookie="sid",
        body_limit=0,
    )
    assert seen == {
        "request_id": "req-1",
        "user_agent": "Mozilla/5.0",
        "session_id": "s-1",
        "ip_address": "198.51.100.7",
        "claims": {"forwarded_for": ["203.0.113.9"]},
    }


async def test_of_a_bare_request_only_the_id_is_known_and_it_is_new() -> None:
    first = await context_of(http_scope(client=None), body_limit=0)
    second = await context_of(http_scope(client=None), body_limit=0)
    assert first.keys() == second.keys() == {"request_id"}
    assert first != second


@pytest.mark.parametrize(
    ("cookie", "session"),
    [
        ("sid=abc", "abc"),
        ('sid="abc"', "abc"),
        ("a=b;sid=abc", "abc"),
        ("sid=a=b", "a=b"),
        ("xsid=abc", None),
        ("SID=abc", None),
        ("sid=", None),
        ("sid", None),
        (";;;=;=", None),
        ("", None),
    ],
)
async def test_the_session_is_the_named_cookie(cookie: str, session: str | None) -> None:
    seen = await context_of(http_scope(headers=[("cookie", cookie)]), session_cookie="sid")
    assert seen.get("session_id") == session


async def test_a_session_id_is_in_no_log_and_no_claim(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("of the application")

    secret = "s-0123456789abcdef"
    scope = http_scope(headers=[("cookie", f"sid={secret}"), ("x-forwarded-for", "198.51.100.1")])
    seen = await context_of(scope, session_cookie="sid")
    assert secret not in str(seen["claims"])
    with pytest.raises(LookupError):
        await call(AuditMiddleware(broken, session_cookie="sid"), scope)
    assert secret not in caplog.text


@pytest.mark.parametrize(
    "told",
    [
        AuditContext(user_id="u-1", company_id="c-1"),
        {"user_id": "u-1", "company_id": "c-1"},
        {"user_id": "u-1", "company_id": "c-1", "impersonator": "u-2"},
        None,
    ],
)
@pytest.mark.parametrize("is_async", [True, False])
async def test_a_hook_tells_who_is_asking(told: Any, is_async: bool) -> None:
    def identify(scope: Any) -> Any:
        assert scope["path"] == "/"
        return told

    async def identify_later(scope: Any) -> Any:
        return identify(scope)

    seen = await context_of(http_scope(), identify=identify_later if is_async else identify)
    wanted = dict(told or {})
    assert {name: seen.get(name) for name in ("user_id", "company_id", "impersonator")} == {
        name: wanted.get(name) for name in ("user_id", "company_id", "impersonator")
    }


async def test_the_id_is_returned_once_whatever_the_application_set() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"X-Request-ID", b"other"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    given = await call(AuditMiddleware(app), http_scope(headers=[("x-request-id", "req-1")]))
    assert given.header("x-request-id") == ["req-1"]
    assert given.header("content-type") == ["text/plain"]
    renamed = AuditMiddleware(app, request_id_header="X-Trace")
    assert (await call(renamed, http_scope(headers=[("x-trace", "t-1")]))).header("x-trace") == [
        "t-1"
    ]


# What is not a request


async def test_lifespan_passes_untouched() -> None:
    given: list[Any] = []

    async def app(*args: Any) -> None:
        given.extend(args)
        assert AMBIENT.get() is None

    scope = {"type": "lifespan"}
    receive, send = object(), object()
    await AuditMiddleware(app, identify=lambda scope: {"user_id": "u"})(scope, receive, send)  # type: ignore[arg-type]
    assert given[0] is scope
    assert given[1] is receive
    assert given[2] is send
    assert scope == {"type": "lifespan"}


async def test_a_websocket_has_context_and_its_messages_pass_untouched() -> None:
    given: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        given.extend([receive, send, current_context()])

    scope = http_scope() | {"type": "websocket"}
    del scope["method"]
    receive, send = object(), object()
    rules = [RequestRule("*", "/", "socket.opened")]
    app_ = AuditMiddleware(app, lambda: pytest.fail("no event is asked for"), rules=rules)
    await app_(scope, receive, send)  # type: ignore[arg-type]
    assert given[0] is receive
    assert given[1] is send
    assert given[2].ip_address == "192.0.2.1"
    assert given[2].request_id


# Events


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "success"), (204, "success"), (302, "success"), (400, "failure"), (403, "failure"),
     (404, "failure"), (500, "failure")],
)  # fmt: skip
async def test_a_request_under_a_rule_becomes_an_event(
    audit: AuditLog, status: int, outcome: str
) -> None:
    app = AuditMiddleware(answering(status), audit, rules=[ORDER])
    given = await call(app, http_scope("PUT", "/orders/42", [("x-request-id", "req-1")]))
    assert given.status == status
    (event,) = await recorded(audit)
    assert (event.type, event.outcome) == ("order_updated", outcome)
    assert (event.resource_type, event.resource_id) == ("order", "42")
    assert event.details == {"method": "PUT", "path": "/orders/{order_id}", "status": status}
    assert (event.request_id, event.ip_address) == ("req-1", "192.0.2.1")
    assert event.actor_kind == "anonymous"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/orders/42"), ("PUT", "/orders"), ("PUT", "/orders/1/lines")]
)
async def test_other_requests_do_not(audit: AuditLog, method: str, path: str) -> None:
    await call(AuditMiddleware(answering(), audit, rules=[ORDER]), http_scope(method, path))
    assert await recorded(audit) == []


@pytest.mark.parametrize(
    ("path", "root", "resource"),
    [
        ("/shop/orders/1", "/shop", "1"),
        ("/shop/orders/1", "/shop/", "1"),
        ("/orders/1", "", "1"),
        ("/orders/1", "/shop", "1"),
        ("/shopping/orders/1", "/shop", None),
    ],
)
async def test_paths_are_those_below_the_application_s_root(
    audit: AuditLog, path: str, root: str, resource: str | None
) -> None:
    app = AuditMiddleware(answering(), audit, rules=[ORDER])
    await call(app, http_scope("PUT", path, root_path=root))
    assert [event.resource_id for event in await recorded(audit)] == [resource] * bool(resource)


async def test_a_failure_may_have_a_type_of_its_own(audit: AuditLog) -> None:
    rule = RequestRule(
        "POST", "/login", AuditEventType.USER_LOGIN, failure_type=AuditEventType.LOGIN_FAILED
    )
    for status in (200, 401):
        await call(
            AuditMiddleware(answering(status), audit, rules=[rule]), http_scope("POST", "/login")
        )
    assert [e.type for e in await recorded(audit)] == ["user_login", "login_failed"]


async def test_what_the_application_learns_on_the_way_is_in_the_event(audit: AuditLog) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.to_thread(bind_context, user_id="u-1", company_id="c-1")
        with audit_context(user_id="u-of-a-part"):
            await asyncio.create_task(answer(send))

    await call(AuditMiddleware(app, audit, rules=[ORDER]), http_scope("PUT", "/orders/42"))
    (event,) = await recorded(audit)
    assert (event.user_id, event.company_id) == ("u-1", "c-1")


async def test_nothing_of_the_answer_leaves_before_its_event_is_recorded(audit: AuditLog) -> None:
    found: list[tuple[str, int]] = []

    async def send(message: Any) -> None:
        found.append((message["type"], len(await recorded(audit))))

    app = AuditMiddleware(answering(), audit, rules=[ORDER])
    await app(http_scope("PUT", "/orders/42"), asyncio.Event().wait, send)
    assert found == [("http.response.start", 1), ("http.response.body", 1)]


class Refusing:
    """A log that is away."""

    def __init__(self) -> None:
        self.asked = 0

    async def log_event(self, **arguments: Any) -> str:
        self.asked += 1
        raise WriteError("The store is away.")


async def test_an_answer_whose_event_cannot_be_recorded_is_not_given() -> None:
    log = Refusing()
    scope = http_scope("PUT", "/orders/42")
    with pytest.raises(WriteError):
        await call(AuditMiddleware(answering(), log, rules=[ORDER]), scope)
    assert log.asked == 1


async def test_an_exception_is_recorded_as_failure_and_goes_on_unchanged(audit: AuditLog) -> None:
    error = LookupError("holds a customer's name")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise error

    with pytest.raises(LookupError) as caught:
        await call(AuditMiddleware(app, audit, rules=[ORDER]), http_scope("PUT", "/orders/42"))
    assert caught.value is error
    (event,) = await recorded(audit)
    assert event.outcome == "failure"
    assert event.details["error"] == "LookupError"
    assert "customer" not in str(event.as_dict())


async def test_an_exception_comes_first_where_its_event_cannot_be_recorded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError

    with pytest.raises(LookupError) as caught:
        await call(AuditMiddleware(app, Refusing(), rules=[ORDER]), http_scope("PUT", "/orders/42"))
    assert "The store is away." in caught.value.__notes__[0]
    assert "The store is away." in caplog.text


async def test_an_exception_after_the_answer_began_adds_no_second_event(audit: AuditLog) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise LookupError

    with pytest.raises(LookupError):
        await call(AuditMiddleware(app, audit, rules=[ORDER]), http_scope("PUT", "/orders/42"))
    assert [event.outcome for event in await recorded(audit)] == ["success"]


async def test_a_client_that_goes_away_leaves_an_event(audit: AuditLog) -> None:
    class ClientGoneError(Exception):
        pass

    async def raising(scope: Any, receive: Any, send: Any) -> None:
        if not (await read_all(receive))[1]:
            raise ClientGoneError

    async def silent(scope: Any, receive: Any, send: Any) -> None:
        await read_all(receive)

    rule = RequestRule(
        "PUT", "/files", "file.stored", options=AuditOptions(include_request_body=True)
    )
    scope = http_scope("PUT", "/files", [("content-length", "100")])
    with pytest.raises(ClientGoneError):
        await call(AuditMiddleware(raising, audit, rules=[rule]), scope, [b"part"], disconnect=True)
    await call(AuditMiddleware(silent, audit, rules=[rule]), scope, [b"part"], disconnect=True)
    failed, unknown = await recorded(audit)
    assert (failed.outcome, failed.details["error"]) == ("failure", "ClientGoneError")
    assert (unknown.outcome, unknown.details["status"]) == ("unknown", None)
    for event in (failed, unknown):
        body = (event.metadata or {})["request_body"]
        assert (body["text"], body["size"], body["complete"]) == ("part", 100, False)


async def test_a_request_that_is_cancelled_is_recorded_as_failure(audit: AuditLog) -> None:
    begun = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    middleware = AuditMiddleware(app, audit, rules=[ORDER])
    task = asyncio.create_task(call(middleware, http_scope("PUT", "/orders/42")))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (event,) = await recorded(audit)
    assert (event.outcome, event.details["error"]) == ("failure", "CancelledError")


async def test_a_request_that_is_cancelled_while_it_is_recorded_is_recorded_all_the_same() -> None:
    asked, go, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Slow:
        async def log_event(self, **arguments: Any) -> str:
            asked.set()
            await go.wait()
            done.set()
            return ""

    middleware = AuditMiddleware(answering(), Slow(), rules=[ORDER])
    task = asyncio.create_task(call(middleware, http_scope("PUT", "/orders/42")))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not done.is_set()
    go.set()
    await done.wait()


async def test_to_be_cancelled_while_a_failure_is_recorded_is_to_be_cancelled() -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    class Slow:
        async def log_event(self, **arguments: Any) -> str:
            asked.set()
            await go.wait()
            return ""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError

    middleware = AuditMiddleware(app, Slow(), rules=[ORDER])
    task = asyncio.create_task(call(middleware, http_scope("PUT", "/orders/42")))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()


async def test_what_fails_after_its_caller_was_cancelled_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    class Failing:
        async def log_event(self, **arguments: Any) -> str:
            asked.set()
            await go.wait()
            raise StoreUnavailableError

    middleware = AuditMiddleware(answering(), Failing(), rules=[ORDER])
    task = asyncio.create_task(call(middleware, http_scope("PUT", "/orders/42")))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait(others)
    await asyncio.sleep(0)  # the callback of the task that has ended
    assert "could not be recorded" in caplog.text


def test_rules_need_a_log() -> None:
    with pytest.raises(ConfigurationError):
        AuditMiddleware(answering(), rules=[ORDER])


def test_a_limit_below_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        AuditMiddleware(answering(), body_limit=-1)


# Hostile requests


header = st.tuples(
    st.sampled_from(["x-request-id", "x-forwarded-for", "cookie", "user-agent", "content-length"]),
    st.text(st.characters(max_codepoint=255), max_size=30),
)


@given(st.lists(header, max_size=6))
async def test_no_header_stops_a_request(headers: list[tuple[str, str]]) -> None:
    scope = http_scope(headers=headers, client=("10.0.0.1", 1))
    seen = await context_of(scope, trusted_proxies=["10.0.0.0/8"], session_cookie="sid")
    assert seen["request_id"].isascii()
