"""Free text and exclusion: what is found is what reading shows, in every disclosure."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.errors import QueryError
from counterfoil.log.read.reader import Reader

from .recording import Recorder

EVENTS: list[dict[str, Any]] = [
    {"user_id": "u-42", "details": {"reason": "New supplier", "amount": 61}},
    {"user_id": "u-4", "resource_id": "p-42", "after_state": {"name": "Café Crème"}},
    {"user_id": "u-7", "metadata": {"note": "supplier, not new"}, "subjects": ["u-42"]},
    {"user_id": "u-8", "ip_address": "192.0.2.7", "body": {"comment": "STRASSE straße"}},
]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("supplier", [0, 2]),
        ("SUPPLIER", [0, 2]),
        ("new supplier", [0]),
        (["new", "supplier"], [0, 2]),
        ("suppl", []),
        ("suppl*", [0, 2]),
        ("u-42", [0, 2]),
        ("42", [0, 1, 2]),
        ("cafe creme", [1]),
        ("61", [0]),
        ("reason", [0]),
        ("192.0.2.7", [3]),
        ("strasse strasse", [3]),
        ("supplier amount", []),
    ],
)
async def test_what_a_text_finds(recording: Recorder, text: Any, found: list[int]) -> None:
    await recording.record(*EVENTS)
    page = await Reader(recording.store).query(text=text, order="oldest")
    assert [event.index for event in page] == found
    assert await Reader(recording.store).count(text=text) == len(found)


@pytest.mark.parametrize(
    ("excluded", "found"),
    [
        ({"user_id": ["u-42", "u-4"]}, [2, 3]),
        ({"text": "supplier"}, [1, 3]),
        ({"text": ["supplier", "cafe"]}, [3]),
        ({"resource_id": "p-42", "user_id": "u-8"}, [0, 2]),
        ({"subject": "u-42"}, [0, 1, 3]),
        ({}, [0, 1, 2, 3]),
    ],
)
async def test_what_is_excluded(
    recording: Recorder, excluded: dict[str, Any], found: list[int]
) -> None:
    await recording.record(*EVENTS)
    page = await Reader(recording.store).query(exclude=excluded, order="oldest")
    assert [event.index for event in page] == found


@pytest.mark.parametrize(
    "filters",
    [
        {"text": "..."},
        {"text": ""},
        {"exclude": {"since": 1}},
        {"exclude": {"log": "default"}},
        {"exclude": {"level": ["info", "warning", "error", "critical"]}},
    ],
)
async def test_what_cannot_be_asked(recording: Recorder, filters: dict[str, Any]) -> None:
    with pytest.raises(QueryError):
        await Reader(recording.store).query(**filters)
