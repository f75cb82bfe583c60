"""Origins of web pages, as browsers send them (RFC 6454, WHATWG Fetch)."""

from __future__ import annotations

import re
from typing import Final

from counterfoil.errors import InputError

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = rf"{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]{{2,45}}\]"
_FORM = re.compile(rf"(https?)://({_HOST})(?::([1-9][0-9]{{0,4}}))?").fullmatch
_LOOPBACK = re.compile(r"localhost|(?:.+\.)localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]").fullmatch
_DEFAULT_PORTS: Final = {"https": "443", "http": "80"}


def check_origin(text: str) -> str:
    """An origin, exactly as a browser writes it: scheme, host, and a port that is not the usual.

    Raises:
        InputError: it is none, or neither https nor on this machine.
    """
    found = _FORM(text) if isinstance(text, str) and len(text) <= 300 else None
    if found is None:
        raise InputError(
            "An origin cannot be used.",
            remedy="Write https://app.example.com: small letters, no path, no star.",
        )
    scheme, host, port = found.groups()
    if scheme == "http" and not _LOOPBACK(host):
        raise InputError(
            "An origin is neither https nor on this machine.", remedy="Serve the page over https."
        )
    if port == _DEFAULT_PORTS[scheme] or int(port or 0) > 65_535:
        raise InputError(
            "An origin names a port that no browser sends.",
            remedy="Leave out the scheme's usual port.",
        )
    return text
