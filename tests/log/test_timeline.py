"""Time lines and counts: what the roll-ups say is what the events say."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import QueryError
from counterfoil.log.read.reader import Reader
from counterfoil.record.instant import DAY, HOUR, to_datetime, to_micros
from tests.postgres import Postgres

from .model import COUNT_FILTERS, HISTORIES, matches
from .recording import NEW_YEAR, Recorder, hour, recorder

START = to_datetime(NEW_YEAR)
DIMENSIONS = ["type", "level", "outcome", "company_id"]


@settings(max_examples=50, deadline=None)
@given(
    history=HISTORIES,
    filters=COUNT_FILTERS,
    unit=st.sampled_from(["hour", "day"]),
    by=st.lists(st.sampled_from(DIMENSIONS), unique=True),
)
async def test_counts_are_what_the_events_say(
    engine: str | Postgres, history: Any, filters: Any, unit: Any, by: Any
) -> None:
    async with recorder(engine) as recording:
        kept = []
        for hours, event in history:
            at = recording.clock.micros + round(hours * HOUR)
            await recording.record(event, at=at)
            kept.append((event, at))
        reader = Reader(recording.store)

        assert await reader.count(**filters) == sum(
            matches(event, at, filters) for event, at in kept
        )

        length = HOUR if unit == "hour" else DAY
        widened = {
            **filters,
            **{
                name: to_datetime(rounding(to_micros(filters[name]), length))
                for name, rounding in (("since", _down), ("until", _up))
                if name in filters
            },
        }
        expected: Counter[Any] = Counter()
        for event, at in kept:
            if matches(event, at, widened):
                expected[at // length * length, _group(event, by)] += 1
        line = await reader.timeline(unit, by=by, **filters)
        assert {
            (to_micros(bucket.start), group): events
            for bucket in line
            for group, events in bucket.groups.items()
        } == expected
        assert line.total == expected.total()
        assert all(bucket.end - bucket.start == timedelta(microseconds=length) for bucket in line)
        assert all(
            after.start == before.end
            for before, after in zip(line.buckets, line.buckets[1:], strict=False)
        )
        bare = await reader.timeline(unit, by=by, fill=False, **filters)
        assert [bucket for bucket in line if bucket.total] == list(bare)


def _down(moment: int, length: int) -> int:
    return moment // length * length


def _up(moment: int, length: int) -> int:
    return -(-moment // length) * length


def _group(event: dict[str, Any], by: list[str]) -> tuple[Any, ...]:
    values = {
        "type": event["event_type"],
        "level": event.get("level", "info"),
        "outcome": event.get("outcome", "unknown"),
        "company_id": event.get("company_id"),
    }
    return tuple(values[name] for name in by)


async def test_a_time_line_is_filled_from_since_to_until(recording: Recorder) -> None:
    reader = Reader(recording.store)
    await recording.record({"level": "error"}, {}, at=hour(30))
    line = await reader.timeline("day", by=["level"], since=START, until=START + timedelta(days=3))
    assert [bucket.total for bucket in line] == [0, 2, 0]
    assert line.series() == {("error",): [0, 1, 0], ("info",): [0, 1, 0]}
    assert line.buckets[0].start == START
    assert line.buckets[-1].end == START + timedelta(days=3)


async def test_a_log_without_events_has_an_empty_time_line(recording: Recorder) -> None:
    reader = Reader(recording.store)
    assert len(await reader.timeline()) == 0
    line = await reader.timeline("hour", since=START, until=START + timedelta(hours=5))
    assert [bucket.total for bucket in line] == [0] * 5
    assert await reader.count() == 0


async def test_each_log_has_a_time_line_of_its_own(recording: Recorder) -> None:
    reader = Reader(recording.store)
    await recording.record({"log": "a"}, {"log": "a"}, {"log": "b"}, at=hour(1))
    assert (await reader.timeline(log="a")).total == 2
    assert (await reader.timeline(log="b")).total == 1


async def test_a_count_of_a_long_time_takes_its_edges_from_the_events(recording: Recorder) -> None:
    reader = Reader(recording.store)
    for number in range(24 * 5 * 4):
        await recording.record({}, at=hour(number / 4))
    since, until = START + timedelta(hours=3.5), START + timedelta(days=4, hours=7.25)
    assert await reader.count(since=since, until=until) == 4 * (4 * 24 + 7.25 - 3.5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"unit": "week"}, "hour or day"),
        ({"by": "type"}, "sequence"),
        ({"by": ["user_id"]}, "type, level, outcome, company_id"),
        ({"by": ["type", "type"]}, "once"),
        ({"user_id": "u-1"}, "use count"),
        ({"metadata": {"a": 1}}, "use count"),
        ({"unit": "hour", "since": START, "until": START + timedelta(days=5000)}, "days"),
    ],
)
async def test_what_the_roll_ups_cannot_tell_is_refused(
    recording: Recorder, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(QueryError, match=said):
        await Reader(recording.store).timeline(**arguments)
