"""The outbox's statements, by engine and name, and what is said where its table is missing."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

TABLE: Final = "counterfoil_outbox"
MISSING: Final = f"There is no table {TABLE} in the application's database."
MAKE_IT: Final = (
    "Make it once: `counterfoil outbox create URL`, or await audit.create_outbox(connection)."
)


@cache
def statement(engine: str, name: str) -> str:
    """A named statement: ``outbox/sql/<engine>/<name>.sql``."""
    file = files("counterfoil.outbox").joinpath("sql", engine, f"{name}.sql")
    return file.read_text("utf-8").strip().removesuffix(";")


def statements(engine: str, name: str) -> list[str]:
    """The statements of a file that holds several."""
    return statement(engine, name).split(";\n")
