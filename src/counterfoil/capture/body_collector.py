"""The beginning of a request's body, kept while the application reads it."""

from __future__ import annotations

from counterfoil.record import RequestBody

#: Bytes of a body that are kept unless the application sets another limit.
DEFAULT_LIMIT = 65_536


class BodyCollector:
    """Keeps what passes by, up to a limit; never reads by itself and never holds anything up.

    Owned by one request. A ``BodySource`` for the ambient context.

    Args:
        content_type: the request's ``Content-Type``, empty where it sent none.
        declared: the request's ``Content-Length``, as sent.
        limit: bytes that are kept at most.
        content_encoding: the request's ``Content-Encoding``, empty where it sent none.
    """

    __slots__ = (
        "_content_encoding",
        "_content_type",
        "_data",
        "_declared",
        "_ended",
        "_limit",
        "_seen",
    )

    def __init__(
        self,
        content_type: str,
        declared: str,
        limit: int = DEFAULT_LIMIT,
        *,
        content_encoding: str = "",
    ) -> None:
        self._content_type = content_type
        self._content_encoding = content_encoding
        # Twenty digits are beyond any body, and int() of thousands of digits is slow.
        plain = declared.isascii() and declared.isdigit() and len(declared) < 20
        self._declared = int(declared) if plain else None
        self._limit = limit
        self._data = bytearray()
        self._seen = 0
        self._ended = False

    def feed(self, chunk: bytes, *, more: bool) -> None:
        """Keep what there is room for of a chunk that the application has received."""
        room = self._limit - len(self._data)
        if room > 0:
            self._data += chunk[:room]
        self._seen += len(chunk)
        self._ended = not more

    def snapshot(self) -> RequestBody:
        """What the application has read by now."""
        return RequestBody(
            content_type=self._content_type,
            data=bytes(self._data),
            size=self._seen if self._ended else self._declared,
            complete=self._ended and self._seen == len(self._data),
            content_encoding=self._content_encoding,
        )
