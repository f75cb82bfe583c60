"""A standby of a server: a real streaming replica, which can take its place."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .postgres import PATIENCE, OwnPostgres, wheel


class Standby(OwnPostgres):
    """A copy of a running server, which follows it.

    Args:
        primary: the server.
        programs: the folder of PostgreSQL's programs, of the same major version.
    """

    def __init__(self, primary: OwnPostgres, programs: Path) -> None:
        self._primary = primary
        super().__init__(programs)

    def promote(self) -> None:
        """Make it take writes, with all that it has received."""
        self.run("SELECT pg_promote()")

    def _make_data(self, settings: dict[str, str]) -> None:
        self.program(
            "pg_basebackup",
            "-d",
            self._primary.url,
            "-D",
            self.data,
            "-R",
            "-c",
            "fast",
            "--no-sync",
        )


class Pair:
    """A server and its standby: what is committed was received by both.

    Attributes:
        url: names both, the standby first.
    """

    def __init__(self, programs: Path) -> None:
        self.primary = OwnPostgres(programs)
        self.standby = Standby(self.primary, programs)
        hosts = [
            urlsplit(server.url).netloc.rpartition("@")[2]
            for server in (self.standby, self.primary)
        ]
        self.url = self.primary.url.replace(hosts[1], ",".join(hosts))
        self.primary.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.primary.run("SELECT pg_reload_conf()")
        self.wait_for_the_standby()

    def wait_for_the_standby(self) -> None:
        """Wait until commits wait for it."""
        deadline = time.monotonic() + PATIENCE
        while not self.primary.run(
            "SELECT FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'"
        ):
            assert time.monotonic() < deadline, self.standby.log()
            time.sleep(0.02)

    def catch_up(self) -> None:
        """Wait until the standby shows all that the server does."""
        [(at,)] = self.primary.run("SELECT pg_current_wal_insert_lsn()::text")
        while not self.standby.run(f"SELECT WHERE pg_last_wal_replay_lsn() >= '{at}'"):
            time.sleep(0.02)

    def close(self) -> None:
        """Stop both, and remove all that they wrote."""
        # Without the standby nobody need wait for it.
        for server in (self.primary, self.standby):
            server.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A server with a standby, both a test's own."""
    found = Pair(wheel(18))
    yield found
    found.close()
