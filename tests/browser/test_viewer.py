"""What a person does with the viewer, in a real browser."""

from __future__ import annotations

import re

import apsw
from playwright.sync_api import Page, expect

from .conftest import Visit
from .site import Site

VERIFIED = "Verified in this browser."


def _open(page: Page, event_id: str) -> None:
    page.goto(f"/events/{event_id}")


def _verify(page: Page) -> str:
    page.get_by_role("button", name=re.compile("Verify")).click()
    result = page.locator(".result[data-done]")
    expect(result).to_be_visible()
    return result.inner_text()


def _drawn(page: Page) -> None:
    expect(page.locator(".plot canvas")).to_be_visible()


def test_somebody_signs_in_and_out(visit: Visit, complaints: list[str]) -> None:
    page = visit(None)
    page.get_by_label("Access key").fill("cf_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("is not an access key")
    page = visit()
    expect(page.locator(".row").first).to_be_visible()
    page.locator("summary[title='Your access key']").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Access key")).to_be_visible()
    page.goto("/")
    expect(page.get_by_label("Access key")).to_be_visible()
    # The browser tells of the answer 401 to the wrong key.
    assert [text for text in complaints if "401" not in text] == []
    complaints.clear()


def test_a_search_finds_says_what_is_wrong_and_is_kept(visit: Visit, complaints: list[str]) -> None:
    page = visit()
    page.get_by_role("searchbox").fill("type:price_* user:u-42")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page).to_have_url(re.compile(r"q=type"))
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator("#count")).to_have_text("1 event")
    page.get_by_role("link", name=re.compile("user:u-42")).click()
    expect(page.locator("#count")).to_have_text("31 events")

    page.locator("summary", has_text="Saved views").click()
    page.get_by_label("Name of the view").fill("Prices")
    page.get_by_role("button", name="Save").click()
    page.goto("/")
    page.locator("summary", has_text="Saved views").click()
    page.get_by_role("link", name="Prices").click()
    expect(page.get_by_role("searchbox")).to_have_value("type:price_*")

    page.get_by_role("searchbox").fill("tpye:user_login")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").locator("mark")).to_have_text("tpye:")
    page.get_by_role("link", name=re.compile("Search for this instead")).click()
    expect(page.locator("#count")).to_have_text("30 events")
    complaints.clear()  # the answer 400


def test_facets_narrow_the_list(visit: Visit) -> None:
    page = visit()
    # What somebody looked at is left out until it is asked for.
    expect(page.get_by_role("searchbox")).to_have_value("-type:audit.read")
    facet = page.get_by_role("region", name="Type").get_by_role("link", name="access_denied")
    facet.click()
    expect(page.locator("#count")).to_have_text("30 events")
    chosen = page.get_by_role("region", name="Type").locator("[aria-current]")
    expect(chosen).to_contain_text("access_denied")
    chosen.click()
    expect(page.get_by_role("searchbox")).to_have_value("-type:audit.read")


def test_a_range_is_brushed_on_the_time_line(visit: Visit) -> None:
    page = visit()
    page.goto("/?q=-type:audit.read,audit.key")
    _drawn(page)
    whole = page.locator("#count").inner_text()
    box = page.locator(".plot .u-over").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.3, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile("since.*until"))
    _drawn(page)
    assert 0 < _number(page.locator("#count").inner_text()) < _number(whole)


def test_a_range_is_chosen_with_the_keyboard(visit: Visit) -> None:
    page = visit()
    page.goto("/?q=type:user_login")
    _drawn(page)
    page.locator(".plot").focus()
    for key in ("Home", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator("#say")).to_contain_text("Show ")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("since.*until"))
    expect(page.locator("#count")).to_have_text("3 events")


def _number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def test_an_event_shows_what_changed_and_what_belongs_to_it(visit: Visit, site: Site) -> None:
    page = visit()
    _open(page, site.ids["changed"])
    expect(page.get_by_role("heading", level=1)).to_contain_text("u-42 changed the price")
    tree = page.locator(".tree")
    expect(tree.locator("del").first).to_have_text("12.50")
    expect(tree.locator("ins").first).to_have_text("13.00")
    expect(tree.get_by_text("Lamp")).to_be_hidden()
    page.get_by_role("button", name=re.compile("Show what is unchanged")).click()
    expect(tree.get_by_text("Lamp")).to_be_visible()
    page.get_by_role("link", name="product/p-9").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("product/p-9")
    expect(page.locator(".row")).to_have_count(1)


def test_an_event_is_verified_and_the_log_s_growth_is_proved(visit: Visit, site: Site) -> None:
    page = visit()
    _open(page, site.ids["changed"])
    first = _verify(page)
    assert VERIFIED in first
    assert "The checkpoint is signed by the log" in first
    assert "had no checkpoint" in first
    added = site.record("user_login", user_id="u-7")
    _open(page, added)
    second = _verify(page)
    assert VERIFIED in second
    assert "continues the one of" in second
    _open(page, site.ids["changed"])
    assert "is the one that this browser remembers" in _verify(page)


def test_a_rewritten_history_is_a_loud_alarm(visit: Visit, site: Site) -> None:
    page = visit()
    page.goto("/integrity")
    page.get_by_role("button", name="Check now").click()
    expect(page.locator(".result[data-done=good]")).to_be_visible()
    for change, said in (
        ("held.root = btoa('x'.repeat(32))", "FORK"),
        ("held.size -= 1; held.root = btoa('x'.repeat(32))", "FORK"),
        ("held.size += 1000", "ROLLBACK"),
        ("held.key = held.key.replace(/.$/, 'A')", "key is another one"),
        ("held.origin = 'elsewhere'", "another log"),
    ):
        page.evaluate(
            "(change) => { const name = Object.keys(localStorage)"
            ".find((one) => one.startsWith('counterfoil.checkpoint.'));"
            "sessionStorage.held ??= localStorage[name];"
            "const held = JSON.parse(sessionStorage.held);"
            f"{change};"
            "localStorage[name] = JSON.stringify(held); }",
            change,
        )
        page.get_by_role("button", name="Verify again").click()
        alarm = page.locator(".notice.alarm")
        expect(alarm).to_contain_text("contradicts what it said before")
        expect(alarm).to_contain_text(said)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Forget it").click()
    page.get_by_role("button", name="Verify again").click()
    expect(page.locator(".result")).to_contain_text(VERIFIED)


def test_a_tampered_event_is_shown_as_such(visit: Visit, site: Site, complaints: list[str]) -> None:
    page = visit()
    _open(page, site.ids["tampered"])
    assert VERIFIED in _verify(page)
    connection = apsw.Connection(str(site.database))
    connection.set_busy_timeout(10_000)
    change = "UPDATE event SET {0} = CAST(replace({0}, ?, ?) AS BLOB) WHERE id = ?"
    connection.execute(change.format("details"), ("viewer", "admin!", _blob(site, "tampered")))
    connection.execute(change.format("entry"), ("success", "failure", _blob(site, "forged")))
    connection.close()
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("This event was altered.")
    assert "A disclosure does not match" in _verify(page)
    _open(page, site.ids["forged"])
    told = _verify(page)
    assert "The server cannot prove this event." in told
    complaints.clear()  # the answer 409


def _blob(site: Site, purpose: str) -> bytes:
    return bytes.fromhex(site.ids[purpose].replace("-", ""))


def test_new_events_appear_on_two_pages_at_once(visit: Visit, site: Site) -> None:
    pages = [visit("admin"), visit("tenant")]
    for page in pages:
        page.goto("/?q=type:order_shipped")
        page.get_by_role("button", name="Live").click()
        expect(page.locator("counterfoil-live[data-state=on]")).to_be_visible()
    own = site.record("order_shipped", user_id="u-live", context={"company_id": "c-1"})
    for page in pages:
        expect(page.locator(f"#e-{own}")).to_contain_text("u-live shipped")
    foreign = site.record("order_shipped", user_id="u-live", context={"company_id": "c-2"})
    site.record("order_canceled", user_id="u-live", context={"company_id": "c-1"})
    last = site.record("order_shipped", user_id="u-last", context={"company_id": "c-1"})
    for page in pages:
        expect(page.locator(f"#e-{last}")).to_be_visible()
    expect(pages[0].locator(".row")).to_have_count(3)
    expect(pages[1].locator(".row")).to_have_count(2)
    expect(pages[0].locator(f"#e-{foreign}")).to_be_visible()
    pages[0].get_by_role("button", name="Live").click()
    expect(pages[0].locator("counterfoil-live[data-state]")).to_have_count(0)


def test_a_tenant_is_kept_to_its_own(visit: Visit, site: Site, complaints: list[str]) -> None:
    page = visit("tenant")
    page.goto("/?q=user:u-foreign")
    expect(page.get_by_role("heading", name="No event matches")).to_be_visible()
    _open(page, site.ids["foreign"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    expect(page.get_by_role("link", name="Keys")).to_have_count(0)
    complaints.clear()  # the answer 404


def test_everything_is_done_with_the_keyboard(visit: Visit, site: Site) -> None:
    page = visit(None)
    page.keyboard.type(site.keys["admin"])
    page.keyboard.press("Enter")
    expect(page.locator(".row").first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("user:u-42")
    page.keyboard.press("Enter")
    expect(page.locator(".row")).to_have_count(1)
    page.keyboard.press("j")
    expect(page.locator(".row .open").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("u-42 changed")
    page.keyboard.press("v")
    expect(page.locator(".result")).to_contain_text(VERIFIED)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page.get_by_role("heading", level=1)).to_have_text("Integrity")


def test_the_way_back_leads_to_the_search_and_the_row(visit: Visit, site: Site) -> None:
    page = visit()
    page.goto("/?q=type:price_changed")
    second = page.locator(".row .open").nth(1)
    name = second.get_attribute("href")
    second.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_url(f"**{name}")
    page.keyboard.press("u")
    page.wait_for_url("**/?q=type:price_changed")
    expect(page.locator(f'.row .open[href="{name}"]')).to_be_focused()


def test_a_server_that_does_not_answer_is_told(visit: Visit, complaints: list[str]) -> None:
    page = visit()
    expect(page.locator(".row").first).to_be_visible()
    page.route("**/?q=*", lambda route: route.abort())
    page.get_by_role("link", name="24 h").click()
    expect(page.get_by_text("The server did not answer. Try again.")).to_be_visible()
    complaints.clear()  # the request that failed


def test_hostile_content_is_harmless_text(visit: Visit, site: Site) -> None:
    page = visit()
    page.on("dialog", lambda dialog: dialog.dismiss())
    for path in ("/?q=type:file_uploaded", f"/events/{site.ids['hostile']}"):
        page.goto(path)
        expect(page.locator("main")).to_contain_text("<img src=x onerror=alert(1)>\\u202e\\x1b[31m")
        assert page.locator("main img").count() == 0
    expect(page.locator(".tree")).to_contain_text("u{202e}")
    text = page.locator("body").inner_text()
    assert not {"\u202e", "\x1b"} & set(text)
    assert len(text) < 300_000
    assert VERIFIED in _verify(page)


def test_without_a_secure_connection_the_page_says_what_it_cannot_check(
    visit: Visit, site: Site, complaints: list[str]
) -> None:
    page = visit("admin", base=site.name)
    _open(page, site.ids["changed"])
    page.get_by_role("button", name="Verify").click()
    expect(page.locator(".result")).to_contain_text("https or on localhost only")
    assert all("Cross-Origin-Opener-Policy" in text for text in complaints)
    complaints.clear()


def test_a_key_is_made_and_revoked(visit: Visit) -> None:
    page = visit()
    page.goto("/keys")
    page.locator("summary", has_text="Make a key").click()
    page.get_by_label("Name").fill("for Ada")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#secret")).to_have_text(re.compile(r"^cf_\w{12}_\w+$"))
    page.goto("/keys")
    expect(page.locator("#secret")).to_have_count(0)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Revoke for Ada").click()
    row = page.get_by_role("row", name=re.compile("for Ada"))
    expect(row).to_contain_text("revoked")


def test_times_are_local_or_utc(visit: Visit, site: Site) -> None:
    page = visit(timezone_id="Asia/Tokyo")
    _open(page, site.ids["changed"])
    expect(page.locator(".title time")).to_contain_text("UTC+09:00")
    page.get_by_role("button", name="Asia/Tokyo").click()
    expect(page.locator(".title time")).to_contain_text(" UTC")
    expect(page.locator(".title time")).not_to_contain_text("UTC+")
