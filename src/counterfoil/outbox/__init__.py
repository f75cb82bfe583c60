"""The outbox: a table in the application's own database, for events that commit with its work.

What stands in it was put there by the application's own transaction, and is redacted and
finished. A relay of the log moves it from there. One file for each kind of connection; none
imports a driver that is not there.
"""

from .adapter import Adapter, adapter_of, blocking_adapter_of
from .carrier import through_own_thread
from .opening import Connect, connector, open_source, opened_source
from .source import Backlog, Claim, Row, Source

__all__ = [
    "Adapter",
    "Backlog",
    "Claim",
    "Connect",
    "Row",
    "Source",
    "adapter_of",
    "blocking_adapter_of",
    "connector",
    "open_source",
    "opened_source",
    "through_own_thread",
]
