"""An application with a page of its own, of another origin, that shows a customer their log."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from .site import Site

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Your activity</title>
<link rel="icon" href="data:,">
<script type="module" src="{src}" integrity="{integrity}" crossorigin="anonymous"></script>
<script type="module" src="/host.js"></script>
</head>
<body>
<main>
<h1>Your activity</h1>
<counterfoil-viewer server="{server}" locale="en-GB"{attributes}></counterfoil-viewer>
</main>
</body>
</html>
"""
SCRIPT = """
const viewer = document.querySelector("counterfoil-viewer");
const fetched = async () => (await fetch("/token")).json();
if (location.search.includes("event")) {
  viewer.addEventListener("refresh", async () => (viewer.token = (await fetched()).token));
} else {
  viewer.tokenProvider = fetched;
}
"""


class HostPage:
    """The application.

    Attributes:
        body: what its backend asks a token with.
        attributes: further attributes of the component, as HTML.
        tokens: what its page was given first, instead of a new one each.
        asked: how often its page asked for a token.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self.body: dict[str, Any] = {"company": "c-1", "name": "Ada"}
        self.attributes = ""
        self.tokens: list[str] = []
        self.asked = 0
        self.address = ""

    @property
    def policy(self) -> str:
        """A strict policy: no inline code or style, no eval, no markup from text."""
        server = self._site.address
        return (
            f"default-src 'none'; script-src 'self' {server}; connect-src 'self' {server}; "
            "style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
            "require-trusted-types-for 'script'"
        )

    def answer(self, path: str) -> tuple[str, str]:
        """Type and text of what stands under a path."""
        if path == "/host.js":
            return "text/javascript", SCRIPT
        if path == "/token":
            self.asked += 1
            found = {"token": self.tokens.pop(0)} if self.tokens else self.mint()
            return "application/json", json.dumps(found)
        with urllib.request.urlopen(
            f"{self._site.address}/embed/counterfoil-viewer.json", timeout=20
        ) as told:
            script = json.load(told)
        server = self._site.address
        src = server + script["src"]
        page = PAGE.format(
            server=server, src=src, integrity=script["integrity"], attributes=self.attributes
        )
        return "text/html; charset=utf-8", page

    def mint(self, **changes: Any) -> dict[str, Any]:
        """A new token, as the backend gets it with its own key."""
        body = self.body | {"origins": [self.address]} | changes
        request = urllib.request.Request(
            f"{self._site.address}/v1/viewer-tokens",
            json.dumps(body).encode(),
            {
                "content-type": "application/json",
                "authorization": f"Bearer {self._site.keys['admin']}",
            },
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


@contextmanager
def hosting(site: Site) -> Iterator[HostPage]:
    """The application, running."""
    host = HostPage(site)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, text = host.answer(self.path.partition("?")[0])
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-security-policy", host.policy)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        host.address = f"http://localhost:{server.server_port}"
        Thread(target=server.serve_forever, daemon=True).start()
        yield host
        server.shutdown()
