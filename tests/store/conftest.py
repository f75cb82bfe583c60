"""The stores under test. Another engine joins the contract by one more name here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from counterfoil.store import Store, open_store
from tests.postgres import Postgres

#: Those of which several store objects may have the same database open; PostgreSQL in two major
#: versions.
SHARED = ["sqlite", "postgres", "older_postgres"]
ENGINES = ["memory", *SHARED]

#: Lends an empty database of an engine, by its address.
Lend = Callable[[str], AbstractContextManager[str]]


@pytest.fixture(scope="session")
def lend(request: pytest.FixtureRequest) -> Lend:
    @contextmanager
    def lent(engine: str) -> Iterator[str]:
        if engine == "memory":
            yield "memory:"
        elif engine == "sqlite":
            with TemporaryDirectory() as folder:
                yield f"sqlite:///{Path(folder, 'audit.db')}"
        else:
            server: Postgres = request.getfixturevalue(engine)
            url = server.borrow()
            yield url
            server.give_back(url)

    return lent


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, lend: Lend) -> Iterator[str]:
    with lend(str(request.param)) as found:
        yield found


@pytest.fixture(params=SHARED)
def shared_url(request: pytest.FixtureRequest, lend: Lend) -> Iterator[str]:
    with lend(str(request.param)) as found:
        yield found


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """An open, empty store."""
    store = open_store(url)
    await store.open()
    yield store
    await store.close()
