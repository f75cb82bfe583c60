"""Numbered ``.sql`` migrations: applied once, in order, with their checksums recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from counterfoil.errors import SchemaError


class Migration(NamedTuple):
    """One step of the schema: its number (from 1), name, SQL and the SQL's SHA-256."""

    number: int
    name: str
    sql: str
    checksum: str


def load(engine: str) -> list[Migration]:
    """The migrations of an engine, in order: files ``<number>_<name>.sql``."""
    found = []
    for file in files("counterfoil.store").joinpath("sql", engine).iterdir():
        prefix, _, name = file.name.removesuffix(".sql").partition("_")
        if not prefix.isdigit():
            continue
        sql = file.read_text(encoding="utf-8")
        found.append(Migration(int(prefix), name, sql, sha256(sql.encode()).hexdigest()))
    return sorted(found)


def pending(migrations: Sequence[Migration], applied: Mapping[int, str]) -> list[Migration]:
    """The migrations still to run.

    Args:
        applied: number -> checksum, as the database has recorded them.

    Raises:
        SchemaError: the database has a migration that this code does not know, or one whose
            SQL was changed after it had been applied.
    """
    known = {item.number: item for item in migrations}
    newer = sorted(set(applied) - set(known))
    if newer:
        raise SchemaError(
            f"The database's schema is at version {newer[-1]}, and this version of Counterfoil "
            f"knows versions up to {max(known)}.",
            remedy="Upgrade Counterfoil in this environment; nothing was changed.",
        )
    for number, checksum in applied.items():
        if known[number].checksum != checksum:
            raise SchemaError(
                f"Migration {number} of the database is not the one that this version has.",
                remedy="Use a released version of Counterfoil, or restore the migration's file.",
            )
    return [item for item in migrations if item.number not in applied]
