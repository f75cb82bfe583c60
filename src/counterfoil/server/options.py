"""What the server can be told; the settings ``COUNTERFOIL_SERVER__…`` fill it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How the server answers.

    Attributes:
        max_body: bytes of a request's body, unpacked.
        max_events: events that one request may bring.
        max_streams: live streams at once in one process.
        body_timeout: seconds that a body may take to come.
        trusted_proxies: addresses and networks whose word about a client's address counts.
        forwarded_header: the header that those proxies write.
        docs: whether ``/docs`` is there.
        profile, types, redaction: the settings of these names, which clients work by too.
    """

    max_body: int = 8 * 1024 * 1024
    max_events: int = 1_000
    max_streams: int = 1_000
    body_timeout: float = 30.0
    trusted_proxies: tuple[str, ...] = ()
    forwarded_header: str = "x-forwarded-for"
    docs: bool = True
    profile: str = "baseline"
    types: Mapping[str, Any] = field(default_factory=dict)
    redaction: Mapping[str, Any] = field(default_factory=dict)
