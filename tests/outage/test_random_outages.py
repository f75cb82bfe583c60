"""Outages of every kind in any order: what was promised holds in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil import AuditEventType, AuditLog, WriteError

from .flaky_store import FlakyStore, Trouble, opened
from .recorded import EAGER, LOGIN, ROLE, delivered, events, gaps, spooled

CALLS = ["login", "login", "role", "several", "cancelled"]
TROUBLES = [Trouble.NONE, Trouble.FAILS, Trouble.LOSES_ANSWERS]
#: What is done between two openings, one after the other.
STEPS = st.lists(st.sampled_from(CALLS) | st.sampled_from(TROUBLES), max_size=15)


class Play:
    """Carries out steps, and keeps what was promised."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.acknowledged: set[str] = set()
        #: Those of each list were acknowledged one after the other, the store being away.
        self.in_order: list[list[str]] = []
        #: Certainly not recorded, and not known to be.
        self.refused: set[str] = set()
        self.uncertain: set[str] = set()
        #: User ids by which the events of cancelled callers are known.
        self.cancelled: set[str] = set()

    async def run(self, steps: Iterable[str | Trouble]) -> None:
        """Open the log, carry out steps, and close it in whatever trouble there is."""
        store = FlakyStore(self._path)
        async with opened(store, limits=EAGER, checkpoint_interval=None) as log:
            in_order: list[str] = []
            for step in steps:
                if isinstance(step, Trouble):
                    store.go(step)
                    in_order = []
                    if step is Trouble.FAILS:
                        self.in_order.append(in_order)
                elif step == "several":
                    await asyncio.gather(*(self._call(log, kind) for kind in [LOGIN, ROLE] * 3))
                elif step == "cancelled":
                    await self._cancel(log)
                else:
                    found = await self._call(log, LOGIN if step == "login" else ROLE)
                    in_order += [found] if found else []

    async def _call(self, log: AuditLog, kind: AuditEventType) -> str | None:
        try:
            event_id = await log.log_event(kind)
        except WriteError as error:
            assert kind is ROLE
            (self.refused if error.outcome_known else self.uncertain).add(str(error.event_id))
            return None
        self.acknowledged.add(event_id)
        return event_id

    async def _cancel(self, log: AuditLog) -> None:
        user = f"u-{len(self.cancelled)}"
        self.cancelled.add(user)
        call = asyncio.create_task(log.log_event(LOGIN, user))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)


@given(openings=st.lists(STEPS, min_size=1, max_size=3))
@settings(max_examples=30, deadline=None)
def test_promises_hold_after_any_outages(openings: list[list[str | Trouble]]) -> None:
    async def play(folder: Path) -> None:
        path = folder / "audit.db"
        promised = Play(path)
        for steps in openings:
            await promised.run(steps)
        async with delivered(path) as log:
            found = await events(log)
            assert await gaps(log) == []
            assert (await log.verify(processes=0)).ok
        ids = [event.id for event in found]
        assert len(set(ids)) == len(ids)
        assert promised.acknowledged <= set(ids)
        assert not promised.refused & set(ids)
        users = [event.user_id for event in found if event.user_id]
        assert sorted(users) == sorted(promised.cancelled)
        others = {event.id for event in found if not event.user_id}
        assert others <= promised.acknowledged | promised.uncertain
        for in_order in promised.in_order:
            assert [event_id for event_id in ids if event_id in set(in_order)] == in_order
        assert spooled(folder / "audit.db.spool") == []

    with TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))
