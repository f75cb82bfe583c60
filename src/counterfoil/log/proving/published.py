"""Published checkpoints: what the log has said of itself, kept outside the database.

A database that is restored from a backup forgets what it said; this folder does not. One
file an origin, JSON: ``checkpoint`` is the signed note, ``count`` and ``chain`` cover every
checkpoint that the database had recorded by then. Files are locked, synced, and only ever
move to a larger size.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import orjson

from counterfoil.errors import FormatError, SignatureError
from counterfoil.proof import Checkpoint, Note, VerifierKey
from counterfoil.store import CheckpointRow

from .durable_file import locked_async, write_durably

logger = logging.getLogger("counterfoil")

#: The longest file name that is made of an origin as it is.
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Chain:
    """A digest over recorded checkpoints in the order of their sizes.

    It finds a checkpoint that was removed, or whose time of signing was changed: a signed
    note does not hold that time.
    """

    count: int = 0
    digest: bytes = bytes(32)

    def extend(self, rows: Iterable[CheckpointRow]) -> Chain:
        """The chain with further checkpoints, the smallest first."""
        count, digest = self.count, self.digest
        for row in rows:
            header = b"%b %d %d\n" % (digest, row.size, row.signed_at)
            digest = sha256(header + row.note).digest()
            count += 1
        return Chain(count, digest)


@dataclass(frozen=True, slots=True)
class Published:
    """What was last published under one origin: the note, and the chain up to it."""

    note: bytes
    chain: Chain

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint that the note states; its signature is not looked at."""
        return Checkpoint.parse(Note.parse(self.note).text)


class PublishedCheckpoints:
    """The published checkpoints of a database's logs.

    Args:
        folder: where they are kept; None keeps them in memory.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._memory: dict[str, Published] = {}
        self._memory_lock = asyncio.Lock()

    def locked(self) -> AbstractAsyncContextManager[None]:
        """Hold the lock under which checkpoints are signed, recorded and published."""
        return self._locked_memory() if self.folder is None else self._locked_folder(self.folder)

    async def read(self, origin: str) -> Published | None:
        """What was last published under an origin, or None.

        Raises:
            FormatError: the file is damaged.
        """
        if self.folder is None:
            return self._memory.get(origin)
        try:
            data = await asyncio.to_thread(self._file(self.folder, origin).read_bytes)
        except (FileNotFoundError, PermissionError):
            return None
        return _decode(data)

    async def own(self, origin: str, key: VerifierKey | None) -> Published | None:
        """What this database published under an origin, or None.

        A file that another database has left behind, and one that is damaged, are told of in
        the program's log and passed over.

        Args:
            key: the database's verifier key under the origin; None where it has none.
        """
        try:
            published = await self.read(origin)
            if published is None or key is None:
                return None
            Checkpoint.open(published.note, key)
        except SignatureError:
            logger.warning(
                "A published checkpoint under the origin %s is another database's; going on.",
                origin,
            )
            return None
        except FormatError as error:
            logger.error("What the log published under %s cannot be used. %s", origin, error)
            return None
        return published

    async def advance(self, origin: str, published: Published) -> None:
        """Publish a checkpoint; when this returns, it is synced. To be called under the lock.

        Raises:
            OSError: the folder cannot be written to.
        """
        if self.folder is None:
            self._memory[origin] = published
            return
        path = self._file(self.folder, origin)
        await asyncio.to_thread(write_durably, path, _encode(published), 0o644)

    @staticmethod
    def _file(folder: Path, origin: str) -> Path:
        name = quote(origin, safe="")
        if len(name) > _LONGEST_NAME:
            name = sha256(origin.encode()).hexdigest()
        return folder / f"{name}.json"

    @asynccontextmanager
    async def _locked_folder(self, folder: Path) -> AsyncIterator[None]:
        await asyncio.to_thread(folder.mkdir, mode=0o755, exist_ok=True)
        async with locked_async(folder / ".lock"):
            yield

    @asynccontextmanager
    async def _locked_memory(self) -> AsyncIterator[None]:
        async with self._memory_lock:
            yield


def _encode(published: Published) -> bytes:
    return orjson.dumps(
        {
            "checkpoint": published.note.decode(),
            "count": published.chain.count,
            "chain": published.chain.digest.hex(),
        },
        option=orjson.OPT_INDENT_2,
    )


def _decode(data: bytes) -> Published:
    with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
        content = orjson.loads(data)
        chain = Chain(int(content["count"]), bytes.fromhex(content["chain"]))
        published = Published(content["checkpoint"].encode(), chain)
        # Read once here, so that whoever holds it can rely on its form.
        _ = published.checkpoint
        return published
    raise FormatError(
        "The file of a published checkpoint is damaged.",
        remedy="Restore it from a backup or from whoever keeps the log's checkpoints.",
    )
