"""`include_request_body`: what a request's body becomes, and when it is attached."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil import AuditOptions
from counterfoil.ambient import AMBIENT, REQUEST_BODY
from counterfoil.record import Draft, RequestBody
from tests.policy.test_chain import through

WANTED = AuditOptions(include_request_body=True)
CARD = "4111 1111 1111 1111"


class Source:
    def __init__(self, content_type: str, data: bytes, size: int | None, complete: bool) -> None:
        self._body = RequestBody(content_type, data, size, complete)

    def snapshot(self) -> RequestBody:
        return self._body


def handled(source: Source | None, **given: Any) -> Draft:
    """What becomes of a call while a request with this body is handled."""
    ambient = {} if source is None else {REQUEST_BODY: source}
    token = AMBIENT.set(ambient)
    try:
        return through(**given)
    finally:
        AMBIENT.reset(token)


def whole(content_type: str, data: bytes) -> Source:
    return Source(content_type, data, len(data), True)


MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="avatar"; filename="bob.png"\r\n'
    b"Content-Type: image/png\r\n\r\nhunter2\r\n--x--\r\n"
)


@pytest.mark.parametrize(
    ("content_type", "data", "kept"),
    [
        ("application/json", b'{"password":"hunter2","n":1}',
         {"password": "[redacted:password]", "n": 1}),
        ("application/problem+json; charset=utf-8", b"[1,null]", [1, None]),
        ("application/json", b"[]", []),
        ("application/json", b"0", 0),
        ("application/json", b'{"password":"hunter2"', '{"password":"[redacted:password]"'),
        ("application/x-www-form-urlencoded", b"password=hunter2&a=1&a=2",
         {"password": "[redacted:password]", "a": ["1", "2"]}),
        ("text/plain", f"paid with {CARD}".encode(), "paid with [redacted:pan:…1111]"),
        ("application/x-ndjson", b'{"a":1}\n{"token":"hunter2"}\n',
         [{"a": 1}, {"token": "[redacted:token]"}]),
        ("multipart/form-data; boundary=x", MULTIPART,
         [{"name": "avatar", "type": "image/png", "size": 7}]),
        ("application/octet-stream", b"hunter2",
         {"content_type": "application/octet-stream", "size": 7}),
        ("", b"hunter2", {"content_type": "unknown", "size": 7}),
        ("image/png", b"\x89PNG", {"content_type": "image/png", "size": 4}),
        ("application/json", b"\x1f\x8bhunter2", {"content_type": "application/json", "size": 9}),
    ],
)  # fmt: skip
def test_what_a_body_becomes(content_type: str, data: bytes, kept: Any) -> None:
    assert handled(whole(content_type, data), options=WANTED).body == kept


@pytest.mark.parametrize("size", [None, 7_000_000])
@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; boundary=hunter2", "text/plain"]
)
def test_of_a_body_that_was_not_read_to_its_end_only_the_outline(
    content_type: str, size: int | None
) -> None:
    body = handled(Source(content_type, b'{"password":"hun', size, False), options=WANTED).body
    kind = content_type.partition(";")[0].lower()
    assert body == {"content_type": kind, "size": size, "complete": False}


def test_of_a_cut_body_without_a_type() -> None:
    body = handled(Source("", b"hunter2", None, False), options=WANTED).body
    assert body == {"content_type": "unknown", "size": None, "complete": False}


@pytest.mark.parametrize(
    "options", [None, AuditOptions(), AuditOptions(include_request_body=False)]
)
def test_nothing_is_attached_that_is_not_asked_for(options: AuditOptions | None) -> None:
    assert handled(whole("text/plain", b"x"), options=options).body is None


def test_outside_of_a_request_there_is_no_body() -> None:
    assert handled(None, options=WANTED).body is None
    assert through(options=WANTED).body is None


def test_the_call_s_own_fields_are_redacted_in_it() -> None:
    options = AuditOptions(
        include_request_body=True, sensitive_fields=["request_body.salary", "shoe_size"]
    )
    data = b'{"salary":1,"other":{"salary":2,"shoeSize":9}}'
    assert handled(whole("application/json", data), options=options).body == {
        "salary": "[redacted:field]",
        "other": {"salary": 2, "shoeSize": "[redacted:field]"},
    }
