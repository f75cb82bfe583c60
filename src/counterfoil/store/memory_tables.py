"""What the in-memory store holds."""

from __future__ import annotations

from collections import Counter

from counterfoil.record.row import EventRow, MentionRow

from .interface import CheckpointRow, CountRow, Head
from .registry import RegistryRow


class Tables:
    """What a database would hold."""

    def __init__(self) -> None:
        self.heads: dict[str, Head] = {}
        self.events: dict[int, EventRow] = {}
        #: The keys of ``events``, in order.
        self.positions: list[int] = []
        #: Event id -> position.
        self.ids: dict[bytes, int] = {}
        #: (position, name) -> the disclosure.
        self.mentions: dict[tuple[int, str], MentionRow] = {}
        #: (log, level, number) -> hashes.
        self.tiles: dict[tuple[int, int, int], bytes] = {}
        #: A count's row without its number of events -> that number.
        self.counts: Counter[CountRow] = Counter()
        #: (log, size) -> the checkpoint.
        self.checkpoints: dict[tuple[int, int], CheckpointRow] = {}
        self.meta: dict[str, str] = {}
        #: (kind, name) -> what is registered there.
        self.registry: dict[tuple[str, str], RegistryRow] = {}
        #: Company -> the name of its log.
        self.company_logs: dict[str, str] = {}
        self.writes = 0
