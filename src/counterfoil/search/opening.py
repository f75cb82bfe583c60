"""Opening: which text index belongs to a store."""

from __future__ import annotations

from pathlib import Path

from counterfoil.store import Store
from counterfoil.store.postgres_address import SCHEMES, postgres_address

from .sqlite_index import SQLiteTextIndex
from .text_index import TextIndex

SUFFIX = ".search"


def text_index(
    url: str, store: Store, database: str, place: str | Path | None, *, timeout: float
) -> TextIndex:
    """A text index that is not opened yet: in the log's PostgreSQL, or in a file.

    Args:
        url: the store's address; ``database``: its random id.
        place: the file for an SQLite database; by default beside it, with ``.search`` after
            its name.
        timeout: seconds to wait for another process.
    """
    if url.partition(":")[0] in SCHEMES:
        from .postgres_index import PostgresTextIndex

        return PostgresTextIndex(postgres_address(url), database, timeout=timeout)
    file = None if place is None else Path(place)
    if file is None and store.path is not None:
        file = store.path.with_name(f"{store.path.name}{SUFFIX}")
    return SQLiteTextIndex(file, database, timeout=timeout)
