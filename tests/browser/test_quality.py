"""How the viewer is made: for everybody, for every screen, small, and nothing from elsewhere."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from .conftest import PICTURES, Visit
from .site import Site

#: WCAG 2.2 AA, and what axe holds for good practice besides.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
FIRST_LOAD = 150_000


def _paths(site: Site) -> dict[str, str]:
    return {
        "list": "/?q=-type:audit.read",
        "search-error": "/?q=tpye:user_login",
        "nothing-found": "/?q=user:nobody",
        "event": f"/events/{site.ids['changed']}",
        "hostile": f"/events/{site.ids['hostile']}",
        "person": "/people/u-1",
        "resource": "/resources/product/p-1",
        "integrity": "/integrity",
        "keys": "/keys",
        "not-found": "/events/00000000-0000-7000-8000-000000000000",
    }


def _settled(page: Page, name: str) -> None:
    """Until what comes later has come."""
    if name == "list":
        expect(page.locator(".plot canvas")).to_be_visible()
    if name in ("event", "hostile"):
        expect(page.locator(".related.waiting")).to_have_count(0)
        page.get_by_role("button", name="Verify").click()
        expect(page.locator(".result[data-done]")).to_be_visible()
    if name == "integrity":
        page.get_by_role("button", name="Check now").click()
        expect(page.locator(".result[data-done]")).to_be_visible()
    if name == "keys":
        page.locator("summary", has_text="Make a key").click()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_on_any_page(
    visit: Visit, site: Site, complaints: list[str], scheme: str, width: int
) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    viewport = {"width": width, "height": 900 if width > 500 else 844}
    page = visit(None, color_scheme=scheme, viewport=viewport)
    found = {"sign-in": Axe().run(page, options=RULES)}
    page.screenshot(path=PICTURES / f"sign-in-{scheme}-{width}.png")
    page = visit(color_scheme=scheme, viewport=viewport, reduced_motion="reduce")
    for name, path in _paths(site).items():
        page.goto(path)
        _settled(page, name)
        found[name] = Axe().run(page, options=RULES)
        page.screenshot(path=PICTURES / f"{name}-{scheme}-{width}.png")
    page.keyboard.press("?")
    found["help"] = Axe().run(page, options=RULES)
    faults = [report.generate_report() for report in found.values() if report.violations_count]
    assert faults == []
    complaints.clear()  # the answers 400 and 404


def test_nothing_runs_off_a_narrow_screen(visit: Visit, site: Site, complaints: list[str]) -> None:
    page = visit(viewport={"width": 320, "height": 640})
    for name, path in _paths(site).items():
        page.goto(path)
        _settled(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
    complaints.clear()


def test_the_first_load_is_small_and_all_from_here(visit: Visit, site: Site) -> None:
    page = visit(None)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[float] = []
    hosts: set[str] = set()
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.get_by_label("Access key").fill(site.keys["admin"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".plot canvas")).to_be_visible()
    assert hosts == {site.address.removeprefix("http://")}
    assert 10_000 < sum(sizes) < FIRST_LOAD


def test_nothing_jumps_while_the_list_loads(visit: Visit) -> None:
    page = visit()
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => { for (const entry of"
        " list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value; })"
        ".observe({ type: 'layout-shift', buffered: true });"
    )
    page.goto("/?q=-type:audit.read")
    expect(page.locator(".plot canvas")).to_be_visible()
    expect(page.locator("#count")).to_contain_text("events")
    # Google's bound for a good page is 0.1.
    assert page.evaluate("window.shift") < 0.02


def test_the_theme_follows_the_system_until_somebody_chooses(visit: Visit) -> None:
    page = visit(color_scheme="dark")
    colour = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(colour)
    page.get_by_role("button", name="Light or dark").click()
    light = page.evaluate(colour)
    assert light != dark
    page.reload()
    assert page.evaluate(colour) == light
