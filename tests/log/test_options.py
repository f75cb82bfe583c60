"""Each field of the context and each option, from the call to what is read back."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from counterfoil import (
    AuditContext,
    AuditEventType,
    AuditLog,
    AuditOptions,
    CounterfoilError,
    Limits,
)
from counterfoil.ambient import AMBIENT, REQUEST_BODY
from counterfoil.policy.catalogue import RULES, Catalogue
from counterfoil.policy.diff import json_patch
from counterfoil.policy.redaction import Rule, Rules
from counterfoil.record import Event, RequestBody

T = AuditEventType.USER_UPDATED


@pytest.fixture
async def audit(tmp_path: Path) -> AsyncIterator[AuditLog]:
    async with AuditLog.open(f"sqlite:///{tmp_path / 'audit.db'}") as log:
        yield log


async def recorded(audit: AuditLog, event_type: Any = T, *args: Any, **given: Any) -> Event:
    return await audit.get(await audit.log_event(event_type, *args, **given))


# Context

CONTEXT = {
    "user_id": "u-1",
    "ip_address": "192.0.2.7",
    "user_agent": "curl/8.0",
    "session_id": "s-1",
    "request_id": "r-1",
    "company_id": "c-1",
    "resource_id": "p-1",
    "resource_type": "product",
    "before_state": {"price": 1},
    "after_state": {"price": 2},
    "changes": {"/price": {"op": "replace", "old": 1, "new": 2}},
    "metadata": {"source": "admin"},
}


@pytest.mark.parametrize("name", AuditContext.model_fields)
async def test_each_field_of_the_context_is_read_back(audit: AuditLog, name: str) -> None:
    event = await recorded(audit, context=AuditContext(**{name: CONTEXT[name]}))
    expected = CONTEXT[name]
    if name == "session_id":
        [expected] = audit.tokens("s-1")
    assert getattr(event, name) == expected
    others = [other for other in CONTEXT if other != name and getattr(event, other) is not None]
    assert others == []


async def test_a_context_given_as_a_dict_says_the_same(audit: AuditLog) -> None:
    one = await recorded(audit, context=AuditContext(**CONTEXT))
    other = await recorded(audit, context=CONTEXT)
    for name in CONTEXT:
        assert getattr(one, name) == getattr(other, name)


async def test_an_argument_wins_over_the_context_and_that_over_the_ambient_one(
    audit: AuditLog,
) -> None:
    token = AMBIENT.set({"user_id": "u-3", "ip_address": "192.0.2.3", "resource_id": "r-3"})
    try:
        context = AuditContext(user_id="u-2", ip_address="192.0.2.2")
        event = await recorded(audit, T, "u-1", context=context)
    finally:
        AMBIENT.reset(token)
    assert (event.user_id, event.ip_address, event.resource_id) == ("u-1", "192.0.2.2", "r-3")


# retention_period


def days(event: Event) -> tuple[int | None, int | None]:
    """For how many days the disclosures and the event are kept, by the entry's own dates."""
    entry = json.loads(event.entry)
    recorded_at = datetime.fromisoformat(entry["recorded_at"])

    def since(name: str) -> int | None:
        if name not in entry:
            return None
        span = datetime.fromisoformat(entry[name]) - recorded_at
        assert span % timedelta(days=1) == timedelta(0)
        return span.days

    return since("decays_at"), since("expires_at")


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (None, (184, 400)),
        (AuditOptions(), (184, 400)),
        (AuditOptions(anonymize_data=True), (184, 400)),
        (AuditOptions(retention_period=90), (90, 90)),
        (AuditOptions(retention_period=1), (1, 1)),
        (AuditOptions(retention_period=3650), (3650, 3650)),
        ({"retention_period": 30}, (30, 30)),
    ],
)
async def test_a_period_counts_where_the_caller_set_it(
    audit: AuditLog, options: Any, kept: tuple[int, int]
) -> None:
    event = await recorded(audit, AuditEventType.USER_LOGIN, options=options)
    assert days(event) == kept
    assert event.expires_at == event.recorded_at + timedelta(days=kept[1])


@pytest.mark.parametrize("period", [0, -1, -(10**30), 10**7, 10**30])
async def test_a_period_that_cannot_be_used(
    audit: AuditLog, period: int, caplog: pytest.LogCaptureFixture
) -> None:
    options = AuditOptions(retention_period=period)
    for _ in range(2):
        event = await recorded(audit, AuditEventType.USER_LOGIN, options=options)
        assert days(event) == (184, 400)
    assert caplog.text.count("retention period") == 1
    assert str(period) not in caplog.text.replace("3652058", "")


async def test_a_period_beyond_the_calendar_is_kept_to_its_end(audit: AuditLog) -> None:
    event = await recorded(audit, options=AuditOptions(retention_period=3_652_058))
    assert event.expires_at is not None
    assert event.expires_at.year == 9999


async def test_a_period_below_the_profile_s_floor_is_honoured_and_warned_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with AuditLog.open(f"sqlite:///{tmp_path / 'a.db'}", profile="pci") as audit:
        assert days(await recorded(audit, AuditEventType.USER_LOGIN)) == (366, 400)
        for _ in range(3):
            event = await recorded(audit, options=AuditOptions(retention_period=30))
            assert days(event) == (30, 30)
    assert caplog.text.count("below the 366 days") == 1


async def test_the_log_s_own_events_have_no_end(audit: AuditLog) -> None:
    await audit.rotate_token_key()
    [event] = await audit.query(event_type="audit.key")
    assert days(event) == (None, None)


# anonymize_data


async def test_anonymous_is_what_the_caller_or_the_type_says(audit: AuditLog) -> None:
    [token] = audit.tokens("u-1", kind="user_id")
    asked, refused = AuditOptions(anonymize_data=True), AuditOptions(anonymize_data=False)
    export = AuditEventType.GDPR_DATA_EXPORT
    assert (await recorded(audit, T, "u-1")).user_id == "u-1"
    assert (await recorded(audit, T, "u-1", options=asked)).user_id == token
    assert (await recorded(audit, export, "u-1")).user_id == token
    assert (await recorded(audit, export, "u-1", options=AuditOptions())).user_id == token
    assert (await recorded(audit, export, "u-1", options=refused)).user_id == "u-1"
    found = await audit.query(user_id=[token])
    assert len(found.events) == 3


# sensitive_fields


async def test_sensitive_fields_add_to_the_rules(audit: AuditLog) -> None:
    options = AuditOptions(sensitive_fields=["salary", "details.address.*.street", "after_state.x"])
    event = await recorded(
        audit,
        details={
            "salary": 1,
            "baseSalary": "2",
            "password": "x",
            "address": [{"street": "Elm", "city": "Bonn"}],
            "street": "Oak",
        },
        context=AuditContext(before_state={"x": "1", "y": "1"}, after_state={"x": "2", "y": "1"}),
        options=options,
    )
    own = "[redacted:field]"
    assert event.details == {
        "salary": own,
        "baseSalary": own,
        "password": "[redacted:password]",
        "address": [{"street": own, "city": "Bonn"}],
        "street": "Oak",
    }
    assert event.after_state == {"x": own, "y": "1"}
    assert event.changes == {"/x": {"op": "replace", "old": own, "new": own}}
    assert (await recorded(audit, details={"salary": 1})).details == {"salary": 1}


async def test_rules_of_the_application(tmp_path: Path) -> None:
    rules = Rules([Rule("badge", fields=["badge"]), Rule("ticket", pattern="T-[0-9]{4,9}")])
    async with AuditLog.open(f"sqlite:///{tmp_path / 'a.db'}", redaction=rules) as audit:
        details = {"badge": 7, "note": "see T-1001", "password": "x"}
        event = await recorded(audit, details=details)
    assert event.details == {
        "badge": "[redacted:badge]",
        "note": "see [redacted:ticket]",
        "password": "[redacted:password]",
    }


# Sizes


@pytest.mark.parametrize("limit", [1_024, 65_536, 1_000_000])
async def test_the_size_of_a_part_is_a_setting(tmp_path: Path, limit: int) -> None:
    limits = Limits(part_bytes=limit)
    url = f"sqlite:///{tmp_path / 'a.db'}"
    fits, is_larger = "a" * (limit - 100), "a" * limit
    async with AuditLog.open(url, limits=limits, checkpoint_interval=None) as audit:
        for size, text in {limit - 100: fits, limit: is_larger}.items():
            event = await recorded(audit, details={"note": text, "small": 1}, user_id="u-1")
            kept = text if text is fits else event.details["note"]
            assert event.details == {"note": kept, "small": 1}
            assert kept is fits or kept.startswith("[truncated:"), size


# include_request_body


class Source:
    def __init__(self, data: bytes, complete: bool = True, encoding: str = "") -> None:
        self._body = RequestBody("application/json", data, len(data), complete, encoding)

    def snapshot(self) -> RequestBody:
        return self._body


async def with_body(audit: AuditLog, source: Source, **given: Any) -> Event:
    token = AMBIENT.set({REQUEST_BODY: source})
    try:
        return await recorded(audit, **given)
    finally:
        AMBIENT.reset(token)


async def test_of_a_compressed_body_only_the_outline_is_kept(audit: AuditLog) -> None:
    options = AuditOptions(include_request_body=True)
    # As text: an encoding that nobody knows may leave any bytes.
    event = await with_body(audit, Source(b'{"n":1}', encoding="br"), options=options)
    assert event.metadata == {"request_body": {"content_type": "application/json", "size": 7}}


async def test_a_request_s_body_is_read_back_from_the_metadata(audit: AuditLog) -> None:
    options = AuditOptions(include_request_body=True)
    source = Source(b'{"password":"hunter2","n":1}')
    body = {"password": "[redacted:password]", "n": 1}
    event = await with_body(audit, source, options=options)
    assert event.metadata == {"request_body": body}
    assert "body" in {item.name for item in event.disclosures}
    context = {"metadata": {"source": "admin"}}
    event = await with_body(audit, source, options=options, context=context)
    assert event.metadata == {"source": "admin", "request_body": body}
    event = await with_body(audit, source, options=options, context={"metadata": "text"})
    assert event.metadata == {"value": "text", "request_body": body}
    cut = await with_body(audit, Source(b'{"password":"hun', False), options=options)
    assert cut.metadata == {
        "request_body": {"content_type": "application/json", "size": 16, "complete": False}
    }
    assert (await with_body(audit, source)).metadata is None


# capture_before_after


@pytest.mark.parametrize("options", [None, AuditOptions(), AuditOptions(capture_before_after=True),
                                     AuditOptions(capture_before_after=False)])  # fmt: skip
async def test_states_that_the_caller_passes_are_always_recorded(
    audit: AuditLog, options: AuditOptions | None
) -> None:
    before, after = {"a": 1, "b": {"c": [1]}, "gone": 0}, {"a": 1, "b": {"c": [2]}, "new": 0}
    context = AuditContext(before_state=before, after_state=after)
    event = await recorded(audit, context=context, options=options)
    assert (event.before_state, event.after_state) == (before, after)
    assert event.changes == {
        "/b/c": {"op": "replace", "old": [1], "new": [2]},
        "/gone": {"op": "remove", "old": 0, "new": None},
        "/new": {"op": "add", "old": None, "new": 0},
    }
    assert sorted(json_patch(event.changes), key=lambda one: one["path"]) == [
        {"op": "replace", "path": "/b/c", "value": [2]},
        {"op": "remove", "path": "/gone"},
        {"op": "add", "path": "/new", "value": 0},
    ]


@pytest.mark.parametrize("one", ["before_state", "after_state"])
async def test_one_state_alone_has_no_changes(audit: AuditLog, one: str) -> None:
    event = await recorded(audit, context={one: {"a": 1}})
    assert getattr(event, one) == {"a": 1}
    assert event.changes is None


async def test_equal_states_have_no_changes(audit: AuditLog) -> None:
    event = await recorded(audit, context={"before_state": {"a": 1}, "after_state": {"a": 1}})
    assert event.changes is None


# Level and outcome


@pytest.mark.parametrize("event_type", AuditEventType)
async def test_each_type_has_its_level_and_outcome(
    audit: AuditLog, event_type: AuditEventType
) -> None:
    event = await recorded(audit, event_type)
    rule = RULES[event_type.value]
    failed = event_type in (AuditEventType.LOGIN_FAILED, AuditEventType.ACCESS_DENIED)
    assert (event.type, event.level) == (event_type.value, rule.level)
    assert event.outcome == ("failure" if failed else "success")
    assert days(event) == (rule.disclosure_days, rule.event_days)


async def test_what_the_call_says_wins(audit: AuditLog) -> None:
    event = await recorded(audit, AuditEventType.LOGIN_FAILED, level="critical", outcome="unknown")
    assert (event.level, event.outcome) == ("critical", "unknown")
    event = await recorded(audit, level="loud", outcome="great")
    assert (event.level, event.outcome) == ("info", "success")
    assert event.notes is not None
    assert event.notes.keys() == {"level", "outcome"}


async def test_rules_of_the_application_s_types(tmp_path: Path) -> None:
    catalogue = Catalogue.under(
        overrides={
            "loan.approved": {"level": "critical", "days": [10, 20], "outcome": "unknown"},
            "user_updated": {"level": "error", "drop": ["memo"]},
        }
    )
    async with AuditLog.open(f"sqlite:///{tmp_path / 'a.db'}", catalogue=catalogue) as audit:
        loan = await recorded(audit, "loan.approved")
        user = await recorded(audit, T, details={"memo": "private", "a": 1})
        other = await recorded(audit, "never.registered")
    assert (loan.level, loan.outcome, days(loan)) == ("critical", "unknown", (10, 20))
    assert (user.level, user.details) == ("error", {"memo": "[redacted:memo]", "a": 1})
    assert (other.type, other.level, days(other)) == ("never.registered", "info", (400, 400))


# Slips


class Unknown:
    """An object of nobody's, whose code must not run."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError

    def __repr__(self) -> str:
        raise RuntimeError

    def __bool__(self) -> bool:
        raise RuntimeError


def _cycle() -> list[Any]:
    held: list[Any] = []
    held.append(held)
    return held


def _deep() -> dict[str, Any]:
    held: dict[str, Any] = {}
    for _ in range(200_000):
        held = {"a": held}
    return held


SLIPS: dict[str, Any] = {
    "text": "Any text!",
    "number": 7,
    "huge": 10**400,
    "nan": float("nan"),
    "infinity": float("-inf"),
    "bytes": b"x" * 65,
    "surrogate": "a\ud800b\x00c",
    "list": [1, {"a": 2}],
    "set": {1, 2},
    "generator": (n for n in range(3)),
    "object": object(),
    "unknown": Unknown(),
    "class": Unknown,
    "exception": ValueError("x"),
    "cycle": _cycle(),
    "deep": _deep(),
    "keys": {None: 1, 7: 2, "7": 3, (1, 2): 4, b"b": 5},
    "large": {"a": "x" * 1_000_000, "b": 1},
    "many": {str(n): n for n in range(20_000)},
    "datetime": datetime(2026, 1, 1, tzinfo=UTC),
}
SLOTS = (
    "event_type", "user_id", "ip_address", "resource_id", "resource_type", "details", "context",
    "level", "options", "outcome", "subjects", "on_behalf_of", "impersonator", "occurred_at",
)  # fmt: skip
REFUSING = ("log", "event_id")


@pytest.mark.parametrize("slip", SLIPS)
async def test_no_slip_costs_the_event(
    audit: AuditLog, slip: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    value = SLIPS[slip]
    for slot in SLOTS:
        given = {"event_type": T, "details": {"sure": 1}, slot: value}
        event = await audit.get(await audit.log_event(**given))
        if slot != "details":
            assert event.details == {"sure": 1}
    for part in (*AuditContext.model_fields, "no_such_field"):
        event = await recorded(audit, context={part: value}, details={"sure": 1})
        assert event.details == {"sure": 1}
    for option in AuditOptions.model_fields:
        event = await recorded(audit, options={option: value}, details={"sure": 1})
        assert event.details == {"sure": 1}
    for slot in REFUSING:
        with pytest.raises(CounterfoilError):
            await audit.log_event(T, **{slot: value})
    assert caplog.text == ""
    assert (await audit.verify()).ok


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (10**400, str(10**400)),
        (2**53 - 1, 2**53 - 1),
        (float("nan"), "[number:NaN]"),
        (float("-inf"), "[number:-Infinity]"),
        (b"x", "base64:eA=="),
        (b"x" * 65, "[unserializable:bytes]"),
        ("a\ud800b\x00c", "a\\ud800b\\u0000c"),
        ((n for n in range(3)), "[unserializable:generator]"),
        (Unknown(), "[unserializable:Unknown]"),
        (_cycle(), ["[cycle]"]),
        ({7: 1, "7": 2}, {"7": 1, "7#2": 2}),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_json_does_not_have_is_read_back_as_text(
    audit: AuditLog, value: Any, kept: Any
) -> None:
    assert (await recorded(audit, details={"held": value})).details == {"held": kept}
