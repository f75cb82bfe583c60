"""Where the log is kept: one Protocol, one native file per engine."""

from .address import open_store
from .interface import (
    Batch,
    CheckpointRow,
    CountRow,
    Head,
    HeadRequest,
    Selection,
    Store,
    TileRow,
)
from .registry import Registry, RegistryRow

__all__ = [
    "Batch",
    "CheckpointRow",
    "CountRow",
    "Head",
    "HeadRequest",
    "Registry",
    "RegistryRow",
    "Selection",
    "Store",
    "TileRow",
    "open_store",
]
