"""From a draft to the bytes that are hashed: entries, disclosures, rows and events."""

from .disclosure import Disclosure
from .draft import Draft
from .event import Event
from .row import EventRow

__all__ = ["Disclosure", "Draft", "Event", "EventRow"]
