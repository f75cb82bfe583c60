"""From a draft to the bytes that are hashed: entries, disclosures, rows and events."""

from .body import BodySource, RequestBody
from .disclosure import Disclosure
from .draft import Draft
from .event import Event
from .row import EventRow

__all__ = ["BodySource", "Disclosure", "Draft", "Event", "EventRow", "RequestBody"]
