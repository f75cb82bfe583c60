"""Events as the API shows them."""

from __future__ import annotations

from typing import Any

from counterfoil.record import Event


def as_json(event: Event, *, evidence: bool = False) -> dict[str, Any]:
    """An event as plain JSON values.

    Args:
        evidence: also the entry's exact text, and the disclosures, by which it can be checked.
    """
    found = event.as_dict()
    if evidence:
        found["entry"] = event.entry.decode()
        found["disclosures"] = [item.text() for item in event.disclosures]
    return found
