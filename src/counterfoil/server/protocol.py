"""The wire: uvicorn's HTTP/1.1 protocol, whose own refusals are problems too."""

from __future__ import annotations

from typing import Final

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .problem import MEDIA_TYPE, own

#: Seconds for which a refused client may go on sending.
_LINGER: Final = 2.0


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 as httptools reads it."""

    _refused = False

    def data_received(self, data: bytes) -> None:
        """Read on; what a client sends after it was refused is let go of."""
        if not self._refused:
            super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, or has a line longer than 64 KiB.

        The connection is closed a little later: a client that still sends would find it reset,
        and never read why.
        """
        self._refused = True
        body = orjson.dumps(own("bad_request", "Send HTTP/1.1, each line within 64 KiB."))
        self.transport.write(
            b"%bcontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (STATUS_LINE[400], MEDIA_TYPE.encode(), len(body), body)
        )
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER, self.transport.close)
