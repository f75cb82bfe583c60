"""Scratch folders for servers: gone together with the tests, also where those are killed."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

#: Removes the folder when standard input ends, once no server of that folder runs any more.
SWEEPER = """
cat > /dev/null
while kill -0 "$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null)" 2> /dev/null; do sleep 0.1; done
rm -rf "$1"
"""
#: Seconds for a folder to be removed.
PATIENCE = 60.0


class Scratch:
    """A folder that a process of its own removes when it is closed, or the tests are gone.

    Args:
        name: how the folder's name begins.
    """

    def __init__(self, name: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=f"counterfoil-{name}-"))
        self._sweeper = subprocess.Popen(
            ["/bin/sh", "-c", SWEEPER, "sweeper", self.path],
            stdin=subprocess.PIPE,
            # Whoever reads what the tests print does not wait for it.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # A Ctrl-C is for the tests, which then end the servers.
            start_new_session=True,
        )

    def close(self) -> None:
        """Remove it; its servers have ended."""
        self._sweeper.communicate(timeout=PATIENCE)
        assert not self.path.exists(), f"{self.path} is still there"
