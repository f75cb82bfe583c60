"""Parameters: the filters of a question as they stand in the address of a request."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import orjson

from counterfoil.log.read.containment import plain, text
from counterfoil.log.read.filter import Filter
from counterfoil.record.instant import rfc3339, to_micros


def params_of(filters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The filters, each checked here as it would be there.

    Several values of one filter are repeated; times are RFC 3339, objects JSON.

    Raises:
        QueryError: a filter cannot be used.
    """
    Filter.of(**filters)
    found: list[tuple[str, str]] = []
    for name, value in filters.items():
        if value is None:
            continue
        if name == "exclude":
            found += [
                (name, f"{field}={text(one)}")
                for field, of in value.items()
                for one in _several(of)
            ]
        elif isinstance(value, datetime):
            found.append((name, rfc3339(to_micros(value))))
        elif isinstance(value, Mapping):
            found.append((name, orjson.dumps(plain(value)).decode()))
        else:
            found += [(name, text(one)) for one in _several(value)]
    return found


def _several(value: Any) -> Collection[Any]:
    return value if isinstance(value, (list, tuple, set, frozenset)) else (value,)
