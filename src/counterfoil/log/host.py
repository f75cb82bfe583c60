"""The host: what a server that offers a log to others needs beyond ``AuditLog``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from counterfoil.errors import (
    CounterfoilError,
    KeyFileError,
    NotFoundError,
    StoreError,
    WriteError,
)
from counterfoil.policy.catalogue import Catalogue
from counterfoil.policy.redaction import Tokeniser, Tokens
from counterfoil.proof import TILE_WIDTH, TileId
from counterfoil.proof.key import VerifierKey
from counterfoil.proof.tile import tile_width
from counterfoil.record import Draft
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.row import LOG_SPAN
from counterfoil.search.indexer import Indexer
from counterfoil.store import Head, Selection
from counterfoil.store.registry import Registry

from .proving.tiles import TreeReader
from .store_backend import StoreBackend
from .write.intake import Intake
from .write.path import WritePath

#: Logs that are looked at together.
_PAGE = 1000


class Host:
    """The parts of an open log that stand behind its server.

    Args:
        backend: the log's database.
        intake: makes the log's own events.
        path: brings entries in.
        tokens: makes tokens, in a process that may.
    """

    def __init__(
        self,
        backend: StoreBackend,
        intake: Intake,
        path: WritePath,
        tokens: Tokens | None,
    ) -> None:
        self._backend = backend
        self._intake = intake
        self._path = path
        self._tokens = tokens

    @property
    def registry(self) -> Registry:
        """Keeps what the servers of one database share."""
        return self._backend.store

    @property
    def database(self) -> str:
        """The database's random id."""
        return self._backend.identity.database

    @property
    def indexer(self) -> Indexer | None:
        """Keeps the text index, in a process that has one."""
        return self._backend.indexer

    def make_indexer(self, place: str | Path | bool) -> Indexer:
        """Another one, not opened yet; see ``AuditLog.open``, ``text_index``.

        Raises:
            ConfigurationError: there is to be none.
        """
        return self._backend.make_indexer(place)

    @property
    def public_key(self) -> bytes | None:
        """The Ed25519 public key that checkpoints are signed with, where there is one."""
        return self._backend.identity.public_key

    @property
    def catalogue(self) -> Catalogue:
        """The rules that events are recorded by."""
        return self._intake.catalogue

    @property
    def waiting(self) -> int:
        """Events of this process that are queued or being written."""
        return self._backend.waiting

    async def ping(self) -> None:
        """Ask the database whether it answers.

        Raises:
            StoreError: it does not.
        """
        await self._backend.store.meta()

    async def spooled(self) -> tuple[int, int]:
        """Events that wait in the local spool, and the bytes that it takes.

        Raises:
            SpoolError: it cannot be read, or its disk does not answer in time.
        """
        stats = await self._path.spooled()
        return (0, 0) if stats is None else (stats.events, stats.bytes)

    async def uncovered(self) -> int:
        """Events that no signed checkpoint covers yet, in all logs."""
        after, total = "", 0
        while page := await self._backend.store.coverage(after, _PAGE):
            total += sum(max(0, one.head.size - one.size) for one in page)
            after = page[-1].head.log
        return total

    def token_keys(self, company_id: str | None) -> list[tuple[str, bytes]]:
        """The derived token keys of one company with their ids, the newest first.

        Raises:
            KeyFileError: this process may not read the key file.
        """
        if not isinstance(self._tokens, Tokeniser):
            raise KeyFileError(
                "This process holds no token keys.",
                remedy="Ask in a process that may read the key file.",
            )
        return self._tokens.company_keys(company_id)

    async def size(self, log: str) -> int:
        """How many events a log has ever had.

        Raises:
            NotFoundError: there is no such log.
        """
        return (await self._head(log)).size

    async def tile(self, log: str, tile: TileId) -> bytes:
        """A tile of a log's tree (C2SP tlog-tiles).

        Raises:
            NotFoundError: there is no such log, or it is not that large yet.
        """
        head = await self._head(log)
        if tile.width > tile_width(tile.level, tile.index, head.size):
            raise NotFoundError("The log is not that large yet.")
        return await TreeReader(self._backend.store, head.number).tile(tile)

    async def entries(self, log: str, tile: TileId) -> bytes:
        """The entries of a tile of leaves, as C2SP tlog-tiles bundles them.

        Raises:
            NotFoundError: there is no such log, it is not that large yet, or some of the
                entries were purged.
        """
        head = await self._head(log)
        if tile.width > tile_width(0, tile.index, head.size):
            raise NotFoundError("The log is not that large yet.")
        first = head.number * LOG_SPAN + tile.index * TILE_WIDTH
        selection = Selection(first, first + tile.width - 1, newest_first=False, limit=tile.width)
        rows = await self._backend.store.select(selection)
        if len(rows) < tile.width:
            raise NotFoundError("Some of the entries were purged.")
        return b"".join(len(row.entry).to_bytes(2) + row.entry for row in rows)

    async def _head(self, log: str) -> Head:
        head = await self._backend.store.head(log)
        if head is None:
            raise NotFoundError("There is no such log.")
        return head

    def verifier_key(self, origin: str) -> VerifierKey | None:
        """The public key under a log's origin as its name, where the database has one."""
        return self._backend.identity.verifier_key(origin)

    def take(self, call: Mapping[str, Any]) -> UntimedEntry:
        """The entry of one call of ``log_event``, its arguments by name.

        Raises:
            EventIdError, InputError: see :meth:`Intake.take`.
        """
        given = call.get
        return self._intake.take(
            call["event_type"],
            given("user_id"),
            given("ip_address"),
            given("resource_id"),
            given("resource_type"),
            given("details"),
            given("context"),
            given("level"),
            given("options"),
            given("event_id"),
            given("occurred_at"),
            given("outcome"),
            given("subjects", ()),
            given("log"),
            given("on_behalf_of"),
            given("impersonator"),
        )

    def readmit(self, draft: Draft) -> UntimedEntry:
        """The entry of a draft that a client has finished; see :meth:`Intake.readmit`."""
        return self._intake.readmit(draft)

    async def append(self, entries: Sequence[UntimedEntry]) -> list[str | CounterfoilError]:
        """Bring entries in together; each one's id once it is durable, or why it is not."""
        if self._path.is_bridging:
            return list(await asyncio.gather(*map(self._write, entries)))
        outcomes = await self._backend.put_all(entries)
        for place, outcome in enumerate(outcomes):
            if isinstance(outcome, (WriteError, StoreError)):
                outcomes[place] = await self._bridge(entries[place], outcome)
        return outcomes

    async def _write(self, entry: UntimedEntry) -> str | CounterfoilError:
        try:
            return await self._path.write(entry)
        except CounterfoilError as error:
            return error

    async def _bridge(
        self, entry: UntimedEntry, error: WriteError | StoreError
    ) -> str | CounterfoilError:
        try:
            return await self._path.bridge(entry, error)
        except CounterfoilError as refused:
            return refused

    async def record(
        self,
        event_type: str,
        *,
        log: str,
        audit: dict[str, Any],
        company_id: str | None = None,
        user_id: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> str:
        """Record one of the log's own events, ``audit.…``; see :meth:`Intake.own`.

        Raises:
            WriteError, StoreError: it is not recorded.
        """
        entry = self._intake.own(
            event_type,
            log=log,
            audit=audit,
            company_id=company_id,
            user_id=user_id,
            details=details,
        )
        return await self._path.write(entry)
