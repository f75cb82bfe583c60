"""The checkpointer: signs each log that grows, again and again, and once more on close."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from counterfoil.errors import CounterfoilError
from counterfoil.store import Store
from counterfoil.store.interface import Coverage

from .identity import Identity
from .prover import Prover

logger = logging.getLogger("counterfoil")

#: Logs that are looked at in one call of the store, and signed in one transaction.
_PAGE, _GROUP = 1_000, 64


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
        self._seen: object = None
        #: Whether every log was seen to be published: a crash may have come before that.
        self._looked_back = False
        #: The logs that could not be signed or published the last time.
        self._owed: set[str] = set()

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
            if version == self._seen and not self._owed:
                return
            owed: set[str] = set()
            after = ""
            while page := await self._store.coverage(after, _PAGE):
                after = page[-1].head.log
                due = [item.head.log for item in page if await self._is_due(item)]
                for start in range(0, len(due), _GROUP):
                    owed |= await self._sign(due[start : start + _GROUP])
        except (CounterfoilError, OSError) as error:
            logger.error("No checkpoint could be signed; trying again. %s", error)
            return
        self._owed = owed
        self._looked_back = True
        self._seen = version

    async def _is_due(self, item: Coverage) -> bool:
        head = item.head
        if head.size != item.size or head.log in self._owed:
            return True
        return not self._looked_back and not await self._prover.is_published(head)

    async def _sign(self, logs: Sequence[str]) -> set[str]:
        """Sign logs; returns those that could not be."""
        owed = set()
        for log, found in (await self._prover.checkpoint_all(logs)).items():
            if isinstance(found, Exception):
                owed.add(log)
                logger.error(
                    "No checkpoint of log %s could be signed; trying again. %s", log, found
                )
        return owed

    async def _run(self, interval: float) -> None:
        while not self._closing.is_set():
            try:
                async with asyncio.timeout(interval):
                    await self._closing.wait()
            except TimeoutError:
                pass
            await self.turn()
