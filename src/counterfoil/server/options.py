"""What the server can be told; the settings ``COUNTERFOIL_SERVER__…`` fill it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How the server answers.

    Attributes:
        max_body: bytes of a request's body, unpacked.
        max_events: events that one request may bring.
        trusted_proxies: addresses and networks whose word about a client's address counts.
        forwarded_header: the header that those proxies write.
        docs: whether ``/docs`` is there.
    """

    max_body: int = 8 * 1024 * 1024
    max_events: int = 1_000
    trusted_proxies: tuple[str, ...] = ()
    forwarded_header: str = "x-forwarded-for"
    docs: bool = True
