"""The checkpointer: signs each log that grows, again and again, and once more on close."""

from __future__ import annotations

import asyncio
import logging

from counterfoil.errors import CounterfoilError
from counterfoil.store import Store

from .identity import Identity
from .prover import Prover

logger = logging.getLogger("counterfoil")


class Checkpointer:
    """Signs checkpoints in the background, in a process that holds the key.

    It signs for every process that writes to the database: whoever appends without the key
    has its events covered here. A failure is logged and tried again at the next turn.

    Args:
        store: an open store.
        identity: the database's; without the key nothing is done.
        prover: signs.
        interval: seconds between two turns, above 0; None or 0 switches it off.
    """

    def __init__(
        self, store: Store, identity: Identity, prover: Prover, interval: float | None
    ) -> None:
        self._store = store
        self._prover = prover
        self._interval = interval if identity.may_sign else None
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._sizes: dict[str, tuple[str, int]] = {}
        self._seen: object = None

    def start(self) -> None:
        """Begin; does nothing where it is switched off."""
        if self._interval and self._task is None:
            self._task = asyncio.get_running_loop().create_task(
                self._run(self._interval), name="counterfoil-checkpointer"
            )

    async def close(self) -> None:
        """Sign what has grown, and end. To be called after the last write. Idempotent."""
        if self._task is None:
            return
        self._closing.set()
        task, self._task = self._task, None
        await task

    async def turn(self) -> None:
        """Sign every log that has grown since it was last signed. Raises nothing of ours."""
        try:
            version = await self._store.version()
            if version == self._seen:
                return
            heads = await self._store.heads()
        except CounterfoilError as error:
            logger.error("No checkpoint could be signed; trying again. %s", error)
            return
        all_signed = True
        for head in heads:
            if self._sizes.get(head.log) == (head.origin, head.size):
                continue
            try:
                signed = await self._prover.checkpoint(head.log)
            except (CounterfoilError, OSError) as error:
                all_signed = False
                logger.error(
                    "No checkpoint of log %s could be signed; trying again. %s", head.log, error
                )
            else:
                self._sizes[head.log] = (signed.origin, signed.size)
        if all_signed:
            self._seen = version

    async def _run(self, interval: float) -> None:
        while not self._closing.is_set():
            try:
                async with asyncio.timeout(interval):
                    await self._closing.wait()
            except TimeoutError:
                pass
            await self.turn()
