"""The viewer: how soon its pages begin to come from a log with a year of events, and their bytes.

The server is a process of its own, `counterfoil serve` with the settings as they are by default,
on a SQLite file, with the text index filled beforehand. Somebody signs in with a key and asks as
a browser does: with their cookie, over one connection that stays open, for compressed answers.
The time is from before a request is sent until the head of its answer is there. The yardstick is
the same server's /healthz, which asks nothing of the database, in turns with each page.
"""

from __future__ import annotations

import gzip
import os
import re
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import quote, urlencode, urljoin

from counterfoil.assembly import indexer_of
from counterfoil.settings import load_settings
from counterfoil.store.sqlite import SQLiteStore

from .figure import Figure, below
from .http import create_key, running
from .year import record

ROUNDS = 101
#: How often "older" is followed to a deep page, of 50 events each.
DEEP = 200
#: Milliseconds to a page's first byte, and bytes of a first load.
SOON, SMALL = 50, 150_000

_FORM = "application/x-www-form-urlencoded"
_OLDER = re.compile(r'<a class="button" href="([^"]+)" data-key="n">')
_EVENT = re.compile(r'<a class="open" href="(/events/[^"]+)">')
#: What a browser fetches by itself: files of a page, parts put into it, modules, and libraries
#: that modules load once they need them.
_FETCHED = {
    "text/html": (
        re.compile(r'<link rel="(?:icon|stylesheet)" href="([^"]+)"'),
        re.compile(r'<script [^>]*src="([^"]+)"'),
        re.compile(r'hx-get="([^"]+)" hx-trigger="load"'),
    ),
    "text/javascript": (
        re.compile(r'^import (?:[^;]* from )?"([^"]+)"', re.MULTILINE),
        re.compile(r'new URL\("([^"]+)", import\.meta\.url\)'),
    ),
    "text/css": (re.compile(r'url\(["\']?([^"\')]+)'),),
}


async def run(scale: int = 1_000_000) -> list[Figure]:
    """Build a log of so many events in SQLite, and measure the viewer on it.

    Args:
        scale: how many events, at least 50,000.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "audit.db"
        await _fill(path, scale)
        return measure(path)


async def _fill(path: Path, scale: int) -> None:
    store = SQLiteStore(path)
    await store.open()
    await record(store, scale)
    await store.close()
    async with indexer_of(load_settings(url=f"sqlite:///{path}")) as indexer:
        await indexer.catch_up()


def measure(path: Path) -> list[Figure]:
    """The figures of a viewer on a database that holds a year of events."""
    environment = {**os.environ, "COUNTERFOIL_URL": f"sqlite:///{path}"}
    # It notes each request, as it does by default; nobody reads that here.
    environment["COUNTERFOIL_SERVER__LOG_FORMAT"] = "json"
    everything = create_key(environment, "auditor")
    company = create_key(environment, "auditor", "--company", "company-7")
    with running(environment, "-m", "counterfoil", "serve", "--port", "0") as said:
        port = int(re.findall(r":(\d+) ", said)[0])
        figures = []
        auditor = Browser(port, everything)
        tenant = Browser(port, company)
        for case in [*_cases(auditor), *_tenants(tenant)]:
            ours, health = _first_bytes(case)
            figures.append(below(f"{case.name}, ms", ours, SOON, health))
        newest = _size(auditor, "/")
        figures.append(below("first load of the list, bytes on the wire", newest, SMALL))
        event = _size(auditor, _first(_EVENT, auditor.get("/").text))
        figures.append(below("first load of an event, bytes on the wire", event, SMALL))
        return figures


class Case(NamedTuple):
    """A page, or a part that a page fetches."""

    name: str
    browser: Browser
    address: str


def _cases(browser: Browser) -> Iterator[Case]:
    """What people open who see all companies."""
    page = browser.get("/").text
    event = _first(_EVENT, browser.get(_list("user:u-300")).text)
    yield Case("the newest events", browser, "/")
    yield Case("a type and an outcome", browser, _list("type:price_changed outcome:failure"))
    yield Case("a user, a resource and a time", browser, _list(_NARROW))
    yield Case("a word of few events", browser, _list("T-4711"))
    yield Case("a word of all events", browser, _list("supplier"))
    for _ in range(DEEP):
        older = _first(_OLDER, page)
        page = browser.get(older).text
    yield Case(f"page {DEEP + 1:,} of the newest", browser, older)
    yield Case("the middle of the year, its second page", browser, _second(browser, _MIDDLE))
    yield Case("an event", browser, event)
    yield Case("the busiest person's history", browser, "/people/u-0")
    yield Case("a resource's history", browser, "/resources/product/r-60")
    yield Case("part: events related to one", browser, event.replace("/events", "/parts/related"))
    yield Case("part: overview of the year", browser, _overview(""))
    yield Case("part: overview of a type", browser, _overview("type:price_changed"))
    yield Case("part: overview of a week by hour", browser, _overview(_WEEK))
    yield Case("part: overview of a user, the newest 1,000", browser, _overview("user:u-0"))


def _tenants(browser: Browser) -> Iterator[Case]:
    """What people open who see one company."""
    yield Case("one company: the newest events", browser, "/")
    yield Case("one company: part: overview of the year", browser, _overview(""))


_NARROW = "user:u-3 resource:product/r-60 since:2025-02-01"
_MIDDLE = "until:2025-07-01"
_WEEK = "since:2025-12-20 until:2025-12-27"


def _list(search: str) -> str:
    return f"/?q={quote(search)}"


def _overview(search: str) -> str:
    return f"/parts/overview?q={quote(search)}"


def _second(browser: Browser, search: str) -> str:
    return _first(_OLDER, browser.get(_list(search)).text)


def _first(pattern: re.Pattern[str], page: str) -> str:
    """The first link of its kind.

    Raises:
        ValueError: there is none.
    """
    found = pattern.search(page)
    if found is None:
        raise ValueError("The page has no such link.")
    return found[1].replace("&amp;", "&")


def _first_bytes(case: Case) -> tuple[float, float]:
    """The medians of a page and of the yardstick, in milliseconds; the first do not count."""
    pairs = [
        (case.browser.get(case.address).seconds, case.browser.get("/healthz").seconds)
        for _ in range(ROUNDS + 1)
    ]
    ours, health = zip(*pairs[1:], strict=True)
    return median(ours) * 1e3, median(health) * 1e3


def _size(browser: Browser, page: str) -> int:
    """Bytes of a page and of all that it can make a browser with an empty cache fetch."""
    seen: dict[str, int] = {}
    waiting = [page]
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        answer = browser.get(address)
        seen[address] = answer.size
        for pattern in _FETCHED.get(answer.type, ()):
            links = [found.replace("&amp;", "&") for found in pattern.findall(answer.text)]
            waiting += [urljoin(address, link) for link in links]
    return sum(seen.values())


class Answer(NamedTuple):
    """An answer: seconds until its head was there, bytes of head and body as they came."""

    seconds: float
    size: int
    type: str
    text: str


class Browser:
    """Somebody who has signed in with a key.

    Raises:
        RuntimeError: an answer is no success.
    """

    def __init__(self, port: int, key: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port)
        self._headers = {"Accept": "text/html", "Accept-Encoding": "gzip"}
        self.get("/sign-in")
        form = urlencode({"key": key, "next": "/"})
        self._connection.request("POST", "/sign-in", form, {**self._headers, "Content-Type": _FORM})
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != 303:
            raise RuntimeError("Signing in failed.")
        self._headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]

    def get(self, address: str) -> Answer:
        """Ask for a page, a part or a file."""
        began = time.perf_counter()
        self._connection.request("GET", address, headers=self._headers)
        answer = self._connection.getresponse()
        seconds = time.perf_counter() - began
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{address} was answered with {answer.status}.")
        # The status line, the headers and the empty line behind them.
        head = len(f"HTTP/1.1 {answer.status} {answer.reason}\r\n\r\n")
        head += sum(len(f"{name}: {value}\r\n") for name, value in answer.headers.items())
        size = head + len(body)
        if answer.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        kind = answer.headers["Content-Type"].partition(";")[0]
        return Answer(seconds, size, kind, body.decode())
