"""Events as the API shows them."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from typing import Any, Final

from counterfoil.record import Event
from counterfoil.wording.sentence import ABSENT, found_changes, sentence
from counterfoil.wording.visible import short

_MAX_CHANGES: Final = 100
_MAX_VALUE: Final = 1_000


def as_json(event: Event, include: Collection[str] = ()) -> dict[str, Any]:
    """An event as plain JSON values.

    Args:
        include: ``evidence``: also the entry's exact text, and the disclosures, by which it can
            be checked; ``wording``: also the event in words.
    """
    found = event.as_dict()
    if "evidence" in include:
        found["entry"] = event.entry.decode()
        found["disclosures"] = [item.text() for item in event.disclosures]
    if "wording" in include:
        changes = islice(found_changes(event), _MAX_CHANGES)
        found["wording"] = {
            "sentence": sentence(event),
            "changes": [_said(*change) for change in changes],
        }
    return found


def _said(name: str, old: Any, new: Any) -> dict[str, str]:
    found = {"field": short(name, _MAX_VALUE)}
    if old is not ABSENT:
        found["before"] = short(old, _MAX_VALUE)
    if new is not ABSENT:
        found["after"] = short(new, _MAX_VALUE)
    return found
