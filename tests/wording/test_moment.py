"""Times that people type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.errors import InputError
from counterfoil.wording.moment import clock_time, day, full_time, parse_moment

NOW = datetime(2026, 11, 2, 12, 3, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("30m", NOW - timedelta(minutes=30)),
        ("2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(days=14)),
        ("now", NOW),
        ("today", datetime(2026, 11, 2, tzinfo=UTC)),
        ("Yesterday", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T10:00", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("2026-11-01T10:00+02:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
        (" 2026-11-01T10:00:00Z ", datetime(2026, 11, 1, 10, tzinfo=UTC)),
    ],
)
def test_what_is_understood(text: str, moment: datetime) -> None:
    assert parse_moment(text, NOW, utc=True) == moment


@pytest.mark.parametrize("text", ["", "soon", "2x", "-2h", "999999w", "2026-13-01", "٢h"])
def test_what_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        parse_moment(text, NOW, utc=True)


def test_a_time_without_a_zone_is_local_unless_utc_is_asked_for() -> None:
    local = parse_moment("2026-11-01T10:00", NOW, utc=False)
    assert local == datetime(2026, 11, 1, 10).astimezone()


def test_how_times_are_shown_in_utc() -> None:
    assert day(NOW, utc=True) == "Mon 2 Nov 2026"
    assert clock_time(NOW, utc=True) == "12:03:11"
    assert full_time(NOW, utc=True) == "2026-11-02T12:03:11Z"
