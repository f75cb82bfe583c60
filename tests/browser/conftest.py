"""A real browser on a real server that all tests here share."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from .site import Site, prepare, start

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP log.example 127.0.0.1",
]
#: Where the screenshots go; git ignores it.
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"

#: Opens a page, perhaps signed in with a key; further arguments are the browser context's.
Visit = Callable[..., Page]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with ThreadPoolExecutor(1) as elsewhere:
        site = elsewhere.submit(prepare, folder).result()
    process = start(site, folder / "server.log")
    try:
        yield site
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests of a module: while it is open, its thread can run no other event loop."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.fail("There is no Chromium. Run `make test` as root, or install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What browsers complained of; a test empties it of what it provoked."""
    return []


@pytest.fixture
def visit(browser: Browser, site: Site, complaints: list[str]) -> Iterator[Visit]:
    """Each page has a browser context of its own: nobody else's cookies, nothing remembered."""
    contexts = []

    def complain(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def open_page(key: str | None = "admin", base: str | None = None, **options: Any) -> Page:
        given = {"viewport": {"width": 1280, "height": 900}, "timezone_id": "Europe/Berlin"}
        context = browser.new_context(base_url=base or site.address, **given | options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/sign-in")
        if key is not None:
            page.get_by_label("Access key").fill(site.keys[key])
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url("**/")
        return page

    yield open_page
    for context in contexts:
        context.close()
    # A blocked script or style, an exception, a file that is missing: none may happen unseen.
    assert complaints == []
