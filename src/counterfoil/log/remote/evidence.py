"""Evidence: events as a server hands them over, decoded from what they commit to."""

from __future__ import annotations

from typing import Any, Final

from counterfoil.errors import StoreCorruptError
from counterfoil.record import Event
from counterfoil.record.disclosure import Disclosure
from counterfoil.record.entry import parse
from counterfoil.wire.connection import not_ours

#: Asks for entry and disclosures beside each event.
EVIDENCE: Final = ("include", "evidence")


def event_of(given: Any) -> Event:
    """An event from its index, entry and disclosures.

    Raises:
        StoreCorruptError: the entry does not commit to a disclosure, or cannot be read.
        StoreUnavailableError: they are not there.
    """
    if not isinstance(given, dict):
        raise not_ours()
    try:
        index, entry = int(given["index"]), str(given["entry"]).encode()
        texts = list(map(str, given["disclosures"]))
    except (KeyError, TypeError, ValueError) as error:
        raise not_ours() from error
    try:
        disclosures = [Disclosure.parse(text) for text in texts]
        committed = set(parse(entry)["_sd"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreCorruptError(f"The event at index {index} cannot be read.") from error
    if not all(item.digest().decode() in committed for item in disclosures):
        raise StoreCorruptError(
            f"The event at index {index} holds values that it does not commit to."
        )
    return Event.of(index, entry, disclosures)
