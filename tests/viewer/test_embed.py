"""The component's script: one file, which a page can pin, for pages anywhere."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha384

import httpx2

SCRIPT = "/embed/counterfoil-viewer.js"


async def test_a_page_can_pin_the_script(stranger: httpx2.AsyncClient) -> None:
    told = (await stranger.get("/embed/counterfoil-viewer.json")).json()
    pinned = await stranger.get(told["src"])
    assert told["integrity"] == f"sha384-{b64encode(sha384(pinned.content).digest()).decode()}"
    assert pinned.headers["content-type"].startswith("text/javascript")
    assert pinned.headers["access-control-allow-origin"] == "*"
    assert pinned.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "immutable" in pinned.headers["cache-control"]
    newest = await stranger.get(SCRIPT)
    assert newest.content == pinned.content
    assert "immutable" not in newest.headers["cache-control"]


async def test_no_other_version_is_given_for_the_one_asked_for(
    stranger: httpx2.AsyncClient,
) -> None:
    answer = await stranger.get("/embed/000000000000/counterfoil-viewer.js")
    assert answer.status_code == 404


async def test_the_script_is_small_and_needs_no_other(stranger: httpx2.AsyncClient) -> None:
    answer = await stranger.get(SCRIPT, headers={"accept-encoding": "gzip"})
    assert int(answer.headers["content-length"]) < 20_000
    lines = answer.text.splitlines()
    assert not [line for line in lines if line.startswith(("import ", "export "))]
    assert "innerHTML" not in answer.text
