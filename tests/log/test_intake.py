"""Intake: one call becomes one entry, whatever it is given."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
import uuid_utils

from counterfoil.base import AuditContext, AuditLogLevel, AuditOptions
from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.errors import EventIdError, InputError
from counterfoil.log.write.intake import Intake
from counterfoil.policy.catalogue import Catalogue
from counterfoil.policy.chain import default_chain
from counterfoil.policy.link import Chain
from counterfoil.policy.redaction import Tokeniser
from counterfoil.record import Draft, Event, EventRow
from counterfoil.record.entry import commit
from counterfoil.record.instant import DAY
from counterfoil.record.row import LOG_SPAN, make_row

CATALOGUE = Catalogue.under()
NOW = SYSTEM_CLOCK.now()


def intake(chain: Chain | None = None) -> Intake:
    return Intake(CATALOGUE, chain or default_chain(CATALOGUE), SYSTEM_CLOCK, 30)


def recorded(desk: Intake | None = None, event_type: Any = "order_created", **given: Any) -> Event:
    """A call's event, as it would be read back."""
    names = ("user_id", "ip_address", "resource_id", "resource_type", "details")
    fields = {**dict.fromkeys((*names, "context", "level", "options")), **given}
    entry = (desk or intake()).take(event_type, **fields)
    commit([entry])
    data, expires_at, decays_at = entry.complete(NOW)
    row = make_row(entry, LOG_SPAN, bytes(32), NOW, data, expires_at, decays_at)
    return Event.decode(EventRow._make(row))


class Hostile:
    """Fails at whatever is asked of it."""

    def _fail(self, *_: Any) -> Any:
        raise RuntimeError("asked")

    __repr__ = __str__ = __iter__ = __len__ = __bool__ = __eq__ = __hash__ = _fail


class Posing:
    """Runs code of its own for its class, its members and its comparison; and the code fails."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("asked")

    __eq__ = __hash__ = Hostile._fail


class HostileText(str):
    """A text whose every method fails."""

    __slots__ = ()

    __eq__ = __hash__ = __len__ = __getitem__ = __iter__ = __str__ = Hostile._fail


class HostileList(list[Any]):
    """A list whose every method fails."""

    __iter__ = __len__ = __bool__ = __getitem__ = __eq__ = Hostile._fail


class HostileContext(AuditContext):
    """A context of the caller's own class that has put code in the way of its members."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("asked")


class HostileOptions(AuditOptions):
    """The same, of options."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("asked")


class BrokenZone(tzinfo):
    """A zone that does not know its offset."""

    def utcoffset(self, _: datetime | None) -> timedelta:
        raise RuntimeError("asked")

    dst = utcoffset

    def tzname(self, _: datetime | None) -> str:
        raise RuntimeError("asked")


def cyclic() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["again"] = value
    return value


def deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(200_000):
        value = [value]
    return value


def generator() -> Iterator[int]:
    yield 1


#: What JSON does not have, made anew for each test, and what is stored of it; ``...`` where only
#: its being kept counts.
VALUES: dict[str, tuple[Callable[[], Any], Any]] = {
    "datetime": (lambda: datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
    "uuid": (lambda: UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    "path": (lambda: PurePosixPath("reports/q1.pdf"), "reports/q1.pdf"),
    "enum": (lambda: AuditLogLevel.ERROR, "error"),
    "bytes": (lambda: b"\x00\x01", "base64:AAE="),
    "nan": (lambda: math.nan, "[number:NaN]"),
    "infinity": (lambda: math.inf, "[number:Infinity]"),
    "minus infinity": (lambda: -math.inf, "[number:-Infinity]"),
    "large integer": (lambda: 2**60, str(2**60)),
    "tuple": (lambda: (1, (2,)), [1, [2]]),
    "key that is no text": (lambda: {1: "one"}, {"1": "one"}),
    "hostile": (Hostile, "[unserializable:Hostile]"),
    "generator": (generator, "[unserializable:generator]"),
    "integer too long to be written": (lambda: 10**5000, ...),
    "many bytes": (lambda: b"\x00" * 65, ...),
    "surrogate and nul": (lambda: "\ud800\x00", ...),
    "surrogate in a key": (lambda: {"\ud800": 1}, ...),
    "cycle": (cyclic, ...),
    "200,000 levels": (deep, ...),
    "class as key": (lambda: {Hostile: 1}, ...),
    "posing": (Posing, "[unserializable:Posing]"),
    "hostile text": (lambda: HostileText("u-9"), "u-9"),
    "hostile list": (lambda: HostileList(["u-9"]), ["u-9"]),
    "hostile context": (lambda: HostileContext.model_construct(user_id="u-9"), ...),
    "hostile options": (lambda: HostileOptions.model_construct(anonymize_data=True), ...),
    "broken zone": (lambda: datetime(2026, 1, 1, tzinfo=BrokenZone()), ...),
}


@pytest.mark.parametrize("name", VALUES)
def test_what_json_does_not_have_is_stored_in_words(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    make, stored = VALUES[name]
    event = recorded(user_id="u-1", details={"value": make(), "beside": 1})
    assert event.user_id == "u-1"
    assert event.details["beside"] == 1
    if stored is not ...:
        assert event.details["value"] == stored
    assert not caplog.records, "the chain itself must cope"


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize(
    "place",
    ["user_id", "ip_address", "resource_id", "resource_type", "details", "level", "outcome",
     "on_behalf_of", "impersonator", "occurred_at", "subjects", "context", "options"],
)  # fmt: skip
def test_the_event_is_kept_whatever_stands_where(
    place: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    event = recorded(**{place: VALUES[name][0]()})
    assert event.type == "order_created"
    assert not caplog.records, "the chain itself must cope"


@pytest.mark.parametrize("name", VALUES)
def test_a_type_that_is_no_text_loses_its_name_and_not_the_event(name: str) -> None:
    event = recorded(event_type=VALUES[name][0](), user_id="u-1")
    assert event.user_id == "u-1"


@pytest.mark.parametrize("name", sorted(VALUES.keys() - {"enum", "hostile text"}))
@pytest.mark.parametrize("place", ["event_id", "log"])
def test_what_names_no_event_and_no_log_is_refused_in_our_words(place: str, name: str) -> None:
    with pytest.raises(InputError):
        recorded(**{place: VALUES[name][0]()})


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("place", ["subjects", "context", "options", "occurred_at", "user_id"])
def test_a_call_that_names_its_id_runs_nobody_s_code(place: str, name: str) -> None:
    event_id = str(uuid_utils.uuid7())
    assert recorded(event_id=event_id, **{place: VALUES[name][0]()}).id == event_id


@pytest.mark.parametrize("context", [AuditContext(user_id="u-1"), {"user_id": "u-1"}])
def test_a_call_names_what_its_context_says(context: Any) -> None:
    event_id = str(uuid_utils.uuid7())
    names = ("user_id", "ip_address", "resource_id", "resource_type", "details")
    fields: dict[str, Any] = dict.fromkeys((*names, "level", "options"))
    entry = intake().take("order_created", **fields, context=context, event_id=event_id)
    assert entry.draft is not None
    assert entry.draft.named == {"event_id", "event_type", "user_id"}


@pytest.mark.parametrize("name", VALUES)
def test_states_and_metadata_are_kept_too(name: str, caplog: pytest.LogCaptureFixture) -> None:
    make = VALUES[name][0]
    context = AuditContext.model_construct(
        before_state={"value": make()}, after_state={"value": 1}, metadata={"value": make()}
    )
    event = recorded(context=context, subjects=[make(), "s-1"])
    assert event.after_state == {"value": 1}
    assert event.metadata is not None
    assert not caplog.records, "the chain itself must cope"


def test_a_chain_that_fails_loses_the_values_and_not_the_event(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(draft: Draft) -> Draft:
        raise LookupError(draft.details["pin"])

    with caplog.at_level(logging.ERROR, "counterfoil"):
        event = recorded(intake((broken,)), details={"pin": "4711"})
    assert (event.type, event.outcome, event.details) == ("order_created", "unknown", None)
    assert event.notes == {"policy_failed": "LookupError"}
    assert event.expires_at is not None
    [record] = caplog.records
    assert "LookupError" in record.getMessage()
    assert "4711" not in caplog.text


def test_a_chain_that_fails_keeps_who_did_what_to_what_as_redacted() -> None:
    def broken(draft: Draft) -> Draft:
        if draft.details:
            raise LookupError
        return draft

    tokens = Tokeniser([("k1", bytes(32))])
    desk = intake((*default_chain(CATALOGUE, tokens=tokens), broken))
    given = {
        "user_id": "u-1",
        "context": AuditContext(
            resource_id="Bearer abcdefghijklmnop", resource_type="order", company_id="c-1"
        ),
        "details": {"pin": "4711"},
    }
    event = recorded(desk, **given)
    assert (event.user_id, event.company_id) == ("u-1", "c-1")
    assert event.resource_type == "order"
    assert event.resource_id == "Bearer [redacted:bearer]"
    assert (event.outcome, event.details) == ("unknown", None)
    assert event.notes == {"policy_failed": "LookupError"}
    assert b"4711" not in event.entry + b"".join(item.value for item in event.disclosures)
    event = recorded(desk, options=AuditOptions(anonymize_data=True), **given)
    assert event.user_id == tokens.token("user_id", "u-1", "c-1")


def test_a_link_of_the_application_s_own_is_asked_in_its_turn() -> None:
    def rename(draft: Draft) -> Draft:
        draft.details = {"renamed": draft.user_id}
        return draft

    event = recorded(intake((*default_chain(CATALOGUE), rename)), user_id="u-1")
    assert event.details == {"renamed": "u-1"}


@pytest.mark.parametrize(
    "event_id",
    ["", "x", "019b7764-9800-4000-8000-000000000001", "019B7764-9800-7000-8000-000000000001",
     "019b776498007000800000000000000f", 7, b"", None],
)  # fmt: skip
def test_an_id_that_is_no_uuid_of_version_7_is_refused(event_id: Any) -> None:
    if event_id is None:
        assert recorded().id != recorded().id
    else:
        with pytest.raises(EventIdError):
            recorded(event_id=event_id)


@pytest.mark.parametrize(("days", "good"), [(-31, False), (-29, True), (0, True), (2, False)])
def test_ids_of_the_replay_window_alone_are_taken(days: int, good: bool) -> None:
    millis = (SYSTEM_CLOCK.now() + days * DAY) // 1000
    event_id = f"{millis >> 16:08x}-{millis & 0xFFFF:04x}-7000-8000-000000000001"
    if good:
        assert recorded(event_id=event_id).id == event_id
    else:
        with pytest.raises(EventIdError):
            recorded(event_id=event_id)


def test_an_id_may_be_a_uuid_object() -> None:
    event_id = UUID(str(uuid_utils.uuid7()))
    assert recorded(event_id=event_id).id == str(event_id)


@pytest.mark.parametrize("log", ["", "A", ".a", "a" * 64, "a b", "ä", 7])
def test_a_log_s_name_that_is_malformed_is_refused(log: Any) -> None:
    with pytest.raises(InputError):
        recorded(log=log)


SECRET_NAMES = ["xoxb-2401234567-abcdefghijkl", "glpat-abcdefghij0123456789"]


@pytest.mark.parametrize("log", SECRET_NAMES)
def test_a_log_s_name_that_looks_like_a_secret_is_refused(log: str) -> None:
    with pytest.raises(InputError, match="looks like a secret") as caught:
        recorded(log=log)
    assert log not in str(caught.value)


def test_a_type_that_looks_like_a_secret_is_recorded_as_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    name = "login.sk_live_51h8xabcdefghijklmnopqrs"
    desk = Intake(Catalogue.under(), default_chain(CATALOGUE), SYSTEM_CLOCK, 30)
    for _ in range(2):
        event = recorded(desk, event_type=name)
        assert event.type == "app.invalid_type"
        assert event.notes is not None
        assert "sk_live_51" not in str(event.notes)
    assert "sk_live_51" not in caplog.text


def test_a_time_without_a_zone_is_utc_and_noted() -> None:
    event = recorded(occurred_at=datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None))
    assert event.occurred_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert event.notes == {"occurred_at": "a time without a zone, taken as UTC"}


def test_what_is_no_time_is_noted() -> None:
    event = recorded(occurred_at="yesterday")
    assert event.notes == {"occurred_at": "what was given is not a datetime"}


@pytest.mark.parametrize(
    ("options", "days"),
    [(AuditOptions(retention_period=7), 7), (AuditOptions(), None), (None, None)],
)
def test_only_a_period_that_the_call_sets_counts(options: AuditOptions | None, days: int) -> None:
    rule = CATALOGUE.rule("order_created")
    event = recorded(options=options)
    expected = rule.event_days if days is None else days
    if expected is None:
        assert event.expires_at is None
    else:
        assert event.expires_at is not None
        assert (event.expires_at - event.recorded_at).days == expected


def test_level_and_outcome_are_the_type_s_where_the_call_names_none() -> None:
    rule = CATALOGUE.rule("login_failed")
    event = recorded(event_type="login_failed")
    assert (event.level, event.outcome) == (rule.level, rule.outcome)
    given = recorded(event_type="login_failed", level=AuditLogLevel.CRITICAL, outcome="success")
    assert (given.level, given.outcome) == (AuditLogLevel.CRITICAL, "success")


def test_a_level_that_is_none_of_the_four_is_noted() -> None:
    event = recorded(level="loud", outcome="maybe")
    assert event.notes == {
        "level": "the level given is not one of the four",
        "outcome": "the outcome given is not one of the three",
    }


def test_redaction_comes_before_truncation() -> None:
    """Cut first, half a key would be left that no pattern knows."""
    desk = Intake(CATALOGUE, default_chain(CATALOGUE), SYSTEM_CLOCK, 30, part_bytes=200)
    key = f"-----BEGIN PRIVATE KEY-----\n{'MIIE' * 60}"
    details = {"pem": key, "note": "x y" * 100}
    event = recorded(desk, details=details)
    assert event.details == {"pem": "[redacted:private_key]", "note": "[truncated:302]"}


@pytest.mark.parametrize("part", ["details", "metadata", "before_state", "changes"])
def test_what_a_link_of_the_application_adds_is_within_the_limit_too(part: str) -> None:
    def stamp(draft: Draft) -> Draft:
        setattr(draft, part, {"big": "x y" * 200, "small": 1})
        return draft

    desk = Intake(CATALOGUE, (*default_chain(CATALOGUE), stamp), SYSTEM_CLOCK, 30, part_bytes=400)
    assert getattr(recorded(desk), part) == {"big": "[truncated:602]", "small": 1}
