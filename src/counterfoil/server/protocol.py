"""The wire: uvicorn's HTTP/1.1 protocol, whose own refusals are problems too.

It bounds what comes before the application is asked, and nobody need show a key for that: how
long a request's headers may take, and how large they may be.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .problem import MEDIA_TYPE, own

#: Bytes of a request's line and headers; and of what else stands around a body.
MAX_HEAD: Final = 128 * 1024
#: Seconds for which a refused client may go on sending.
_LINGER: Final = 2.0


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 as httptools reads it."""

    _refused = False
    #: Whether a request's headers have begun to come, and are not complete.
    _in_head = False
    #: Whether the bytes that came last completed headers or were of a body.
    _went_on = False
    #: Bytes that came since then. The parser keeps them all.
    _unparsed = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._unset_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; what a client sends after it was refused is let go of."""
        if self._refused:
            return
        self._went_on = False
        super().data_received(data)
        if self._refused:
            return
        self._unparsed = 0 if self._went_on else self._unparsed + len(data)
        if self._unparsed > MAX_HEAD:
            self._refuse("headers_too_large", f"Send at most {MAX_HEAD:,} bytes of them.")
        elif self._in_head and self._deadline is None:
            self._set_deadline()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes behind a body as if it were one is none (RFC 9110, 6.5)."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The application is asked."""
        self._in_head = False
        self._went_on = True
        self._unset_deadline()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body came."""
        self._went_on = True
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, or has a request line longer than 64 KiB."""
        self._refuse("bad_request", "Send HTTP/1.1, and a request line within 64 KiB.")

    def _refuse(self, code: str, detail: str) -> None:
        """Answer with a problem, and close the connection a little later.

        A client that still sends would find it reset, and never read why.
        """
        self._refused = True
        self._unset_deadline()
        if self.cycle is not None and not self.cycle.response_complete:
            # It would stand in the middle of another answer.
            self.transport.close()
            return
        problem = own(code, detail)
        body = orjson.dumps(problem)
        self.transport.write(
            b"%bcontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (STATUS_LINE[problem["status"]], MEDIA_TYPE.encode(), len(body), body)
        )
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER, self.transport.close)

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(self.timeout_keep_alive, self._too_late)

    def _unset_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if self._in_head:
            self._refuse("headers_timeout", "Send them at once.")
        else:
            self.transport.close()
