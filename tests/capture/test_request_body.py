"""Request bodies: what the application reads is kept, up to the limit, and nothing is held up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil import AuditLog, AuditOptions
from counterfoil.ambient import AMBIENT, REQUEST_BODY
from counterfoil.capture.asgi import AuditMiddleware
from counterfoil.capture.body_collector import BodyCollector
from counterfoil.capture.request_rule import RequestRule
from counterfoil.record import RequestBody
from tests.capture.asgi_driver import answer, call, http_scope, read_all

WITH_BODY = AuditOptions(include_request_body=True)


@given(st.lists(st.binary(max_size=20), max_size=6), st.integers(0, 60))
def test_what_is_kept_is_the_body_s_beginning(chunks: list[bytes], limit: int) -> None:
    whole = b"".join(chunks)
    collector = BodyCollector("text/plain", str(len(whole)), limit)
    read = b""
    for chunk in chunks:
        collector.feed(chunk, more=True)
        read += chunk
        assert collector.snapshot() == RequestBody("text/plain", read[:limit], len(whole), False)
    collector.feed(b"", more=False)
    complete = len(whole) <= limit
    assert collector.snapshot() == RequestBody("text/plain", whole[:limit], len(whole), complete)


@pytest.mark.parametrize(
    ("declared", "size"),
    [("12", 12), ("", None), ("-1", None), ("1e3", None), ("\u00b2", None), ("9" * 5_000, None)],
)
def test_the_size_is_what_was_declared_until_it_is_known(declared: str, size: int | None) -> None:
    collector = BodyCollector("", declared)
    assert collector.snapshot().size == size
    collector.feed(b"abc", more=False)
    assert collector.snapshot().size == 3


def test_a_body_does_not_show_in_a_repr() -> None:
    assert "secret" not in repr(RequestBody("text/plain", b"secret", 6, True))


async def reading(scope: Any, receive: Any, send: Any) -> None:
    data, _ = await read_all(receive)
    await answer(send, body=data)


async def bodies(audit: AuditLog) -> list[Any]:
    return [
        (event.metadata or {}).get("request_body") async for event in audit.events(order="oldest")
    ]


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("application/json", b'{"price": 12}'),
        ("application/x-www-form-urlencoded", b"price=12"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n12\r\n--x--"),
        ("text/plain", b"12"),
        ("", b"\x00\xff"),
    ],
)
async def test_a_rule_attaches_the_body_as_it_was_sent(
    audit: AuditLog, content_type: str, data: bytes
) -> None:
    rule = RequestRule("POST", "/prices", "price.set", options=WITH_BODY)
    app = AuditMiddleware(reading, audit, rules=[rule])
    headers = [("content-type", content_type)] if content_type else []
    given = await call(app, http_scope("POST", "/prices", headers), [data[:1], data[1:]])
    assert given.body == data
    assert await bodies(audit) == [
        {
            "content_type": content_type,
            "text": data.decode("latin-1"),
            "size": len(data),
            "complete": True,
        }
    ]


async def test_how_a_body_is_encoded_is_handed_on() -> None:
    """Brotli has no beginning of its own: only the header tells."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await read_all(receive)
        ambient = AMBIENT.get() or {}
        seen.append(ambient[REQUEST_BODY].snapshot().content_encoding)
        await answer(send)

    headers = [("content-encoding", "br"), ("content-encoding", "gzip")]
    await call(AuditMiddleware(app), http_scope("POST", "/prices", headers), [b"x"])
    await call(AuditMiddleware(app), http_scope("POST", "/prices"), [b"x"])
    assert seen == ["br, gzip", ""]


async def test_an_event_inside_the_request_has_what_was_read_by_then(audit: AuditLog) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await audit.log_event("price.seen", options=WITH_BODY)
        await receive()
        await audit.log_event("price.seen", options=WITH_BODY)
        await audit.log_event("price.seen")
        await read_all(receive)
        await audit.log_event("price.seen", options=WITH_BODY)
        await answer(send)

    await call(AuditMiddleware(app), http_scope("POST", "/prices"), [b"one", b"two"])
    found = await bodies(audit)
    assert [body and (body["text"], body["complete"]) for body in found] == [
        ("", False),
        ("one", False),
        None,
        ("onetwo", True),
    ]


async def test_a_body_that_nobody_reads_is_not_read(audit: AuditLog) -> None:
    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, 401)

    async def receive() -> dict[str, Any]:
        pytest.fail("the middleware read the body")

    async def send(message: Any) -> None:
        pass

    rule = RequestRule("POST", "/prices", "price.set", options=WITH_BODY)
    app = AuditMiddleware(refusing, audit, rules=[rule])
    await app(http_scope("POST", "/prices", [("content-length", "9")]), receive, send)
    (body,) = await bodies(audit)
    assert (body["text"], body["size"], body["complete"]) == ("", 9, False)


async def test_a_large_upload_streams_through_and_only_the_limit_is_kept() -> None:
    chunk, count, limit = bytes(65_536), 512, 1_000  # 32 MiB
    sent = passed = 0
    most_kept = 0

    async def receive() -> dict[str, Any]:
        nonlocal sent
        sent += 1
        return {"type": "http.request", "body": chunk, "more_body": sent < count}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal passed, most_kept
        collector = (AMBIENT.get() or {})[REQUEST_BODY]
        more = True
        while more:
            message = await receive()
            passed += 1
            # Each chunk reaches the application before the next one is asked for, and is the
            # server's own object: nothing is buffered and nothing is copied.
            assert sent == passed
            assert message["body"] is chunk
            more = message["more_body"]
            most_kept = max(most_kept, len(collector.snapshot().data))
        assert collector.snapshot().size == count * len(chunk)
        assert not collector.snapshot().complete
        await answer(send)

    async def send(message: Any) -> None:
        pass

    await AuditMiddleware(app, body_limit=limit)(http_scope("PUT", "/files"), receive, send)
    assert (passed, most_kept) == (count, limit)


async def test_a_limit_of_nothing_keeps_out_of_the_way() -> None:
    given: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        given.append(receive)
        assert REQUEST_BODY not in (AMBIENT.get() or {})

    async def receive() -> dict[str, Any]:
        raise AssertionError

    async def send(message: Any) -> None:
        pass

    await AuditMiddleware(app, body_limit=0)(http_scope("PUT", "/files"), receive, send)
    assert given == [receive]
