"""Viewer tokens: what they are bound to, how long they are valid, and who hears of them."""

from __future__ import annotations

import pytest

from counterfoil import AuditContext
from counterfoil.access import Principal, Role, Services
from counterfoil.access.origin import check_origin
from counterfoil.access.viewer_tokens import KIND
from counterfoil.errors import AuthenticationError, ForbiddenError, InputError, NotFoundError
from counterfoil.record.instant import DAY, HOUR, SECOND
from tests.moved_clock import MovedClock

ORIGINS = ["https://app.example.com"]


@pytest.fixture
async def reader(services: Services) -> Principal:
    key, _ = await services.keyring.create("reader")
    return key.principal


async def _fill(services: Services) -> dict[str, str]:
    log = services.audit.log_event
    c_1, c_2 = (AuditContext(company_id=company) for company in ("c-1", "c-2"))
    return {
        "login": await log("user_login", user_id="u-1", context=c_1),
        "price": await log("price_changed", user_id="u-2", resource_id="p-1", context=c_1),
        "foreign": await log("price_changed", user_id="u-1", resource_id="p-1", context=c_2),
    }


async def test_a_token_makes_its_holder_a_reader_of_one_company(
    services: Services, reader: Principal
) -> None:
    made = await services.viewer_tokens.mint(reader, origins=ORIGINS, company="c-1", person="Ada")
    found = await services.authenticate(made.text)
    assert (found.key_id, found.company) == (reader.key_id, "c-1")
    assert found.viewing is not None
    assert found.viewing.origins == set(ORIGINS)
    assert made.expires_at == found.expires_at
    with pytest.raises(AuthenticationError):
        await services.sessions.begin(made.text)
    with pytest.raises(ForbiddenError):
        await services.viewer_tokens.mint(found, origins=ORIGINS)


async def test_only_its_company_s_events_are_shown_and_none_of_the_log_s_own(
    services: Services, reader: Principal
) -> None:
    ids = await _fill(services)
    made = await services.viewer_tokens.mint(reader, origins=ORIGINS, company="c-1")
    log = services.scoped(made.principal)
    await log.query()
    assert [event.id for event in await log.query()] == [ids["price"], ids["login"]]
    assert await log.count() == 2
    assert (await log.timeline(by=["level"])).total == 2
    line = await log.timeline("hour", by=["type", "level"])
    assert {group[0] for group in line.series()} == {"user_login", "price_changed"}
    assert await log.count(exclude={"event_type": "user_login"}) == 1
    assert await log.count(event_type="audit.read") == 0
    with pytest.raises(NotFoundError):
        await log.get(ids["foreign"])
    own = (await services.audit.query(event_type="audit.read")).events[0]
    with pytest.raises(NotFoundError):
        await log.get(own.id)
    with pytest.raises(ForbiddenError):
        await log.query(company_id="c-2")


async def test_fixed_filters_hold_whatever_is_asked(services: Services, reader: Principal) -> None:
    ids = await _fill(services)
    made = await services.viewer_tokens.mint(
        reader, origins=ORIGINS, company="c-1", filters={"user_id": ["u-2"]}
    )
    log = services.scoped(made.principal)
    assert [event.id for event in await log.query()] == [ids["price"]]
    assert await log.count(user_id="u-2") == 1
    assert (await log.get(ids["price"])).id == ids["price"]
    with pytest.raises(NotFoundError):
        await log.get(ids["login"])
    with pytest.raises(NotFoundError):
        await log.prove(ids["login"])
    for asked in ("u-1", ["u-1", "u-2"]):
        with pytest.raises(ForbiddenError):
            await log.query(user_id=asked)
        with pytest.raises(ForbiddenError):
            await log.followed({"user_id": asked})
    wider = {"company_id": "c-1"}
    with pytest.raises(ForbiddenError):
        log.watch(wider, None)
    # The counts by hour know no users: refused, and not counted without the filter.
    with pytest.raises(InputError):
        await log.timeline()


async def test_a_token_expires(services: Services, reader: Principal, clock: MovedClock) -> None:
    made = await services.viewer_tokens.mint(
        reader, origins=ORIGINS, company="c-1", lifetime=60 * SECOND
    )
    clock.ahead = 59 * SECOND
    await services.authenticate(made.text)
    clock.ahead = 61 * SECOND
    for _ in range(40):
        # It is told apart from guessing, so nobody is throttled for it.
        with pytest.raises(AuthenticationError, match="expired"):
            await services.authenticate(made.text, address="192.0.2.1")
    with pytest.raises(AuthenticationError):
        await services.recheck(made.principal)
    clock.ahead = DAY
    await services.tidy()
    assert await services.audit.host.registry.registry(KIND) == []


async def test_a_token_ends_with_the_key_that_made_it(services: Services) -> None:
    key, _ = await services.keyring.create("reader")
    made = await services.viewer_tokens.mint(key.principal, origins=ORIGINS, company="c-1")
    await services.keyring.revoke(key.id)
    with pytest.raises(AuthenticationError, match="revoked"):
        await services.authenticate(made.text)
    with pytest.raises(AuthenticationError):
        await services.recheck(made.principal)


async def test_another_process_hears_of_a_revoked_key_within_seconds(
    services: Services, clock: MovedClock
) -> None:
    other = Services.of(services.audit, clock=clock)
    key, _ = await services.keyring.create("reader")
    made = await services.viewer_tokens.mint(key.principal, origins=ORIGINS, company="c-1")
    await other.authenticate(made.text)
    await services.keyring.revoke(key.id)
    clock.ahead = 6 * SECOND
    with pytest.raises(AuthenticationError, match="revoked"):
        await other.authenticate(made.text)


async def test_a_token_reaches_no_farther_than_its_key(
    services: Services, clock: MovedClock
) -> None:
    ends = clock.now() + HOUR // 4
    key, _ = await services.keyring.create(
        "reader", company="c-1", logs=["default"], expires_at=ends
    )
    mint = services.viewer_tokens.mint
    made = await mint(key.principal, origins=ORIGINS, lifetime=HOUR)
    assert made.principal.company == "c-1"
    assert made.principal.logs == frozenset({"default"})
    assert made.expires_at == ends
    with pytest.raises(ForbiddenError):
        await mint(key.principal, origins=ORIGINS, company="c-2")


@pytest.mark.parametrize("role", [*Role])
async def test_who_reads_may_hand_out_what_they_read(services: Services, role: Role) -> None:
    key, _ = await services.keyring.create(role)
    mint = services.viewer_tokens.mint(key.principal, origins=ORIGINS, company="c-1")
    if role is Role.WRITER:
        with pytest.raises(ForbiddenError):
            await mint
    else:
        assert (await mint).principal.company == "c-1"


@pytest.mark.parametrize(
    "wrong",
    [
        {"company": None},
        {"company": ""},
        {"lifetime": 59 * SECOND},
        {"lifetime": HOUR + 1},
        {"origins": []},
        {"origins": [f"https://a{n}.example.com" for n in range(11)]},
        {"filters": {"session_id": ["s-1"]}},
        {"filters": {"user_id": []}},
        {"person": "a\u202eb"},
    ],
)
async def test_what_cannot_be_bound_is_refused(
    services: Services, reader: Principal, wrong: dict
) -> None:
    with pytest.raises(InputError):
        await services.viewer_tokens.mint(reader, **{"origins": ORIGINS, "company": "c-1", **wrong})


async def test_who_is_shown_what_is_in_the_trail_without_flooding_it(
    services: Services, reader: Principal
) -> None:
    for _ in range(30):
        made = await services.viewer_tokens.mint(
            reader, origins=ORIGINS, company="c-1", person="Ada"
        )
        await services.scoped(made.principal).query()
    await services.trail.flush()
    found = (await services.audit.query(event_type="audit.read")).events
    told = [
        (one.audit["kind"], one.audit["requests"], one.details["person"])
        for one in found
        if one.audit and one.details
    ]
    assert sorted(told) == [
        ("query", 1, "Ada"), ("query", 29, "Ada"),
        ("viewer_token", 1, "Ada"), ("viewer_token", 29, "Ada"),
    ]  # fmt: skip
    assert {event.company_id for event in found} == {"c-1"}
    assert made.text not in str([event.as_dict() for event in found])


async def test_the_secret_is_not_stored(services: Services, reader: Principal) -> None:
    made = await services.viewer_tokens.mint(reader, origins=ORIGINS, company="c-1")
    (row,) = await services.audit.host.registry.registry(KIND)
    assert made.text.rpartition("_")[2].encode() not in row.value
    changed = made.text[:20] + ("a" if made.text[20] != "a" else "b") + made.text[21:]
    for text in (changed, made.text[1:], made.text + "a"):
        with pytest.raises(AuthenticationError):
            await services.authenticate(text)


@pytest.mark.parametrize(
    "origin",
    ["https://app.example.com", "https://app.example.com:8443", "http://localhost:3000",
     "http://127.0.0.1:8080", "http://[::1]:8080", "http://shop.localhost"],
)  # fmt: skip
def test_an_origin_is_https_or_loopback(origin: str) -> None:
    assert check_origin(origin) == origin


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "", "http://app.example.com", "https://app.example.com/", "https://*.example.com",
     "https://App.example.com", "https://app.example.com:443", "http://localhost:80",
     "https://user@app.example.com", "ftp://app.example.com", "https://app.example.com:99999",
     "http://localhost.example.com", "http://127.0.0.1.example.com", "https://app.example.com\n",
     "https://a.example.com https://b.example.com"],
)  # fmt: skip
def test_nothing_else_is_an_origin(origin: str) -> None:
    with pytest.raises(InputError):
        check_origin(origin)
