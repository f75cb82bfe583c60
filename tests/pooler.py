"""PgBouncer in front of a server: fetched by ``tools/pooler``, or as it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .postgres import KEEPER, PATIENCE, Postgres, at_port, free_port, someone_harmless
from .scratch import Scratch

FETCHED = Path(__file__).parents[1] / ".venv" / "pgbouncer"


class Pooler:
    """A running PgBouncer.

    Args:
        server: what it stands in front of.
        mode: its ``pool_mode``.
    """

    def __init__(self, server: Postgres, mode: str) -> None:
        program = _program()
        self._scratch = Scratch("pooler")
        self.folder = self._scratch.path
        # Where it was fetched to may be a folder of root's own.
        copy = shutil.copy(program, self.folder)
        for library in FETCHED.glob("usr/lib/*/*.so*"):
            shutil.copy(library, self.folder)
        user = someone_harmless(self.folder)
        self.port = free_port()
        self._server = server
        at = urlsplit(server.url)
        (self.folder / "users").write_text(f'"{at.username}" "{at.password or ""}"\n')
        (self.folder / "settings").write_text(
            f"""
[databases]
* = host={at.hostname} port={at.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = trust
auth_file = {self.folder}/users
pool_mode = {mode}
"""
        )
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", KEEPER, "keeper", copy, "-q", self.folder / "settings"],
                env={**os.environ, "LD_LIBRARY_PATH": str(self.folder)},
                stdin=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                **user,
            )
        self._wait()

    def address(self, url: str) -> str:
        """The address of one of the server's databases through it."""
        return at_port(url, self.port)

    def close(self) -> None:
        """Stop it."""
        self._process.communicate(timeout=PATIENCE)
        self._scratch.close()

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self._server.run("SELECT 1", url=self.address(self._server.url))
            except OSError:
                said = (self.folder / "log").read_text()
                assert time.monotonic() < deadline, said
                assert self._process.poll() is None, said
                time.sleep(0.02)
            else:
                return


def _program() -> str:
    for place in (FETCHED / "usr/sbin/pgbouncer", Path("/usr/sbin/pgbouncer")):
        if place.exists():
            return str(place)
    found = shutil.which("pgbouncer")
    if found is None:
        pytest.skip("There is no PgBouncer: tools/pooler fetches it on Debian and Ubuntu.")
    return found
