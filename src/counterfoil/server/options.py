"""What the server can be told; the settings ``COUNTERFOIL_SERVER__…`` fill it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How the server answers.

    Attributes:
        max_body: bytes of a request's body, unpacked.
        max_events: events that one request may bring.
        max_streams: live streams at once in one process.
        max_requests: requests at once in one process, streams apart.
        body_timeout: seconds that a body may take to come.
        reads_per_minute, writes_per_minute: requests of one key; 0 for any number.
        trusted_proxies: addresses and networks whose word about a client's address counts.
        forwarded_header: the header that those proxies write.
        docs: whether ``/docs`` and ``/openapi.json`` are there.
        metrics: ``key`` (for keys that may read all), ``open`` (for everybody) or ``off``.
        https: whether clients come by HTTPS only, and are told so.
        profile, types, redaction: the settings of these names, which clients work by too.
    """

    max_body: int = 8 * 1024 * 1024
    max_events: int = 1_000
    max_streams: int = 1_000
    max_requests: int = 2_000
    body_timeout: float = 30.0
    reads_per_minute: int = 6_000
    writes_per_minute: int = 0
    trusted_proxies: tuple[str, ...] = ()
    forwarded_header: str = "x-forwarded-for"
    docs: bool = True
    metrics: Literal["key", "open", "off"] = "key"
    https: bool = False
    profile: str = "baseline"
    types: Mapping[str, Any] = field(default_factory=dict)
    redaction: Mapping[str, Any] = field(default_factory=dict)
