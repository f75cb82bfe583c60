"""What the searching columns of a row must hold, computed from entry and disclosures alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from counterfoil.record.disclosure import Disclosure
from counterfoil.record.entry import LEVEL_NUMBERS, OUTCOME_NUMBERS, parse
from counterfoil.record.instant import from_rfc3339
from counterfoil.record.row import DISCLOSURE_COLUMNS, EventRow


def copies(row: EventRow, disclosures: Sequence[Disclosure]) -> dict[str, Any]:
    """The columns' values, by name."""
    members = parse(row.entry)
    by_name = {item.name: item for item in disclosures}
    actor = _object(by_name.get("actor"))
    client = _object(by_name.get("client"))
    resource = _object(by_name.get("resource"))
    expires, decays = members.get("expires_at"), members.get("decays_at")
    extra = len(disclosures) - sum(name in by_name for name in DISCLOSURE_COLUMNS)
    return {
        "id": bytes.fromhex(members["id"].replace("-", "")),
        "recorded_at": from_rfc3339(members["recorded_at"]),
        "occurred_at": from_rfc3339(members["occurred_at"]),
        "expires_at": None if expires is None else from_rfc3339(expires),
        "decays_at": None if decays is None else from_rfc3339(decays),
        "type": members["type"],
        "level": LEVEL_NUMBERS[members["level"]],
        "outcome": OUTCOME_NUMBERS[members["outcome"]],
        "company_id": members.get("company_id"),
        "resource_type": members.get("resource_type"),
        "resource_id": resource.get("resource_id"),
        "user_id": actor.get("user_id"),
        "ip_address": client.get("ip_address"),
        "session_id": client.get("session_id"),
        "request_id": client.get("request_id"),
        "mentions": extra or None,
    }


def _object(disclosure: Disclosure | None) -> dict[str, Any]:
    if disclosure is None:
        return {}
    value = disclosure.load()
    if not isinstance(value, dict):
        raise ValueError("The disclosure is not an object.")
    return value
