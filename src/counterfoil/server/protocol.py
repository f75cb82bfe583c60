"""The wire: uvicorn's HTTP/1.1 protocol, whose own refusals are problems too."""

from __future__ import annotations

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .problem import MEDIA_TYPE, own


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 as httptools reads it."""

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, or has a line longer than 64 KiB."""
        body = orjson.dumps(own("bad_request", "Send HTTP/1.1, each line within 64 KiB."))
        self.transport.write(
            b"%bcontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (STATUS_LINE[400], MEDIA_TYPE.encode(), len(body), body)
        )
        self.transport.close()
