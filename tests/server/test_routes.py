"""Every route with every role, without a key, and with a foreign tenant's.

The routes are the application's own: one that is added is walked too, and fails here until it
says what it needs.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import httpx2
import pytest
from fastapi.routing import APIRoute

from counterfoil import AuditContext, AuditLog
from counterfoil.access import Permission, Role
from counterfoil.access.role import GRANTS
from counterfoil.server.app import create_app
from counterfoil.server.authentication import Needs

from .serving import Served

#: Routes that need no key, and why.
PUBLIC = {
    "/healthz": "says only that the process lives",
    "/readyz": "says only whether it can work",
    "/openapi.json": "the description is the same for everybody",
    "/docs": "shows the description",
    "/docs/{name}": "a file of that page",
}
#: Routes that look at the key by themselves, since a setting may open them.
BY_THEMSELVES = {"/metrics": Permission.READ}
MARK = "mark-of-the-first-company"


class Case(NamedTuple):
    """A route, as it is asked."""

    method: str
    path: str
    needs: tuple[Permission | None, ...]


def cases() -> list[Case]:
    return [
        Case(method, prefix + route.path, tuple(needed(route)))
        for prefix, router in create_app(_never).state.routers
        for route in router.routes
        if isinstance(route, APIRoute) and prefix + route.path not in PUBLIC
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]


def _never() -> Any:
    raise AssertionError("only looked at")


def needed(route: APIRoute) -> list[Permission | None]:
    """What a route's dependencies need."""
    found = [one.call for one in route.dependant.dependencies]
    return [one.permission for one in found if isinstance(one, Needs)]


CASES = cases()
IDS = [f"{case.method} {case.path}" for case in CASES]


def test_there_are_routes() -> None:
    assert len(CASES) >= 20


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_route_says_what_it_needs(case: Case) -> None:
    assert case.path in BY_THEMSELVES or len(case.needs) == 1


def test_no_route_deletes() -> None:
    assert {case.method for case in CASES} == {"GET", "POST"}
    assert not [path for path in IDS if "delete" in path or "purge" in path]


def url(case: Case, ids: dict[str, str]) -> str:
    path = case.path
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:path}}", value)
    return path.replace("entries/0/", "entries/")


BODIES: dict[str, Any] = {
    "/v1/events": {"event_type": "user_login"},
    "/v1/keys": {"role": "reader"},
    "/v1/verify": {"processes": 0},
    "/v1/viewer-tokens": {"company": "c-1", "origins": ["https://app.example.com"]},
}
QUERIES = {"/v1/consistency": {"old": "1"}}


async def ask(client: httpx2.AsyncClient, case: Case, url: str) -> httpx2.Response:
    method, path, _ = case
    if path == "/v1/stream":
        # It has no end: a place that is none is refused once the key is accepted.
        return await client.get(url, params={"after": "x"})
    if method == "POST":
        return await client.post(url, json=BODIES.get(path, {}), params=QUERIES.get(path))
    return await client.request(method, url, params=QUERIES.get(path))


@pytest.fixture
async def ids(audit: AuditLog, served: Served) -> dict[str, str]:
    """What stands in the routes' paths: all of it the first company's."""
    event_id = await audit.log_event(
        "price_changed",
        resource_id=MARK,
        details={"mark": MARK},
        context=AuditContext(company_id="c-1"),
    )
    key, _ = await served.services.keyring.create("reader", company="c-1", name=MARK)
    return {"event_id": event_id, "key_id": key.id, "log": "default", "path": "0/000.p/1"}


@pytest.mark.parametrize("role", [None, *Role])
async def test_roles_reach_what_they_may_and_no_more(
    served: Served, ids: dict[str, str], role: Role | None
) -> None:
    for case in CASES:
        client = await served.client(None if role is None else role.value)
        answer = await ask(client, case, url(case, ids))
        wanted = BY_THEMSELVES.get(case.path) or case.needs[0]
        where = (case, answer.text)
        if role is None:
            assert answer.status_code == 401, where
        elif wanted is not None and wanted not in GRANTS[role]:
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), where
        else:
            assert answer.status_code not in (401, 403), where
            assert answer.status_code < 500, where


@pytest.mark.parametrize("role", [*Role])
async def test_a_foreign_tenant_sees_and_changes_nothing(
    served: Served, audit: AuditLog, ids: dict[str, str], role: Role
) -> None:
    for case in CASES:
        client = await served.client(role.value, company="c-2")
        asked = {"company_id": "c-1"}
        for path, params in itertools.product([url(case, ids)], [None, asked]):
            if case.path == "/v1/stream":
                params = {**(params or {}), "after": "x"}
            body = {"event_type": "user_login", "context": {"company_id": "c-1"}}
            answer = await client.request(
                case.method,
                path,
                params=params or QUERIES.get(case.path),
                json=None
                if case.method == "GET"
                else BODIES.get(case.path, {}) | _foreign(case.path, body),
            )
            where = (case, params, answer.text)
            assert answer.status_code < 500, where
            assert MARK not in answer.text, where
            assert ids["event_id"] not in answer.text, where
            if params is asked and case.path in ("/v1/events", "/v1/count", "/v1/timeline"):
                assert answer.status_code == 403, where
    held = {one.key.id: one.key for one in await served.services.keyring.keys()}
    assert held[ids["key_id"]].state(0) == "active"
    assert held[ids["key_id"]].successor is None
    assert await audit.count(event_type="user_login") == 0


def _foreign(path: str, body: dict[str, Any]) -> dict[str, Any]:
    if path == "/v1/events":
        return body
    return {"company": "c-1"} if path in ("/v1/keys", "/v1/viewer-tokens") else {}


#: What the holder of a viewer token may ask for: all else is refused.
VIEWED = {
    "/v1/events",
    "/v1/events/{event_id}",
    "/v1/events/{event_id}/proof",
    "/v1/count",
    "/v1/timeline",
    "/v1/stream",
    "/v1/checkpoint",
    "/v1/consistency",
    "/v1/session",
}


@pytest.mark.parametrize("role", [Role.READER, Role.AUDITOR, Role.PRIVACY, Role.ADMIN])
async def test_a_viewer_token_reads_its_company_and_no_more(
    served: Served, ids: dict[str, str], role: Role
) -> None:
    own = await served.viewer(role, company="c-1")
    foreign = await served.viewer(role, company="c-2")
    seen = set()
    for case in CASES:
        answer = await ask(own, case, url(case, ids))
        where = (case, answer.text)
        if case.path in VIEWED and case.method == "GET":
            assert answer.status_code not in (401, 403), where
            seen.add(case.path)
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), where
        answer = await ask(foreign, case, url(case, ids))
        assert answer.status_code < 500, (case, answer.text)
        assert MARK not in answer.text, case
    assert seen == VIEWED
