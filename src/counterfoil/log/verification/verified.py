"""Verified marks: up to where a log was found good, kept beside the published checkpoints."""

from __future__ import annotations

import asyncio
import logging
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import orjson

from counterfoil.log.proving.durable_file import write_durably

logger = logging.getLogger("counterfoil")


class Mark(NamedTuple):
    """A log's size and root when it was last found good."""

    size: int
    root: bytes


class VerifiedMarks:
    """What ``since="last"`` goes on from. A mark that is lost costs a whole verification.

    Args:
        folder: where they are kept; None keeps them in memory.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._memory: dict[str, Mark] = {}

    async def read(self, origin: str) -> Mark | None:
        """The mark of an origin, or None where there is none that can be read."""
        if self._folder is None:
            return self._memory.get(origin)
        try:
            data = await asyncio.to_thread(self._file(self._folder, origin).read_bytes)
            content = orjson.loads(data)
            return Mark(int(content["size"]), bytes.fromhex(content["root"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            logger.warning(
                "The mark of the last verification cannot be read (%s); verifying all.",
                type(error).__name__,
            )
            return None

    async def write(self, origin: str, mark: Mark) -> None:
        """Keep a mark, where the folder may be written to."""
        if self._folder is None:
            self._memory[origin] = mark
            return
        data = orjson.dumps({"size": mark.size, "root": mark.root.hex()})
        try:
            await asyncio.to_thread(self._folder.mkdir, mode=0o755, exist_ok=True)
            path = self._file(self._folder, origin)
            await asyncio.to_thread(write_durably, path, data, 0o644)
        except OSError as error:
            logger.warning("The mark of this verification was not kept: %s.", error.strerror)

    @staticmethod
    def _file(folder: Path, origin: str) -> Path:
        return folder / f"verified-{sha256(origin.encode()).hexdigest()[:32]}.json"
