"""The access token: what the server knows a client by. It is shown nowhere."""

from __future__ import annotations

from counterfoil.errors import ConfigurationError

MAX_CHARS = 4096


class AccessToken:
    """A secret for the header ``Authorization: Bearer …`` (RFC 6750).

    Args:
        text: the secret; white space around it is left away.

    Raises:
        ConfigurationError: it is empty, or has characters that no header takes.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        text = text.strip()
        if not text or len(text) > MAX_CHARS or not all("!" <= one <= "~" for one in text):
            raise ConfigurationError(
                "The access token is empty, or is no such token.",
                remedy="Give the key that `counterfoil key create` printed, whole, as token= or "
                "COUNTERFOIL_TOKEN.",
            )
        self._text = text

    def __repr__(self) -> str:
        return "AccessToken(***)"

    @property
    def header(self) -> str:
        """The value of the header. Only what sends it may ask."""
        return f"Bearer {self._text}"
