"""Instants: microseconds and their RFC 3339 text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.record.instant import (
    DAY,
    HOUR,
    LAST,
    SECOND,
    from_rfc3339,
    rfc3339,
    to_datetime,
    to_micros,
)

FIRST = to_micros(datetime(1, 1, 1, tzinfo=UTC))
ANY = st.integers(FIRST, LAST)


@given(ANY)
def test_a_text_gives_the_instant_back(micros: int) -> None:
    text = rfc3339(micros)
    assert from_rfc3339(text) == micros
    assert to_micros(to_datetime(micros)) == micros
    assert len(text) == len("2026-01-01T00:00:00.000000Z")
    assert text.endswith("Z")


@given(ANY, ANY)
def test_texts_are_in_the_order_of_the_instants(one: int, other: int) -> None:
    assert (rfc3339(one) < rfc3339(other)) == (one < other)


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (1_767_225_600_000_001, "2026-01-01T00:00:00.000001Z"),
        (FIRST, "0001-01-01T00:00:00.000000Z"),
        (LAST, "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_known_texts(micros: int, text: str) -> None:
    assert rfc3339(micros) == text


def test_zones_are_turned_into_utc_and_none_is_taken_as_utc() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    ahead = noon.replace(tzinfo=timezone(timedelta(hours=2)))
    assert to_micros(ahead) == to_micros(noon) - 2 * HOUR
    assert to_micros(noon.replace(tzinfo=None)) == to_micros(noon)
    assert DAY == 24 * HOUR == 86_400 * SECOND
