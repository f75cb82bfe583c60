"""Addresses of servers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from counterfoil.errors import ConfigurationError

SCHEMES = ("https", "http")
_PORTS = {"https": 443, "http": 80}


def is_server(url: str) -> bool:
    """Whether an address is a server's, and no database's."""
    return type(url) is str and url.partition(":")[0].lower() in SCHEMES


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a server is. Made by :meth:`parse`.

    Attributes:
        url: scheme, host, port where it is not the scheme's own, and path; no slash at its end.
        name: the same as a part of a file's name.
    """

    url: str
    name: str

    @classmethod
    def parse(cls, text: str, *, plain_http: bool = False) -> ServerAddress:
        """An address from its text.

        Args:
            text: ``https://audit.example.com``, perhaps with a port and a path.
            plain_http: whether ``http://`` may leave this machine, where anybody on the way
                reads along.

        Raises:
            ConfigurationError: it cannot be used; the message does not show it.
        """
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        if not host or parts.scheme not in SCHEMES or parts.query or parts.fragment:
            raise ConfigurationError(
                "The server's address is malformed.",
                remedy="Use https://host, https://host:port or https://host/path.",
            )
        if parts.username is not None or parts.password is not None:
            raise ConfigurationError(
                "The server's address holds a user or a password.",
                remedy="Give the access key as token= or COUNTERFOIL_TOKEN.",
            )
        if parts.scheme == "http" and not plain_http and not _is_loopback(host):
            raise ConfigurationError(
                "The server's address is not encrypted: on the way anybody could read along.",
                remedy="Use https://, or allow it with plain_http=True or "
                "COUNTERFOIL_PLAIN_HTTP=true.",
            )
        shown = f"[{host}]" if ":" in host else host
        if port is not None and port != _PORTS[parts.scheme]:
            shown += f":{port}"
        place = f"{shown}{parts.path.rstrip('/')}"
        name = re.sub(r"[^a-z0-9.-]+", "_", place.lower()).strip("_.")
        return cls(f"{parts.scheme}://{place}", name)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
