"""Pages: what they show, to whom, and that nothing of an event is obeyed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import apsw
import httpx2
import pytest

from counterfoil import AuditContext, AuditLog
from counterfoil.access import Role, Services
from counterfoil.errors import StoreUnavailableError

from .conftest import MakeVisitor, csrf_of

HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(1)>"\'>\u202e\x1b[31m=HYPERLINK("x")'


async def _record(audit: AuditLog, **fields: Any) -> str:
    context = AuditContext(**{name: fields.pop(name) for name in list(fields) if name in _CONTEXT})
    return await audit.log_event(
        fields.pop("event_type", "price_changed"), context=context, **fields
    )


_CONTEXT = {*AuditContext.model_fields} - {"user_id", "ip_address", "resource_id", "resource_type"}


async def test_a_page_allows_no_code_but_its_own(visitor: MakeVisitor) -> None:
    browser = await visitor("admin")
    for path in ("/", "/integrity", "/keys", "/people/u-1", "/events/unknown"):
        page = await browser.get(path)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:|<script>", page.text) == []


async def test_the_list_tells_the_newest_first_and_goes_on_to_older_ones(
    audit: AuditLog, visitor: MakeVisitor
) -> None:
    ids = [await _record(audit, user_id=f"u-{n}") for n in range(60)]
    browser = await visitor()
    page = (await browser.get("/", params={"q": "type:price_changed"})).text
    assert re.findall(r'id="e-([^"]+)"', page) == ids[:9:-1]
    (older,) = re.findall(r'href="([^"]+cursor=[^"]+)" data-key="n"', page)
    rest = (await browser.get(older.replace("&amp;", "&"))).text
    assert re.findall(r'id="e-([^"]+)"', rest) == ids[9::-1]


async def test_a_search_that_cannot_be_read_says_where_and_what_instead(
    visitor: MakeVisitor,
) -> None:
    browser = await visitor()
    page = await browser.get("/", params={"q": "a tpye:user_login"})
    assert page.status_code == 400
    assert "<mark>tpye:</mark>" in page.text
    assert "a type:user_login" in page.text


async def test_an_address_without_a_page_is_answered_in_the_caller_s_way(
    visitor: MakeVisitor, stranger: httpx2.AsyncClient
) -> None:
    browser = await visitor()
    for somebody in (browser, stranger):
        page = await somebody.get("/evnets", headers={"accept": "text/html,*/*;q=0.8"})
        assert page.status_code == 404
        assert "There is no page at this address." in page.text
        assert ("/sign-out" in page.text) == (somebody is browser)
    for path, wanted in (("/evnets", "*/*"), ("/v1/evnets", "text/html")):
        problem = await browser.get(path, headers={"accept": wanted})
        assert (problem.status_code, problem.json()["code"]) == (404, "no_such_path")


@pytest.mark.parametrize("path", ["/", "/integrity", "/keys", "/sign-in", "/people/u-1"])
async def test_a_database_that_is_away_is_told_on_a_page(
    visitor: MakeVisitor, services: Services, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailableError

    browser = await visitor("admin")
    monkeypatch.setattr(services.sessions, "find", away)
    page = await browser.get(path)
    assert page.status_code == 503
    assert page.headers["content-type"].startswith("text/html")
    assert "The log does not answer" in page.text


async def test_a_part_that_cannot_be_shown_says_so_in_its_place(
    visitor: MakeVisitor, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailableError

    browser = await visitor()
    monkeypatch.setattr(type(services.audit), "timeline", away)
    part = await browser.get("/parts/overview", params={"q": ""})
    assert part.status_code == 503
    assert 'id="overview"' in part.text
    assert "The log does not answer" in part.text
    assert "Not counted" in part.text
    missing = await browser.get("/parts/related/01920000-0000-7000-8000-000000000000")
    assert (missing.status_code, 'id="related"' in missing.text) == (404, True)
    assert "<html" not in part.text + missing.text


async def test_the_keys_page_says_which_logs_a_key_is_bound_to(visitor: MakeVisitor) -> None:
    await visitor("reader", name="staff", logs=["hr", "pay"])
    page = (await (await visitor("admin")).get("/keys")).text
    assert "only the logs hr, pay" in page


async def test_an_id_leads_to_its_event(audit: AuditLog, visitor: MakeVisitor) -> None:
    event_id = await _record(audit)
    browser = await visitor()
    found = await browser.get("/", params={"q": f" {event_id.upper()} "})
    assert (found.status_code, found.headers["location"]) == (303, f"/events/{event_id}")


async def test_nothing_of_an_event_is_obeyed(audit: AuditLog, visitor: MakeVisitor) -> None:
    event_id = await _record(
        audit,
        user_id=HOSTILE,
        resource_type="product",
        resource_id=HOSTILE,
        details={HOSTILE: HOSTILE, "long": "=1+1" + "A" * 1_000_000},
        before_state={HOSTILE: HOSTILE},
        after_state={HOSTILE: "x"},
        user_agent=HOSTILE,
        request_id=HOSTILE,
        metadata={"deep": [HOSTILE]},
    )
    browser = await visitor("admin", name=quote(HOSTILE[:30]) + "<img src=x>")
    paths = ["/", f"/events/{event_id}", f"/parts/related/{event_id}", "/parts/overview"]
    typed = quote(HOSTILE, safe="")
    paths += [f"/people/{typed}", f"/people/{typed}?tab=about", f"/resources/product/{typed}"]
    paths += [f"/?q={typed}", f"/parts/overview?q={typed}", f"/sign-in?next={typed}", "/integrity"]
    paths += [f"/?q=user:{typed}", f"/events/{typed}", f"/?cursor={typed}", f"/keys?next={typed}"]
    for path in paths:
        page = await browser.get(path)
        assert page.status_code in (200, 303, 400, 404), path
        assert page.status_code == 200 or typed in path
        assert len(page.content) < 1_000_000
        for danger in ("<script>alert", "<img", 'onerror=alert(1)>"'):
            assert danger not in page.text, path
        # Attributes are not shown, but for what somebody typed, in a box that lets no direction
        # out of it.
        shown = re.sub(r'="[^"]*"', "", page.text)
        for danger in ("\u202e", "\x1b"):
            assert danger not in shown, path


async def test_a_tenant_sees_its_own_events_alone(audit: AuditLog, visitor: MakeVisitor) -> None:
    own = await _record(audit, company_id="c-1", user_id="u-own", session_id="s-1")
    foreign = await _record(audit, company_id="c-2", user_id="u-foreign", session_id="s-1")
    browser = await visitor("auditor", company="c-1")
    page = (await browser.get("/")).text
    assert own in page
    assert foreign not in page
    assert foreign not in (await browser.get("/people/u-foreign")).text
    for path in (
        f"/events/{foreign}",
        f"/parts/related/{foreign}",
        f"/data/events/{foreign}",
        f"/data/events/{foreign}/evidence",
        f"/data/events/{foreign}/proof",
        f"/data/events/{foreign}/disclosures",
    ):
        assert (await browser.get(path)).status_code == 404, path
    assert foreign not in (await browser.get(f"/parts/related/{own}")).text
    assert (await browser.get("/", params={"q": "company:c-2"})).status_code == 403
    verified = await browser.post("/integrity/verify", data={"csrf": csrf_of(page)})
    assert verified.status_code == 403


@pytest.mark.parametrize(
    ("search", "count"),
    [
        ("", "3 events"),
        ("type:price_changed", "2 events"),
        ("-type:price_changed", "1 event"),
        ("min-level:warning", "2 events"),
        ("-level:warning", "1 event"),
        ("user:u-1", "2 events"),
        ("supplier", "1 event"),
        ("since:1h outcome:success", "3 events"),
        ("type:order_* level:info", "1 event"),
    ],
)
async def test_what_stands_beside_the_list_counts_what_is_in_it(
    audit: AuditLog, visitor: MakeVisitor, search: str, count: str
) -> None:
    await _record(audit, user_id="u-1", details={"reason": "supplier"}, company_id="c-1")
    await _record(audit, user_id="u-2", company_id="c-1")
    await _record(audit, user_id="u-1", event_type="order_created", company_id="c-1")
    browser = await visitor("reader", company="c-1")
    filters = f"{search} -type:audit.key,audit.read"
    page = await browser.get("/parts/overview", params={"q": filters})
    assert f'data-count="{count}"' in page.text
    rows = (await browser.get("/", params={"q": filters})).text
    assert rows.count('<li class="row') == int(count.split()[0])


async def test_an_altered_event_is_shown_as_such(
    audit: AuditLog, visitor: MakeVisitor, tmp_path: Path
) -> None:
    event_id = await _record(audit, user_id="u-1", details={"reason": "supplier"})
    browser = await visitor()
    assert "This event was altered." not in (await browser.get(f"/events/{event_id}")).text
    connection = apsw.Connection(str(tmp_path / "audit.db"))
    connection.execute(
        "UPDATE event SET details = CAST(replace(details, 'supplier', 'customer') AS BLOB)"
    )
    connection.close()
    page = (await browser.get(f"/events/{event_id}")).text
    assert "This event was altered." in page


async def test_keys_are_made_shown_once_and_revoked(visitor: MakeVisitor) -> None:
    admin = await visitor("admin")
    page = (await admin.get("/keys")).text
    form = {"csrf": csrf_of(page), "name": "<b>new</b>", "role": "reader", "company": "c-1"}
    made = await admin.post("/keys", data={**form, "days": "30"})
    (secret,) = re.findall(r'<code id="secret" class="hash">(cf_\w+)</code>', made.text)
    assert "<b>new</b>" not in made.text
    listed = (await admin.get("/keys")).text
    assert secret not in listed
    assert "&lt;b&gt;new&lt;/b&gt;" in listed
    (address,) = [
        action
        for action, rest in re.findall(r'action="(/keys/\w+/revoke)"(.*?)</form>', listed, re.S)
        if "new" in rest
    ]
    assert (await admin.post(address, data=form)).status_code == 303
    wrong = await admin.post("/keys", data={**form, "days": "0"})
    assert (wrong.status_code, "number of days" in wrong.text) == (400, True)


async def test_a_key_is_rotated_and_its_successor_shown_once(
    visitor: MakeVisitor, services: Services
) -> None:
    admin = await visitor("admin")
    old, _ = await services.keyring.create("writer", name="shop", logs=["hr"])
    csrf = csrf_of((await admin.get("/keys")).text)
    made = await admin.post(f"/keys/{old.id}/rotate", data={"csrf": csrf})
    (secret,) = re.findall(r'<code id="secret" class="hash">(cf_\w+)</code>', made.text)
    fresh = await services.keyring.authenticate(secret)
    assert (fresh.role, fresh.name, fresh.logs) == (Role.WRITER, "shop", frozenset({"hr"}))
    assert f"replaced by {fresh.key_id}" in made.text
    assert f"/keys/{old.id}/rotate" not in made.text
    again = await admin.post(f"/keys/{old.id}/rotate", data={"csrf": csrf})
    assert (again.status_code, "was rotated already" in again.text) == (400, True)
    assert made.headers["hx-push-url"] == again.headers["hx-push-url"] == "/keys"


async def test_a_key_is_bound_to_the_logs_that_are_named(
    visitor: MakeVisitor, services: Services
) -> None:
    admin = await visitor("admin")
    csrf = csrf_of((await admin.get("/keys")).text)
    form = {"csrf": csrf, "name": "new", "role": "reader"}
    made = await admin.post("/keys", data={**form, "logs": "hr, pay"})
    (secret,) = re.findall(r'<code id="secret" class="hash">(cf_\w+)</code>', made.text)
    assert (await services.keyring.authenticate(secret)).logs == frozenset({"hr", "pay"})
    wrong = await admin.post("/keys", data={**form, "logs": "No Log!"})
    assert (wrong.status_code, 'role="alert"' in wrong.text) == (400, True)


async def test_nobody_is_offered_to_revoke_their_own_key(visitor: MakeVisitor) -> None:
    admin = await visitor("admin")
    page = (await admin.get("/keys")).text
    assert "your own" in page
    assert "/revoke" not in page


@pytest.mark.parametrize("role", ["reader", "privacy"])
async def test_keys_are_shown_to_those_who_may_see_them(visitor: MakeVisitor, role: str) -> None:
    browser = await visitor(role)
    assert (await browser.get("/keys")).status_code == 403
    assert 'href="/keys"' not in (await browser.get("/")).text
    auditor = await visitor("auditor")
    page = await auditor.get("/keys")
    assert page.status_code == 200
    assert 'action="/keys"' not in page.text


async def test_each_log_has_its_checkpoint_on_the_integrity_page(
    audit: AuditLog, visitor: MakeVisitor
) -> None:
    await audit.log_event("price_changed", log="pay")
    signed = await audit.checkpoint("pay")
    reader = await visitor()
    page = await reader.get("/integrity", params={"log": "pay"})
    assert (page.status_code, signed.origin in page.text) == (200, True)
    assert 'data-log="pay"' in page.text
    assert (await reader.get("/integrity", params={"log": "nothing"})).status_code == 404
    bound = await visitor(logs=["hr"])
    assert (await bound.get("/integrity", params={"log": "pay"})).status_code == 403
    tenant = await visitor(company="c-1")
    assert (await tenant.get("/integrity", params={"log": "pay"})).status_code == 403
    assert 'class="pick"' not in (await tenant.get("/integrity")).text


async def test_the_server_verifies_and_the_report_is_shown(
    audit: AuditLog, visitor: MakeVisitor, tmp_path: Path
) -> None:
    await _record(audit, details={"reason": "supplier"})
    auditor = await visitor("auditor")
    csrf = csrf_of((await auditor.get("/integrity")).text)
    good = await auditor.post("/integrity/verify", data={"csrf": csrf})
    assert "Nothing is wrong." in good.text
    connection = apsw.Connection(str(tmp_path / "audit.db"))
    connection.execute("UPDATE event SET type = 'order_created' WHERE type = 'price_changed'")
    connection.close()
    bad = await auditor.post("/integrity/verify", data={"csrf": csrf})
    assert "Tampering or damage found" in bad.text
    assert "column" in bad.text
