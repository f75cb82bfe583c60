"""Named statements: ``store/sql/<engine>/<name>.sql``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def read_statement(engine: str, name: str) -> str:
    """The text of a named statement, without what ends it."""
    file = files("counterfoil.store").joinpath("sql", engine, f"{name}.sql")
    return file.read_text("utf-8").strip().removesuffix(";")
