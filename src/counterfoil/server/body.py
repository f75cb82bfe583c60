"""Bodies: read within bounds, whatever is sent."""

from __future__ import annotations

import asyncio
import zlib
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from .problem import ProblemError

#: What zlib is told of a gzip stream (RFC 1952): its largest window, with its header.
_GZIP: Final = 16 + zlib.MAX_WBITS
#: Members of one body. Each costs work of its own, and an empty one has 20 bytes only.
_MEMBERS: Final = 1_000
#: Bytes that are unpacked at a time: what a member leaves of them is copied for the next.
_PIECE: Final = 65_536


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """A request's body, unpacked.

    Args:
        limit: bytes that it may have, packed and unpacked.
        seconds: how long it may take to come.

    Raises:
        ProblemError: it is too large, too slow, cut off, or packed in an unknown way.
    """
    headers = request.headers
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise ProblemError(
            "unsupported_encoding", "Send it plain or in gzip.", headers={"Accept-Encoding": "gzip"}
        )
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > limit):
        raise too_large(limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise too_large(limit)
                chunks.append(chunk)
    except TimeoutError:
        raise ProblemError(
            "body_timeout",
            f"Send the whole body within {seconds:g} seconds.",
            headers={"Connection": "close"},
        ) from None
    except ClientDisconnect:
        raise ProblemError("bad_request", "The connection broke within the body.") from None
    body = b"".join(chunks)
    return body if encoding == "identity" else _unpacked(body, limit)


def too_large(limit: int) -> ProblemError:
    """The problem of a body beyond the limit."""
    return ProblemError(
        "too_large",
        f"Send at most {limit:,} bytes, unpacked; several requests may bring the rest.",
        limit=limit,
    )


def _unpacked(body: bytes, limit: int) -> bytes:
    """A gzip body unpacked, never beyond the limit."""
    parts: list[bytes] = []
    size = 0
    # RFC 1952 section 2.2: a file has any number of members.
    member = zlib.decompressobj(_GZIP)
    begun = 1
    try:
        for start in range(0, len(body), _PIECE):
            piece = body[start : start + _PIECE]
            while piece:
                if member.eof:
                    member = zlib.decompressobj(_GZIP)
                    begun += 1
                    if begun > _MEMBERS:
                        raise ProblemError(
                            "bad_request", f"Send at most {_MEMBERS:,} gzip members in one body."
                        )
                part = member.decompress(piece, limit - size + 1)
                size += len(part)
                if size > limit:
                    raise too_large(limit)
                parts.append(part)
                piece = member.unused_data
    except zlib.error:
        raise ProblemError("bad_request", "The body is not gzip, or is damaged.") from None
    if not member.eof:
        raise ProblemError("bad_request", "The gzip body is cut off.")
    return b"".join(parts)
