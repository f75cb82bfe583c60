"""What a search asks for: the filters behind its terms, and what contradicts itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterfoil.errors import SearchError
from counterfoil.search.asked import filters_of
from counterfoil.search.language import parse

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
TYPES = ("user_login", "user_logout", "price_changed")


def asked(typed: str) -> dict[str, Any]:
    return filters_of(parse(typed), now=NOW, types=TYPES)


@pytest.mark.parametrize(
    ("typed", "filters"),
    [
        ("", {}),
        ("type:price_changed", {"event_type": ["price_changed"]}),
        ("type:user_*", {"event_type": ["user_login", "user_logout"]}),
        ("type:user_* type:*_login", {"event_type": ["user_login"]}),
        ('type:"user_*"', {"event_type": ["user_*"]}),
        ("user:a,b,a", {"user_id": ["a", "b"]}),
        ("-user:a -user:b", {"exclude": {"user_id": ["a", "b"]}}),
        ("-type:user_*", {"exclude": {"event_type": ["user_login", "user_logout"]}}),
        ("level:WARNING,error", {"level": ["warning", "error"]}),
        ("min-level:error", {"min_level": "error"}),
        ("outcome:failure", {"outcome": ["failure"]}),
        ("resource:product/p-9", {"resource_type": "product", "resource_id": ["p-9"]}),
        ("resource:product/", {"resource_type": "product"}),
        ("resource:p-9,p-8", {"resource_id": ["p-9", "p-8"]}),
        ("resource:file/a/b", {"resource_type": "file", "resource_id": ["a/b"]}),
        ("since:2h", {"since": NOW - timedelta(hours=2)}),
        (
            "since:today until:now",
            {"since": datetime(2026, 11, 2, tzinfo=UTC), "until": NOW},
        ),
        ("details.reason:supplier", {"details": {"reason": "supplier"}}),
        ('details.rows:61 details.a.b:"61"', {"details": {"rows": 61, "a": {"b": "61"}}}),
        ("new supplier", {"text": ["new", "supplier"]}),
        ('"new supplier" suppl*', {"text": ["new supplier", "suppl*"]}),
        ("a -b", {"text": ["a"], "exclude": {"text": ["b"]}}),
        ('"5*"', {"text": ["5"]}),
    ],
)
def test_the_filters_of_a_search(typed: str, filters: dict[str, Any]) -> None:
    assert asked(typed) == filters


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("type:nothing_*", "nothing_*"),
        ("user:u-*", "u-*"),
        ("a user:b user:c", "user:c"),
        ("level:grave", "grave"),
        ("a since:whenever", "whenever"),
        ("since:1h since:2h", "since:2h"),
        ("since:1h until:2h", "until:2h"),
        ("until:2h since:1h", "since:1h"),
        ("-since:1h", "-since:1h"),
        ("since:1h,2h", "since:1h,2h"),
        ("-resource:a", "-resource:a"),
        ("resource:a/1,b/2", "resource:a/1,b/2"),
        ("resource:a/1,2", "resource:a/1,2"),
        ("resource:a resource:b", "resource:b"),
        ("details.a:1 details.a:2", "details.a:2"),
        ("details.a:1 details.a.b:2", "details.a.b:2"),
        ("details.a:1,2", "details.a:1,2"),
        ("details.a..:1", "details.a..:1"),
        ("a !!", "!!"),
    ],
)
def test_what_means_nothing_is_refused_with_its_place(typed: str, place: str) -> None:
    with pytest.raises(SearchError) as refused:
        asked(typed)
    assert typed[refused.value.start : refused.value.end] == place
    assert refused.value.remedy
