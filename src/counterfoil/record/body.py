"""A request's body as it was received, before redaction has seen it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RequestBody:
    """The beginning of a request's body, raw: never stored, logged or sent as it is.

    Attributes:
        content_type: the request's ``Content-Type``, as sent; empty where it sent none.
        data: the bytes that were read, up to the limit of whoever captured them.
        size: the whole body's bytes: counted where it was read to its end, else what
            ``Content-Length`` says; None where neither is known.
        complete: True where ``data`` is the whole body.
        content_encoding: the request's ``Content-Encoding``, as sent; empty where it sent none.
    """

    content_type: str
    # A request's content must not come into a program's log by way of a repr.
    data: bytes = field(repr=False)
    size: int | None
    complete: bool
    content_encoding: str = ""


class BodySource(Protocol):
    """What the ambient context holds of a request's body while the request is handled."""

    def snapshot(self) -> RequestBody:
        """What the application has read by now."""
        ...
