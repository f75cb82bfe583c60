"""What is known of a server: kept in a file, so that it cannot become another one unseen.

The server's key is pinned on first use (as SSH does); a log's last checkpoint is remembered,
so that the next one must continue it; and the rules that events are recorded by are there
while the server is away. The file holds nothing secret and nothing of any event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson

from counterfoil.errors import KeyFileError
from counterfoil.log.proving.durable_file import locked, write_durably

FORMAT_VERSION: Final = 1
_MODE: Final = 0o600
_TEXTS: Final = ("database", "public_key")
_TABLES: Final = ("session", "checkpoints")


class KnownServer:
    """The file about one server. Processes may share it.

    Args:
        path: the file, made at need; its folder must be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    async def read(self) -> dict[str, Any]:
        """What is known; empty where there is no file yet.

        Raises:
            KeyFileError: the file cannot be read, or is damaged.
        """
        return await asyncio.to_thread(self._read)

    async def update(self, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Change what is known, durably, and return it. ``change`` runs under a lock.

        Raises:
            KeyFileError: the file cannot be read or written, or is damaged.
        """
        return await asyncio.to_thread(self._update, change)

    def _read(self) -> dict[str, Any]:
        try:
            known = orjson.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise KeyFileError(
                f"The file {self.path}, which holds the server's key, cannot be read."
            ) from error
        except orjson.JSONDecodeError:
            known = None
        if not _is_right(known):
            raise KeyFileError(
                f"The file {self.path}, which holds the server's key, is damaged.",
                remedy="Restore it from a backup. Without one, make sure that the server is the "
                "right one, and take the file away: its key is then pinned anew.",
            )
        assert isinstance(known, dict)
        return known

    def _update(self, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        try:
            with locked(self.path.with_name(f".{self.path.name}.lock")):
                known = self._read()
                before = orjson.dumps(known)
                change(known)
                known["v"] = FORMAT_VERSION
                after = orjson.dumps(known)
                if after != before:
                    write_durably(self.path, after, _MODE)
                return known
        except OSError as error:
            raise KeyFileError(
                f"The file {self.path} cannot be written: it is to hold the server's key.",
                remedy="Name a place that can be written to with key_file= or "
                "COUNTERFOIL_KEY_FILE.",
            ) from error


def _is_right(known: object) -> bool:
    return (
        isinstance(known, dict)
        and known.get("v") == FORMAT_VERSION
        and all(isinstance(known.get(name), (str, type(None))) for name in _TEXTS)
        and all(isinstance(known.get(name, {}), dict) for name in _TABLES)
    )
