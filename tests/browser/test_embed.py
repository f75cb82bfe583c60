"""The component in a page of another origin, under a strict policy, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from .conftest import PICTURES, Visit
from .host_page import HostPage, hosting
from .site import Site
from .test_quality import RULES

VERIFIED = "Verified in this browser."


@pytest.fixture
def host(site: Site) -> Iterator[HostPage]:
    with hosting(site) as host:
        yield host


def _open(visit: Visit, host: HostPage, path: str = "/", **options: object) -> Page:
    page = visit(None, **options)
    page.goto(host.address + path)
    return page


def _rows(page: Page):
    return page.locator("counterfoil-viewer .rows li[data-id]")


def test_a_customer_sees_their_own_events_and_none_of_another_s(
    visit: Visit, host: HostPage, site: Site
) -> None:
    page = _open(visit, host)
    expect(_rows(page)).to_have_count(25)
    seen = set()
    while page.get_by_role("button", name="Show older events").is_visible():
        before = _rows(page).count()
        page.get_by_role("button", name="Show older events").click()
        expect(_rows(page).nth(before)).to_be_visible()
    for row in _rows(page).all():
        seen.add(row.get_attribute("data-id"))
    assert site.ids["changed"] in seen
    assert site.ids["foreign"] not in seen
    assert len(seen) >= 60
    text = page.locator("counterfoil-viewer").inner_text()
    assert "u-foreign" not in text
    assert "read the log" not in text


def test_what_is_fixed_is_all_that_is_shown(visit: Visit, host: HostPage, site: Site) -> None:
    host.body["filters"] = {"resource_id": ["p-9"]}
    page = _open(visit, host)
    expect(_rows(page)).to_have_count(1)
    expect(_rows(page)).to_have_attribute("data-id", site.ids["changed"])


def test_an_event_opens_and_is_verified_with_the_keyboard(
    visit: Visit, host: HostPage, site: Site
) -> None:
    host.attributes = ' query="user_id=u-42"'
    page = _open(visit, host)
    expect(_rows(page)).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.locator("counterfoil-viewer .open")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2)).to_contain_text("u-42 changed the price")
    expect(page.get_by_role("heading", level=2)).to_be_focused()
    expect(page.get_by_role("row", name=re.compile("price"))).to_contain_text("13.00")
    page.get_by_role("button", name="Verify").press("Enter")
    result = page.locator("counterfoil-viewer .result[data-done]")
    expect(result).to_contain_text(VERIFIED)
    expect(result).to_contain_text("had no checkpoint")
    page.get_by_role("button", name="Verify again").press("Enter")
    expect(result).to_contain_text("is the one that this browser remembers")
    page.get_by_role("button", name="Back to the list").press("Enter")
    expect(page.locator("counterfoil-viewer .open")).to_be_focused()


def test_new_events_appear_by_themselves(visit: Visit, host: HostPage, site: Site) -> None:
    host.attributes = ' query="user_id=u-embed"'
    page = _open(visit, host)
    expect(page.get_by_text("Nothing has been recorded yet")).to_be_visible()
    expect(page.locator("counterfoil-viewer .live")).to_be_visible()
    site.record("user_logout", user_id="u-embed", context={"company_id": "c-2"})
    own = site.record("user_logout", user_id="u-embed", context={"company_id": "c-1"})
    expect(_rows(page)).to_have_count(1)
    expect(_rows(page)).to_have_attribute("data-id", own)


@pytest.mark.parametrize("path", ["/", "/?event"])
def test_a_token_that_is_no_longer_valid_is_replaced(
    visit: Visit, host: HostPage, complaints: list[str], path: str
) -> None:
    host.tokens = ["cfv_aaaaaaaaaaaa_" + "A" * 49]
    host.mint()
    page = _open(visit, host, path)
    expect(_rows(page).first).to_be_visible()
    assert host.asked == 2
    assert [text for text in complaints if "401" not in text] == []
    complaints.clear()


def test_without_a_new_token_the_page_says_so(
    visit: Visit, host: HostPage, complaints: list[str]
) -> None:
    host.tokens = ["cfv_none", "cfv_none"]
    host.mint()
    page = _open(visit, host)
    expect(page.get_by_role("alert")).to_contain_text("The view has expired")
    page.get_by_role("button", name="Try again").click()
    expect(_rows(page).first).to_be_visible()
    complaints.clear()  # the answers 401


def test_the_token_stands_in_no_address_and_in_no_store(visit: Visit, host: HostPage) -> None:
    page = visit(None)
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(host.address)
    expect(_rows(page).first).to_be_visible()
    assert addresses
    assert not [address for address in addresses if "cfv_" in address]
    kept = page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    )
    assert "cfv_" not in kept


def test_hostile_content_is_harmless_text(visit: Visit, host: HostPage) -> None:
    host.attributes = ' query="event_type=file_uploaded"'
    page = _open(visit, host)
    page.on("dialog", lambda dialog: dialog.dismiss())
    row = _rows(page).first
    expect(row).to_contain_text("<img src=x onerror=alert(1)>")
    row.get_by_role("button").click()
    expect(page.get_by_role("heading", level=2)).to_contain_text("<img src=x")
    viewer = page.locator("counterfoil-viewer")
    assert viewer.locator("img").count() == 0
    text = viewer.inner_text()
    assert not {"\u202e", "\x1b"} & set(text)
    assert len(text) < 100_000


@pytest.mark.parametrize(("scheme", "width"), [("light", 1000), ("dark", 390)])
def test_axe_finds_nothing(visit: Visit, host: HostPage, scheme: str, width: int) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    host.attributes = f' theme="{scheme}"'
    page = _open(visit, host, viewport={"width": width, "height": 800})
    expect(_rows(page).first).to_be_visible()
    found = [Axe().run(page, options=RULES)]
    page.screenshot(path=PICTURES / f"embed-list-{scheme}-{width}.png")
    page.get_by_role("button", name=re.compile("u-42 changed the price")).click()
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("counterfoil-viewer .result[data-done]")).to_contain_text(VERIFIED)
    found.append(Axe().run(page, options=RULES))
    page.screenshot(path=PICTURES / f"embed-event-{scheme}-{width}.png", full_page=True)
    assert [report.generate_report() for report in found if report.violations_count] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
