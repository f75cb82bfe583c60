"""A late store: a database that was away when the log was opened.

Everything that is asked of it tries to open it first, one try at a time and for a bounded
while. It is let in only as the database that it is awaited as: what waits in the spool is
one database's, and must not come to stand in another.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from counterfoil.errors import StoreError, StoreUnavailableError
from counterfoil.store import Store

from .proving.identity import DATABASE, Identity, public_key_of


class LateStore:
    """Stands for a store until that is open. Satisfies ``Store`` by what it stands for.

    Args:
        store: not open.
        identity: whose database it must be.
        timeout: seconds that a call waits for it to open.
        opening: a try that still goes on, if any.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        timeout: float,
        opening: asyncio.Task[Identity] | None = None,
    ) -> None:
        self._store = store
        self._identity = identity
        self._timeout = timeout
        self._opening = opening
        self._is_open = False
        self._closed = False

    @classmethod
    def standing_for(
        cls,
        store: Store,
        identity: Identity,
        timeout: float,
        opening: asyncio.Task[Identity] | None = None,
    ) -> Store:
        """One, as the ``Store`` that it can be used as."""
        return cast(Store, cls(store, identity, timeout, opening))

    def __getattr__(self, name: str) -> Any:
        held = getattr(self._store, name)
        if not inspect.iscoroutinefunction(held):
            return held
        late = self._late(held)
        setattr(self, name, late)
        return late

    async def close(self) -> None:
        """Give up a try that goes on, and let go of the store. Idempotent."""
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening})
        await self._store.close()

    def _late(self, held: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(held)
        async def call(*args: Any, **kwargs: Any) -> Any:
            if not self._is_open:
                await self._arrive()
            return await held(*args, **kwargs)

        return call

    async def _arrive(self) -> None:
        if self._opening is None:
            if self._closed:
                raise StoreUnavailableError("The store was away until the log was closed.")
            self._opening = asyncio.create_task(self._open(), name="counterfoil-late-store")
        opening = self._opening
        done, _ = await asyncio.wait({opening}, timeout=self._timeout)
        if not done:
            raise StoreUnavailableError("The store does not answer.")
        if self._opening is opening:
            self._opening = None
            if opening.cancelled():
                raise StoreUnavailableError("The store was away until the log was closed.")
            await self._let_in(opening.result())
        elif not self._is_open:
            raise StoreUnavailableError("The store is away.")

    async def _open(self) -> Identity:
        await self._store.open()
        try:
            facts = await self._store.meta()
        except BaseException:
            await self._store.close()
            raise
        return Identity(facts.get(DATABASE, ""), public_key_of(facts))

    async def _let_in(self, found: Identity) -> None:
        wanted = self._identity
        if found.database == wanted.database and found.public_key == wanted.public_key:
            self._is_open = True
            return
        await self._store.close()
        raise StoreError(
            f"{self._store.name} is another database than the one that this process waits for.",
            remedy="Bring back the one that was there before. Where the new one is meant, look "
            "first at what waits in the spool for the old one, and then start the process again.",
        )
