"""Request bodies as values: what can be read is, and of the rest only its type and size."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

import orjson

from .encodings import from_json

LONGEST_BODY = 1_048_576
"""Bytes of the largest body that is read."""

MOST_FIELDS = 1000
"""Fields of a form, or parts of a multipart body; of a body with more only type and size stay."""

_ESSENCE = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
_PARAMETER = re.compile(
    r";\s{0,8}(charset|boundary)\s{0,8}=\s{0,8}(\"[^\"]{1,256}\"|[^\s;\"]{1,256})"
)
_PART_NAME = re.compile(
    r"(?i)(?:^|;)[ \t]{0,8}name=(?:\"((?:[^\"\\\r\n]|\\.){0,256})\"|([^\s;\"]{1,256}))"
)
#: What stands in no text; one of the charsets takes any bytes for a text.
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_CHARSETS = {
    "utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "ascii": "ascii",
    "iso-8859-1": "latin-1", "latin1": "latin-1", "windows-1252": "cp1252", "utf-16": "utf-16",
}  # fmt: skip
_COMPRESSED = (
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"PK\x03\x04",
    b"BZh",
    b"\xfd7zXZ",
    b"\x04\x22\x4d\x18",
)
_TEXTS = ("application/xml", "application/graphql", "application/soap+xml", "application/yaml")
_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")


def read_body(
    content_type: str | None, data: bytes, *, content_encoding: str | None = None
) -> object:
    """The value that a request's body holds, not yet redacted.

    JSON (RFC 8259) as its value, lines of JSON as a list, a form as a dict, a text as a text.
    A multipart body (RFC 7578) as a list of name, type and size of each part, never the
    content. Of a compressed body, one over 1 MiB, one of another type and one that is no text in
    its charset only type and size.

    Args:
        content_type: the header's value, with parameters.
        data: the body.
        content_encoding: the header's value.
    """
    header = (content_type or "").strip()
    found = _ESSENCE.match(header.lower())
    essence = found[0] if found else None
    parameters = {name.lower(): value.strip('"') for name, value in _PARAMETER.findall(header)}
    encoding = (content_encoding or "").strip().lower()
    if (
        essence is None
        or len(data) > LONGEST_BODY
        or encoding not in ("", "identity")
        or data.startswith(_COMPRESSED)
    ):
        return _opaque(essence, data)
    if essence == "multipart/form-data":
        return _multipart(data, parameters.get("boundary", "")) or _opaque(essence, data)
    text = _decoded(data, parameters.get("charset", "utf-8"))
    if text is None:
        return _opaque(essence, data)
    if essence == "application/x-www-form-urlencoded":
        return _form(text) or _opaque(essence, data)
    if essence in _LINES:
        return [_json(line) for line in text.split("\n") if line.strip()]
    if essence == "application/json" or essence.endswith("+json"):
        return _json(text)
    if essence.startswith("text/") or essence.endswith("+xml") or essence in _TEXTS:
        return text
    return _opaque(essence, data)


def _opaque(essence: str | None, data: bytes) -> dict[str, Any]:
    return {"content_type": essence or "unknown", "size": len(data)}


def _decoded(data: bytes, charset: str) -> str | None:
    """The text that the bytes are; None where they are none, as what is compressed unsaid."""
    codec = _CHARSETS.get(charset.lower(), "utf-8")
    try:
        text = data.decode("utf-8-sig" if codec == "utf-8" else codec)
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def _json(text: str) -> object:
    parsed = from_json(text)
    if parsed is not None:
        return parsed[0]
    try:
        value: object = orjson.loads(text)
    except ValueError:
        return text
    return value


def _form(text: str) -> dict[str, Any] | None:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return None
    fields: dict[str, Any] = {}
    for name, value in pairs:
        held = fields.get(name)
        if held is None:
            fields[name] = value
        elif isinstance(held, list):
            held.append(value)
        else:
            fields[name] = [held, value]
    return fields


def _multipart(data: bytes, boundary: str) -> list[dict[str, Any]] | None:
    if not boundary or not boundary.isascii():
        return None
    delimiter = b"--" + boundary.encode("ascii")
    pieces = data.split(delimiter, MOST_FIELDS + 2)
    if len(pieces) < 2 or len(pieces) > MOST_FIELDS + 1:
        return None
    parts = []
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            break
        head, _, content = piece.partition(b"\r\n\r\n")
        parts.append(_part(head[:4096].decode("utf-8", "replace"), content))
    return parts


def _part(head: str, content: bytes) -> dict[str, Any]:
    part: dict[str, Any] = {}
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        match name.strip().lower():
            case "content-disposition":
                found = _PART_NAME.search(value.partition(";")[2])
                if found:
                    part["name"] = found[1] if found[1] is not None else found[2]
            case "content-type":
                essence = _ESSENCE.match(value.strip().lower())
                part["type"] = essence[0] if essence else "unknown"
    part["size"] = len(content) - (2 if content.endswith(b"\r\n") else 0)
    return part
