"""Every page with every role, without a session, and with a foreign tenant's.

The pages are the router's own: one that is added is walked too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from counterfoil import AuditContext, AuditLog
from counterfoil.access import Permission, Role, Services
from counterfoil.access.role import GRANTS
from counterfoil.viewer import router

#: What nobody needs a session for.
PUBLIC = {"/sign-in", "/sign-out", "/static/{version}/{name:path}"}
#: What a page needs besides that its visitor may read.
NEEDS = {
    ("GET", "/keys"): Permission.SEE_KEYS,
    ("POST", "/keys"): Permission.MANAGE_KEYS,
    ("POST", "/keys/{key_id}/revoke"): Permission.MANAGE_KEYS,
    ("POST", "/keys/{key_id}/rotate"): Permission.MANAGE_KEYS,
    ("POST", "/integrity/verify"): Permission.VERIFY,
}
MARK = "mark-of-the-first-company"


class Case(NamedTuple):
    """A page, as it is asked for."""

    method: str
    path: str


CASES = [
    Case(method, route.path)
    for route in router.routes
    if isinstance(route, APIRoute) and route.path not in PUBLIC
    for method in sorted(route.methods or ())
]


class Guest(NamedTuple):
    """A browser with a session, and what its forms send along."""

    browser: httpx2.AsyncClient
    csrf: str

    async def ask(self, case: Case, ids: dict[str, str], **query: str) -> httpx2.Response:
        path = case.path
        for name, value in ids.items():
            path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:path}}", value)
        if case.path == "/live":
            # It has no end: a place that is none is refused once the visitor is let in.
            query["after"] = "x"
        if case.path == "/data/consistency":
            query |= {"old": "1", "new": "1"}
        form = {"csrf": self.csrf, "role": "reader", "company": "c-1"}
        data = form if case.method == "POST" else None
        return await self.browser.request(case.method, path, params=query, data=data)


#: Makes a guest whose key has a role, and perhaps a company and logs.
Invite = Callable[..., Awaitable[Guest]]


@pytest.fixture
async def invite(app: FastAPI, services: Services) -> AsyncIterator[Invite]:
    async with AsyncExitStack() as stack:

        async def make(role: str, **bound: Any) -> Guest:
            _, key = await services.keyring.create(role, **bound)
            session = await services.sessions.begin(key)
            browser = httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=app),
                base_url="http://log.example",
                cookies={"counterfoil": session.cookie},
            )
            return Guest(await stack.enter_async_context(browser), session.csrf)

        yield make


@pytest.fixture
async def ids(audit: AuditLog, services: Services) -> dict[str, str]:
    """What stands in the pages' paths: all of it the first company's."""
    event_id = await audit.log_event(
        "price_changed",
        user_id="u-1",
        resource_type="product",
        resource_id="p-1",
        details={"mark": MARK},
        context=AuditContext(company_id="c-1"),
    )
    key, _ = await services.keyring.create("reader", company="c-1", name=MARK)
    return {"event_id": event_id, "key_id": key.id, "kind": "product", "name": "u-1"}


def test_every_page_is_walked() -> None:
    assert len(CASES) >= 18
    assert {case.method for case in CASES} == {"GET", "POST"}
    assert set(NEEDS) <= {tuple(case) for case in CASES}
    assert not [case.path for case in CASES if "delete" in case.path or "purge" in case.path]


@pytest.mark.parametrize("role", [*Role])
async def test_roles_see_what_they_may_and_no_more(
    invite: Invite, ids: dict[str, str], role: Role
) -> None:
    for case in CASES:
        guest = await invite(role.value)
        answer = await guest.ask(case, ids)
        wanted = {Permission.READ, NEEDS.get((case.method, case.path), Permission.READ)}
        where = (case, answer.text[-500:])
        if wanted <= GRANTS[role]:
            assert answer.status_code not in (401, 403), where
            assert answer.status_code < 500, where
        else:
            assert answer.status_code == 403, where
            assert MARK not in answer.text, where
            assert ids["event_id"] not in answer.text.replace(f"/{ids['event_id']}", ""), where


async def test_nobody_sees_or_changes_anything_without_a_session(
    stranger: httpx2.AsyncClient, services: Services, ids: dict[str, str]
) -> None:
    for case in CASES:
        answer = await Guest(stranger, "x" * 64).ask(case, ids)
        where = (case, answer.text[-500:])
        assert answer.status_code in (303, 401), where
        assert answer.headers.get("location", "/sign-in").startswith("/sign-in"), where
        assert MARK not in answer.text, where
    held = {one.key.id: one.key for one in await services.keyring.keys()}
    assert held[ids["key_id"]].state(0) == "active"


@pytest.mark.parametrize("role", [Role.READER, Role.AUDITOR, Role.PRIVACY, Role.ADMIN])
@pytest.mark.parametrize("bound", [{"company": "c-2"}, {"logs": ["other"]}], ids=str)
async def test_a_foreign_tenant_sees_and_changes_nothing(
    invite: Invite,
    services: Services,
    audit: AuditLog,
    ids: dict[str, str],
    role: Role,
    bound: dict[str, Any],
) -> None:
    guest = await invite(role.value, **bound)
    for case in CASES:
        for query in ({}, {"q": "company:c-1"}, {"q": "log:default"}, {"log": "default"}):
            answer = await guest.ask(case, ids, **query)
            where = (case, query, answer.status_code, answer.text[-500:])
            assert answer.status_code < 500, where
            assert MARK not in answer.text, where
            assert f"e-{ids['event_id']}" not in answer.text, where
            if "{event_id}" in case.path:
                assert answer.status_code == 404, where
    held = {one.key.id: one.key for one in await services.keyring.keys()}
    assert held[ids["key_id"]].state(0) == "active"
    made = [one for one in held.values() if one.company == "c-1"]
    assert [one.id for one in made] == [ids["key_id"]]


async def test_a_page_is_known_to_the_server_by_its_path(
    stranger: httpx2.AsyncClient, app: FastAPI, ids: dict[str, str]
) -> None:
    refused = await stranger.delete(f"/events/{ids['event_id']}")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert (await stranger.head("/keys")).status_code == 303
    counted = app.state.metrics.text().decode()
    assert 'counterfoil_requests_total{method="HEAD",route="/keys",status="303"} 1.0' in counted
