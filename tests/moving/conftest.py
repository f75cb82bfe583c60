"""Databases to move between, of every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.postgres import Postgres

#: Makes the address of an empty database of an engine; key files stand beside ``tmp_path``.
Make = Callable[[str], str]


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    lent: list[tuple[Postgres, str]] = []
    numbers = count()

    def made(engine: str) -> str:
        if engine == "sqlite":
            return f"sqlite:///{tmp_path}/{next(numbers)}.db"
        server: Postgres = request.getfixturevalue("postgres")
        url = server.borrow()
        lent.append((server, url))
        return url

    yield made
    for server, url in lent:
        server.give_back(url)
