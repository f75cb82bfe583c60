"""The server's settings, ``COUNTERFOIL_SERVER__…``: how it listens and answers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ServerSettings(BaseModel):
    """How ``counterfoil serve`` listens and answers; see ``counterfoil.server``."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    host: str = Field("127.0.0.1", min_length=1, description="The address to listen on.")
    port: int = Field(8080, ge=0, le=65_535, description="The port; 0 takes one that is free.")
    workers: int = Field(1, ge=1, le=64, description="Processes that share the port.")
    tls_cert: Path | None = Field(
        None, description="The file of the TLS certificate and its chain, in PEM."
    )
    tls_key: Path | None = Field(None, description="The file of its private key, in PEM.")
    https: bool = Field(
        False,
        description="Whether clients come by HTTPS only, as where a proxy ends TLS: they are told "
        "to keep to it, and the session's cookie is sent over it alone.",
    )
    trusted_proxies: list[str] = Field(
        default_factory=list,
        description="Addresses and networks of proxies whose word about a client's address counts.",
    )
    forwarded_header: str = Field(
        "x-forwarded-for",
        min_length=1,
        description="The header that those proxies write; `forwarded` for RFC 7239.",
    )
    first_key_file: Path | None = Field(
        None,
        description="The file into which the first start writes the first admin key; else it is "
        "shown, on a terminal only.",
    )
    max_body: int = Field(
        8 * 1024 * 1024, ge=1_024, le=1 << 30, description="Bytes of a request's body, unpacked."
    )
    max_events: int = Field(
        1_000, ge=1, le=100_000, description="Events that one request may bring."
    )
    max_requests: int = Field(
        2_000, ge=1, le=1_000_000, description="Requests at once in one process, streams apart."
    )
    max_streams: int = Field(
        1_000, ge=0, le=1_000_000, description="Live streams at once in one process."
    )
    body_timeout: float = Field(
        30.0, gt=0, le=3600, description="Seconds that a request's body may take to come."
    )
    keep_alive: float = Field(
        65.0,
        gt=0,
        le=3600,
        description="Seconds that an unused connection is kept, and that headers may take to come.",
    )
    drain_timeout: float = Field(
        30.0, gt=0, le=3600, description="Seconds that requests under way are given at the end."
    )
    reads_per_minute: int = Field(
        6_000,
        ge=0,
        description="Requests of one key that reads, in each process; 0 for any number.",
    )
    writes_per_minute: int = Field(
        0, ge=0, description="Requests of one key that writes, in each process; 0 for any number."
    )
    metrics: Literal["key", "open", "off"] = Field(
        "key",
        description="Who may read `/metrics`: `key` for keys that may read and are bound to "
        "nothing, `open` for everybody, `off` for nobody.",
    )
    docs: bool = Field(True, description="Whether `/docs` and `/openapi.json` are there.")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="The server's own log lines; `auto` is `console` on a terminal."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Its least level; `info` has a line for each request."
    )

    @model_validator(mode="after")
    def _both_tls_files(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key are given together")
        return self
