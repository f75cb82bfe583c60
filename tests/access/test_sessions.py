"""Sessions: signed in by a key, known by a cookie, ended in time."""

from __future__ import annotations

import pytest

from counterfoil.access import Services, is_csrf
from counterfoil.errors import AuthenticationError
from counterfoil.record.instant import HOUR, SECOND
from tests.moved_clock import MovedClock


async def test_a_session_is_found_by_its_cookie(services: Services) -> None:
    _, text = await services.keyring.create("reader", company="c-1")
    begun = await services.sessions.begin(text)
    found = await services.sessions.find(begun.cookie)
    assert found == begun
    assert found.principal.company == "c-1"
    assert is_csrf(found, begun.csrf)
    assert not is_csrf(found, begun.csrf[:-1] + "x")
    rows = await services.audit.host.registry.registry("session")
    assert begun.cookie not in "".join(row.name + row.value.decode() for row in rows)


@pytest.mark.parametrize("cookie", ["", "x", "x" * 43, "é" * 43])
async def test_another_cookie_is_none(services: Services, cookie: str) -> None:
    with pytest.raises(AuthenticationError):
        await services.sessions.find(cookie)


async def test_a_session_ends(services: Services, clock: MovedClock) -> None:
    key, text = await services.keyring.create("reader")
    out, revoked, idle, long = [await services.sessions.begin(text) for _ in range(4)]
    await services.sessions.end(out.cookie)
    clock.ahead = HOUR // 4
    await services.sessions.find(idle.cookie)
    clock.ahead = HOUR // 4 + HOUR // 2 + SECOND
    for ended in (out, idle):
        with pytest.raises(AuthenticationError):
            await services.sessions.find(ended.cookie)
    clock.ahead = 0
    for _ in range(25):
        await services.sessions.find(long.cookie)
        clock.ahead += HOUR // 2 - SECOND * 70
    with pytest.raises(AuthenticationError):
        await services.sessions.find(long.cookie)
    clock.ahead = 0
    await services.keyring.revoke(key.id)
    with pytest.raises(AuthenticationError, match="revoked"):
        await services.sessions.find(revoked.cookie)
