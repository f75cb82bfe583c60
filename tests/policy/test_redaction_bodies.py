"""Request bodies: read where they can be, and never their files."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.policy.redaction import LONGEST_BODY, Redactor

REDACTOR = Redactor()
P, T = "[redacted:password]", "[redacted:token]"


FILE = (
    'Content-Disposition: form-data; name="cv"; filename="Jane Doe.pdf"\r\n'
    "Content-Type: application/pdf"
)


def multipart(*parts: tuple[str, bytes], boundary: str = "XX") -> bytes:
    pieces = [f"--{boundary}\r\n{head}\r\n\r\n".encode() + data + b"\r\n" for head, data in parts]
    return b"".join(pieces) + f"--{boundary}--\r\n".encode()


@pytest.mark.parametrize(
    ("content_type", "data", "clean"),
    [
        ("application/json", b'{"user": "bob", "password": "x"}', {"user": "bob", "password": P}),
        ("application/json; charset=utf-8", b"[1, 2]", [1, 2]),
        ("application/json", b"42", 42),
        ("application/json", b'"token=abc"', f"token={T}"),
        ("application/json", b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ("application/json", b'{"password": "x", "pass', f'{{"password": "{P}", "pass'),
        ("application/json", b"", ""),
        ("application/vnd.api+json", b'{"token": "x"}', {"token": T}),
        (
            "application/json",
            b'{"password": "x", "password": null}',
            {"password": P, "password#2": None},
        ),
        ("application/x-ndjson", b'{"a": 1}\n{"token": "x"}\n', [{"a": 1}, {"token": T}]),
        (
            "application/x-www-form-urlencoded",
            b"user=bob&password=a%26b&tag=1&tag=2&empty=",
            {"user": "bob", "password": P, "tag": ["1", "2"], "empty": ""},
        ),
        (
            "application/x-www-form-urlencoded",
            b"user%5Bpassword%5D=x&card=4111+1111+1111+1111",
            {"user[password]": P, "card": "[redacted:pan:…1111]"},
        ),
        ("text/plain", b"password=hunter2", f"password={P}"),
        ("text/plain; charset=iso-8859-1", b"caf\xe9", "café"),
        ("text/plain; charset=rot13", b"caf\xc3\xa9", "café"),
        ("text/xml", b"<password>x</password>", f"<password>{P}</password>"),
        ("application/soap+xml", b"<a><pin>1234</pin></a>", "<a><pin>[redacted:pin]</pin></a>"),
        ("image/png", b"\x89PNG", {"content_type": "image/png", "size": 4}),
        ("application/pdf", b"%PDF", {"content_type": "application/pdf", "size": 4}),
        ("application/octet-stream", b"x", {"content_type": "application/octet-stream", "size": 1}),
        (None, b"password=x", {"content_type": "unknown", "size": 10}),
        ("nonsense", b"password=x", {"content_type": "unknown", "size": 10}),
        ("x/y; password=hunter2", b"z", {"content_type": "x/y", "size": 1}),
    ],
)
def test_a_body_of_each_type(content_type: str | None, data: bytes, clean: Any) -> None:
    assert REDACTOR.body(content_type, data) == clean


def test_a_multipart_body_gives_name_size_and_type_and_no_content() -> None:
    data = multipart(
        ('Content-Disposition: form-data; name="password"', b"hunter2"),
        (FILE, b"%PDF " + b"x" * 95),
        ("Content-Disposition: form-data; name=note", b"two\r\n\r\nparagraphs"),
    )
    clean = REDACTOR.body("multipart/form-data; boundary=XX", data)
    assert clean == [
        {"name": "password", "size": 7},
        {"name": "cv", "type": "application/pdf", "size": 100},
        {"name": "note", "size": 17},
    ]
    assert REDACTOR.body('multipart/form-data; charset=utf-8; boundary="XX"', data) == clean
    assert REDACTOR.body("multipart/form-data; boundary=YY", data) == {
        "content_type": "multipart/form-data",
        "size": len(data),
    }


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "x-unknown"])
def test_a_compressed_body_is_not_opened(encoding: str) -> None:
    clean = {"content_type": "application/json", "size": 2}
    assert REDACTOR.body("application/json", b"{}", content_encoding=encoding) == clean
    packed = gzip.compress(b'{"password": "x"}')
    assert REDACTOR.body("application/json", packed) == {
        "content_type": "application/json",
        "size": len(packed),
    }
    assert REDACTOR.body("application/json", b"{}", content_encoding="identity") == {}


#: A JSON object with a password, as brotli and zstd leave it (made with their reference tools),
#: and what zlib makes of it.
PLAIN = b'{"password": "hunter2-hunter2-hunter2-hunter2"}'
DEFLATE = zlib.compressobj(wbits=-15)
PACKED = {
    "zlib": zlib.compress(PLAIN),
    "zlib, fast": zlib.compress(PLAIN, 1),
    "deflate": DEFLATE.compress(PLAIN) + DEFLATE.flush(),
    "bz2": bz2.compress(PLAIN),
    "xz": lzma.compress(PLAIN),
    "brotli": b"\x0b\x17\x80" + PLAIN + b"\x03",
    "zstd": b"\x28\xb5\x2f\xfd\x20" + bytes([len(PLAIN)]) + PLAIN,
}


@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain", "text/plain; charset=latin1", "application/x-ndjson",
     "application/x-www-form-urlencoded"],
)  # fmt: skip
def test_a_body_that_is_compressed_without_saying_so_is_not_kept(
    content_type: str, packed: bytes
) -> None:
    essence = content_type.partition(";")[0]
    opaque = {"content_type": essence, "size": len(packed)}
    assert REDACTOR.body(content_type, packed) == opaque


def test_a_body_that_is_too_large_or_has_too_many_parts_is_not_read() -> None:
    large = b" " * (LONGEST_BODY + 1)
    opaque = {"content_type": "application/json", "size": LONGEST_BODY + 1}
    assert REDACTOR.body("application/json", large) == opaque
    many = b"&".join(b"a=1" for _ in range(1001))
    assert REDACTOR.body("application/x-www-form-urlencoded", many) == {
        "content_type": "application/x-www-form-urlencoded",
        "size": len(many),
    }
    parts = multipart(*[('Content-Disposition: form-data; name="a"', b"")] * 1001)
    assert REDACTOR.body("multipart/form-data; boundary=XX", parts) == {
        "content_type": "multipart/form-data",
        "size": len(parts),
    }


def test_rules_of_the_caller_hold_in_a_body() -> None:
    data = json.dumps({"salary": 1, "customer": {"phone": "x"}}).encode()
    clean = REDACTOR.body(
        "application/json", data, sensitive_fields=["salary", "body.customer.phone"]
    )
    assert clean == {"salary": "[redacted:field]", "customer": {"phone": "[redacted:field]"}}


content_types = (
    st.none()
    | st.text()
    | st.sampled_from(
        [
            *("application/json", "application/x-www-form-urlencoded", "application/x-ndjson"),
            *("multipart/form-data; boundary=a", "text/plain", "text/plain; charset=utf-16"),
        ]
    )
)


@given(content_types, st.binary() | st.text().map(str.encode), st.none() | st.text())
def test_no_body_makes_it_raise(
    content_type: str | None, data: bytes, encoding: str | None
) -> None:
    orjson.dumps(REDACTOR.body(content_type, data, content_encoding=encoding))
