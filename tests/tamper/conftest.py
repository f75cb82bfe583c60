"""One database for all that tampers, and a fresh copy of it for each time."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from .database import Database, fill

CopyOf = Callable[[], AbstractContextManager[Database]]


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Database:
    return asyncio.run(fill(tmp_path_factory.mktemp("log")))


@pytest.fixture(scope="session")
def fresh_copy(original: Database) -> CopyOf:
    @contextmanager
    def copy() -> Iterator[Database]:
        with tempfile.TemporaryDirectory() as folder:
            yield original.copy_to(Path(folder))

    return copy
