"""Company logs: which log is a company's own.

Names of logs stand in checkpoints, which are published. So a company's log has a random name,
and what it stands for is said in the store alone. Whichever process names it first decides;
a name is never changed, and may therefore be remembered.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import OrderedDict
from collections.abc import Collection, Iterable
from itertools import islice

from counterfoil.errors import CounterfoilError, StoreError
from counterfoil.record.entry import UntimedEntry
from counterfoil.store import Store

#: The log of events that belong to no other.
DEFAULT_LOG = "default"
#: What the name of a company's own log begins with; its random part follows.
PREFIX = "company-"
_RANDOM_BYTES = 16
_NAME = re.compile(rf"{PREFIX}[0-9a-f]{{{2 * _RANDOM_BYTES}}}").fullmatch
#: Companies that are remembered, some 200 bytes each.
MOST_KNOWN = 65_536
#: Companies that are named in one transaction.
_GROUP = 500


def is_company_log(name: str) -> bool:
    """Whether a log's name is of the form that companies' logs have."""
    return _NAME(name) is not None


def new_name() -> str:
    """A name that says nothing and that nobody can guess: 128 random bits."""
    return f"{PREFIX}{secrets.token_hex(_RANDOM_BYTES)}"


class CompanyLogs:
    """The names of companies' logs in a store, remembered.

    Belongs to one event loop. Companies that come up at once are named in one transaction.

    Args:
        store: an open store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[str, str] = OrderedDict()
        self._wanted: dict[str, asyncio.Future[str]] = {}
        self._task: asyncio.Task[None] | None = None

    def known(self, company: str) -> str | None:
        """The name of a company's log, as far as it is remembered."""
        name = self._known.get(company)
        if name is not None:
            self._known.move_to_end(company)
        return name

    def place(self, entry: UntimedEntry) -> bool:
        """Give an entry without a log its own, where that needs no look into the store."""
        company = entry.company_id
        name = DEFAULT_LOG if company is None else self.known(company)
        if name is None:
            return False
        entry.settle_log(name)
        return True

    async def place_all(self, entries: Iterable[UntimedEntry]) -> None:
        """Give every entry without a log its own; logs that companies lack are named.

        Raises:
            StoreError: the store is away.
        """
        left = [entry for entry in entries if not entry.log and not self.place(entry)]
        companies = {entry.company_id for entry in left if entry.company_id is not None}
        await asyncio.gather(*[self.name(company) for company in companies])
        for entry in left:
            self.place(entry)

    async def find(self, companies: Collection[str]) -> dict[str, str]:
        """The names of these companies' logs; those of companies without one are left out.

        Raises:
            StoreError: the store is away.
        """
        found = {one: name for one in companies if (name := self.known(one)) is not None}
        missing = [one for one in companies if one not in found]
        if missing:
            stored = await self._store.company_logs(missing)
            self._remember(stored)
            found |= stored
        return found

    async def name(self, company: str) -> str:
        """The name of a company's log; it is named where it was not yet.

        Raises:
            StoreError: the store is away.
        """
        known = self.known(company)
        if known is not None:
            return known
        future = self._wanted.get(company)
        if future is None:
            future = self._wanted[company] = asyncio.get_running_loop().create_future()
            # It may be that nobody is left to ask.
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            if self._task is None:
                self._task = asyncio.create_task(self._work(), name="counterfoil-company-logs")
        return await asyncio.shield(future)

    async def exist(self) -> bool:
        """Whether any company has a log of its own."""
        return bool(self._known) or bool(await self._store.company_log_page("", 1))

    async def _work(self) -> None:
        # Those that are asked for in this turn of the loop go together.
        await asyncio.sleep(0)
        try:
            while self._wanted:
                group = list(islice(self._wanted, _GROUP))
                try:
                    found = await self._settle(group)
                except Exception as error:  # noqa: BLE001 - whatever went wrong, callers must hear
                    self._fail(group, error)
                else:
                    for company in group:
                        self._wanted.pop(company).set_result(found[company])
        finally:
            self._task = None

    async def _settle(self, companies: Collection[str]) -> dict[str, str]:
        found = await self.find(companies)
        missing = [company for company in companies if company not in found]
        if missing:
            made = await self._store.put_company_logs({one: new_name() for one in missing})
            self._remember(made)
            found |= made
        return found

    def _fail(self, companies: Collection[str], error: Exception) -> None:
        for company in companies:
            failure = error
            if not isinstance(error, CounterfoilError):
                failure = StoreError(f"A log could not be named ({type(error).__name__}).")
                failure.__cause__ = error
            self._wanted.pop(company).set_exception(failure)

    def _remember(self, names: dict[str, str]) -> None:
        self._known.update(names)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
