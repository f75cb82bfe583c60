"""Setup: from what ``AuditLog.open`` was told to the parts that an open log is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from counterfoil.clock import SYSTEM_CLOCK, Clock
from counterfoil.errors import StoreError, StoreFullError, StoreUnavailableError
from counterfoil.policy.catalogue import Catalogue
from counterfoil.policy.chain import default_chain
from counterfoil.policy.link import Chain
from counterfoil.policy.redaction import Rules, Tokens
from counterfoil.spool import Spool
from counterfoil.store import Store, open_store
from counterfoil.wire.address import ServerAddress, is_server

from .backend import Backend
from .late_store import LateStore
from .limits import Limits
from .proving.identity import Identity
from .proving.key_file import KeyFile
from .proving.remembered import recall, remember
from .proving.token_keys import load_tokeniser
from .store_backend import StoreBackend
from .write.intake import Intake
from .write.path import WritePath


class Parts(NamedTuple):
    """What an open log is made of, started."""

    backend: Backend
    intake: Intake
    path: WritePath
    tokens: Tokens | None
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What ``AuditLog.open`` was told; see there."""

    url: str
    key_file: str | Path | None = None
    profile: str = "baseline"
    catalogue: Catalogue | None = None
    redaction: Rules | None = None
    chain: Chain | None = None
    clock: Clock = SYSTEM_CLOCK
    limits: Limits | None = None
    checkpoint_interval: float | None = 10.0
    spool: str | Path | bool = True
    log_per_company: bool = False
    token: str | Callable[[], str] | None = field(default=None, repr=False)
    plain_http: bool = False
    text_index: str | Path | bool = False

    async def open(self) -> Parts:
        """Open the parts of a log in a database, or on a server.

        Raises:
            ConfigurationError, KeyFileError, AccessError, StoreError: see ``AuditLog.open``.
        """
        if is_server(self.url):
            from .remote.setup import open_server

            return await open_server(self)
        catalogue = self.catalogue or Catalogue.under(self.profile)
        limits = self.limits or Limits()
        given = open_store(self.url, timeout=limits.write_timeout)
        key_file = key_file_of(self.key_file, given)
        folder = _spool_folder(self.spool, given)
        store, identity, away = await self._reach(given, key_file, folder, limits)
        try:
            tokens = await load_tokeniser(identity, self.clock)
            chain = self.chain or default_chain(
                catalogue, rules=self.redaction, tokens=tokens, limit=limits.part_bytes
            )
            intake = Intake(
                catalogue,
                chain,
                self.clock,
                limits.replay_days,
                log_per_company=self.log_per_company,
                part_bytes=limits.part_bytes,
            )
            backend = StoreBackend(
                store,
                identity,
                intake,
                clock=self.clock,
                limits=limits,
                checkpoint_interval=self.checkpoint_interval,
                url=self.url,
                text_index=self.text_index,
            )
            if away is None:
                await backend.look_back()
            path = WritePath(
                backend,
                None if folder is None else Spool(folder, max_bytes=limits.spool_bytes),
                intake,
                catalogue=catalogue,
                clock=self.clock,
                limits=limits,
            )
            await path.start(away)
        except BaseException:
            await store.close()
            raise
        backend.start(path.abandon)
        return Parts(backend, intake, path, tokens, limits)

    async def _reach(
        self, store: Store, key_file: KeyFile | None, folder: Path | None, limits: Limits
    ) -> tuple[Store, Identity, StoreError | None]:
        """The store, opened; or one that will open, where the spool can bridge its absence."""
        patience = limits.write_timeout
        known = None if folder is None else await asyncio.to_thread(recall, key_file, folder)
        opening = asyncio.create_task(self._opened(store, key_file), name="counterfoil-opening")
        try:
            await asyncio.wait({opening}, timeout=None if known is None else patience)
            if known is not None:
                if not opening.done():
                    failure = StoreUnavailableError("The store does not answer.")
                    late = LateStore.standing_for(store, known, patience, opening)
                    return late, known, failure
                error = opening.exception()
                if isinstance(error, (StoreUnavailableError, StoreFullError)):
                    return LateStore.standing_for(store, known, patience), known, error
            identity = await opening
        except BaseException:
            opening.cancel()
            raise
        if folder is not None:
            await asyncio.to_thread(remember, identity, folder)
        return store, identity, None

    async def _opened(self, store: Store, key_file: KeyFile | None) -> Identity:
        await store.open()
        try:
            return await Identity.establish(store, key_file, self.clock)
        except BaseException:
            await store.close()
            raise


def key_file_of(named: str | Path | None, store: Store) -> KeyFile | None:
    """The key file that is named, or the one that goes with a store by default."""
    if named is not None:
        return KeyFile(Path(named))
    place = store.companions
    return None if place is None else KeyFile(place.with_name(f"{place.name}.key"))


def spool_folder(named: str | Path | bool, url: str, *, plain_http: bool = False) -> Path | None:
    """Where events wait for the log at an address; None where they do not.

    Args:
        named: as ``AuditLog.open`` takes it.
        url: the log's address.
        plain_http: whether a server's may be plain HTTP.

    Raises:
        ConfigurationError: the address is of no known form.
    """
    if is_server(url):
        from .remote.setup import spool_folder as of_server

        return of_server(named, ServerAddress.parse(url, plain_http=plain_http))
    return _spool_folder(named, open_store(url))


def _spool_folder(named: str | Path | bool, store: Store) -> Path | None:
    if named is False:
        return None
    if named is not True:
        return Path(named)
    place = store.companions
    return None if place is None else place.with_name(f"{place.name}.spool")
