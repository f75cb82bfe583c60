"""Access keys: made, checked, rotated, revoked, bound."""

from __future__ import annotations

import pytest

from counterfoil.access import AccessKey, Principal, Role, Services
from counterfoil.errors import AuthenticationError, ForbiddenError, InputError, NotFoundError
from counterfoil.record.instant import DAY, SECOND
from tests.moved_clock import MovedClock


async def test_a_key_is_recognised_and_its_secret_is_nowhere(services: Services) -> None:
    key, text = await services.keyring.create("reader", name="shop", company="c-1", logs=["a", "b"])
    who = await services.keyring.authenticate(text)
    assert who == Principal(
        key_id=key.id, name="shop", role=Role.READER, company="c-1", logs=frozenset({"a", "b"})
    )
    rows = await services.audit.host.registry.registry("access_key")
    assert text.encode() not in b"".join(row.value for row in rows)
    assert text.startswith(f"cf_{key.id}_")
    assert AccessKey.decode(key.encode()) == key


@pytest.mark.parametrize("text", ["", "cf_", "cf_abc", "sk_live_1", "cf_" + "a" * 200, "é"])
async def test_what_is_no_key_is_told_without_asking(services: Services, text: str) -> None:
    with pytest.raises(AuthenticationError, match="not an access key"):
        await services.keyring.authenticate(text)


async def test_a_typing_error_is_told_from_an_unknown_key(services: Services) -> None:
    _, text = await services.keyring.create("reader")
    wrong = text[:30] + ("x" if text[30] != "x" else "y") + text[31:]
    with pytest.raises(AuthenticationError, match="mistyped"):
        await services.keyring.authenticate(wrong)
    elsewhere, _ = await services.keyring.create("reader")
    await services.audit.host.registry.unregister("access_key", elsewhere.id)


async def test_a_key_ends(services: Services, clock: MovedClock) -> None:
    _, text = await services.keyring.create("reader", expires_at=clock.now() + DAY)
    await services.keyring.authenticate(text)
    clock.ahead = DAY + 1
    with pytest.raises(AuthenticationError, match="expired"):
        await services.keyring.authenticate(text)


async def test_a_revoked_key_is_refused_everywhere(services: Services, clock: MovedClock) -> None:
    elsewhere = Services.of(services.audit, clock=clock)
    key, text = await services.keyring.create("reader")
    await elsewhere.keyring.authenticate(text)
    await services.keyring.revoke(key.id)
    with pytest.raises(AuthenticationError, match="revoked"):
        await services.keyring.authenticate(text)
    clock.ahead = 5 * SECOND
    with pytest.raises(AuthenticationError, match="revoked"):
        await elsewhere.keyring.authenticate(text)


async def test_rotating_leaves_both_valid_for_a_while(
    services: Services, clock: MovedClock
) -> None:
    old, old_text = await services.keyring.create("writer", company="c-1", name="shop")
    new, new_text = await services.keyring.rotate(old.id, overlap=DAY)
    assert (new.role, new.company, new.name) == (old.role, old.company, old.name)
    for text in (old_text, new_text):
        await services.keyring.authenticate(text)
    with pytest.raises(InputError, match="rotated already"):
        await services.keyring.rotate(old.id)
    clock.ahead = DAY
    await services.keyring.authenticate(new_text)
    with pytest.raises(AuthenticationError, match="expired"):
        await services.keyring.authenticate(old_text)


async def test_last_use_is_known(services: Services) -> None:
    key, text = await services.keyring.create("reader")
    assert [held.used_at for held in await services.keyring.keys()] == [None]
    await services.keyring.authenticate(text)
    (held,) = await services.keyring.keys()
    assert held.key == key
    assert held.used_at is not None


async def test_nobody_makes_a_key_that_reaches_farther(services: Services) -> None:
    _, text = await services.keyring.create("admin", company="c-1")
    admin = await services.keyring.authenticate(text)
    mine, _ = await services.keyring.create("reader", company="c-1", by=admin)
    for wide in (None, "c-2"):
        with pytest.raises(ForbiddenError):
            await services.keyring.create("reader", by=admin, company=wide)
    other, _ = await services.keyring.create("reader", company="c-2")
    for method in (services.keyring.revoke, services.keyring.rotate):
        with pytest.raises(NotFoundError):
            await method(other.id, by=admin)
    seen = [held.key.id for held in await services.keyring.keys(admin)]
    assert mine.id in seen
    assert other.id not in seen


async def test_only_an_admin_manages_keys(services: Services) -> None:
    for role in set(Role) - {Role.ADMIN}:
        key, text = await services.keyring.create(role)
        who = await services.keyring.authenticate(text)
        for attempt in (
            services.keyring.create("reader", by=who),
            services.keyring.revoke(key.id, by=who),
            services.keyring.rotate(key.id, by=who),
        ):
            with pytest.raises(ForbiddenError):
                await attempt


async def test_the_first_admin_is_made_once(services: Services) -> None:
    made = await services.keyring.first_admin()
    assert made is not None
    assert (await services.keyring.authenticate(made[1])).role is Role.ADMIN
    assert await services.keyring.first_admin() is None


async def test_what_is_done_with_keys_is_recorded(services: Services) -> None:
    _, text = await services.keyring.create("admin")
    admin = await services.keyring.authenticate(text)
    key, secret = await services.keyring.create("writer", by=admin)
    fresh, _ = await services.keyring.rotate(key.id, by=admin)
    await services.keyring.revoke(fresh.id, by=admin)
    page = await services.audit.query(event_type="audit.key", order="oldest")
    facts = [(event.audit or {}, event.user_id) for event in page]
    told = [(audit["kind"], audit["key"], who) for audit, who in facts]
    assert told[1:] == [
        ("access_key_created", key.id, admin.key_id),
        ("access_key_rotated", fresh.id, admin.key_id),
        ("access_key_revoked", fresh.id, admin.key_id),
    ]
    assert all(secret.encode() not in event.entry for event in page)
