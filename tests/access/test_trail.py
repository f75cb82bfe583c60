"""The trail: reads are counted together, changes are told, and nothing recurs."""

from __future__ import annotations

from typing import Any

from counterfoil.access import Services
from counterfoil.access.trail import MAX_QUESTIONS, WINDOW
from tests.moved_clock import MovedClock


async def told(services: Services, event_type: str) -> list[dict[str, Any]]:
    page = await services.audit.query(event_type=event_type, order="oldest", limit=1000)
    return [event.audit or {} for event in page]


async def test_reads_of_a_quarter_of_an_hour_are_one_more_event(
    services: Services, clock: MovedClock
) -> None:
    _, text = await services.keyring.create("reader")
    log = services.scoped(await services.keyring.authenticate(text))
    for number in range(50):
        await log.query(user_id=f"u-{number}")
        await log.count()
    assert len(await told(services, "audit.read")) == 2
    clock.ahead = WINDOW
    await services.tidy()
    reads = await told(services, "audit.read")
    assert [(one["kind"], one["requests"]) for one in reads] == [
        ("query", 1), ("count", 1), ("query", 49), ("count", 49),
    ]  # fmt: skip
    page = await services.audit.query(event_type="audit.read", order="oldest")
    details = page.events[2].details
    assert details is not None
    assert len(details["questions"]) == MAX_QUESTIONS
    await services.tidy()
    assert len(await told(services, "audit.read")) == 4


async def test_reads_of_companies_stand_with_their_company(services: Services) -> None:
    _, text = await services.keyring.create("reader", company="c-1")
    log = services.scoped(await services.keyring.authenticate(text))
    await log.query()
    (event,) = await services.audit.query(event_type="audit.read")
    assert event.company_id == "c-1"


async def test_asking_for_a_log_that_is_not_there_makes_none(services: Services) -> None:
    _, text = await services.keyring.create("auditor")
    log = services.scoped(await services.keyring.authenticate(text))
    assert not (await log.query(log="misspelt")).events
    assert [one.name for one in (await log.stats()).logs] == ["default"]
    (read,) = await services.audit.query(event_type="audit.read")
    assert read.details == {"questions": [{"log": "misspelt"}]}


async def test_changed_settings_are_named_and_not_shown(services: Services) -> None:
    first = {"profile": "baseline", "url": "sqlite:///secret-place.db"}
    assert await services.configuration.note(first) == []
    assert await services.configuration.note(first) == []
    assert await services.configuration.note({**first, "profile": "pci", "log": "x"}) == [
        "log",
        "profile",
    ]
    assert [one["settings"] for one in await told(services, "audit.config")] == [
        [],
        ["log", "profile"],
    ]
    (row,) = await services.audit.host.registry.registry("configuration")
    assert b"secret-place" not in row.value
