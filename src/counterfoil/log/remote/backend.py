"""The backend on a server: events are sent there, and questions asked."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from counterfoil.errors import (
    AccessError,
    ConfigurationError,
    CounterfoilError,
    ForbiddenError,
    KeyFileError,
    NotFoundError,
    RollbackError,
    WriteError,
)
from counterfoil.log.backend import SEALED_BY_OWNER, Abandoned
from counterfoil.log.company_logs import DEFAULT_LOG
from counterfoil.log.limits import Limits
from counterfoil.log.proving.evidence import SignedCheckpoint
from counterfoil.log.stats import LogStats, Stats
from counterfoil.log.write.admission import Admission
from counterfoil.policy.redaction import HeldTokens
from counterfoil.record.entry import UntimedEntry
from counterfoil.wire.connection import not_ours

from .drafts import Drafts
from .link import Link
from .prover import ServerProver
from .reader import ServerReader
from .sender import Sender
from .standing import Standing
from .trust import Trust
from .verifier import ServerVerifier

#: The role whose keys write; it reads nothing.
WRITER: Final = "writer"
#: Callers are told at their time limit; the request itself is given up a little later.
_PATIENCE: Final = 1.5

logger = logging.getLogger("counterfoil")


class ServerBackend:
    """A log on a server. Satisfies ``Backend``.

    Args:
        link: to the server.
        tokens: holds the token keys of companies.
        limits: bounds of the queue and of waiting.
    """

    def __init__(self, link: Link, tokens: HeldTokens, limits: Limits) -> None:
        self._link = link
        self._tokens = tokens
        self._abandoned: Abandoned | None = None
        self._limits = limits
        drafts = Drafts(link, limits.write_timeout * _PATIENCE)
        self._standing = Standing(limits.retry_after, tokens.forget_missing)
        self._sender = Sender(drafts, self._standing, limits, self._abandon)
        self._admission = Admission(self._sender, self._check, self._abandon, limits.queue_events)
        trust = Trust(link)
        self._trust = trust
        self.reader = ServerReader(link)
        self.prover = ServerProver(link, trust)
        self.verifier = ServerVerifier(link, self.prover, trust)
        self._refusals: dict[str, RollbackError] = {}
        self._asking: dict[str | None, asyncio.Task[None]] = {}

    async def look_back(self) -> None:
        """Check at once that the logs continue what was seen of them, where the key may read."""
        for log in await self._trust.logs():
            try:
                await self.prover.checkpoint(log)
            except RollbackError as error:
                # Reading and verifying go on; every write is refused with the same error.
                logger.error("%s", error)
                self._refusals[log] = error
            except (AccessError, NotFoundError):
                continue
            except CounterfoilError as error:
                logger.warning("Log %s could not be compared with what was seen. %s", log, error)

    def start(self, abandoned: Abandoned) -> None:
        """Begin to fetch the token keys that are wanted."""
        self._abandoned = abandoned

    def queue(self, entry: UntimedEntry) -> asyncio.Future[str] | None:
        """Queue an entry for sending; None where it has to wait for room, or is refused."""
        if not self._refusals and self._sender.has_room:
            return self._sender.put(entry)
        return None

    def left(self, entry: UntimedEntry, future: asyncio.Future[str]) -> None:
        """Nobody waits for what a queued entry comes to."""
        self._sender.left(entry, future)

    async def put(self, entry: UntimedEntry) -> str:
        """Send an entry, and return its id once the server has it committed and synced."""
        future = self.queue(entry) or await self._admission.place(entry)
        return await self._sender.outcome(entry, future)

    async def append(self, entries: Sequence[UntimedEntry]) -> list[int]:
        """Send a group, in its order; the places of those that are in conflict."""
        return await self._sender.append(entries)

    async def company_log(self, company_id: str) -> str | None:
        """Not told by servers: a key that is bound to a company reads its log alone."""
        raise _elsewhere("The names of companies' logs are")

    async def rotate_token_key(self) -> str:
        """Done where the database is."""
        raise _elsewhere("Token keys are rotated")

    async def seal_logs(self, reason: str = SEALED_BY_OWNER) -> dict[str, SignedCheckpoint]:
        """Done where the database is."""
        raise _elsewhere("Logs are sealed")

    async def unseal_logs(self) -> list[str]:
        """Done where the database is."""
        raise _elsewhere("Logs are unsealed")

    async def continue_restored(self, log: str = DEFAULT_LOG) -> str:
        """Done where the database is."""
        raise _elsewhere("A restored log is continued")

    async def stats(self) -> Stats:
        """What the server holds, and what waits in this process.

        While the server takes no events with the access key, it may not tell what it holds
        either: then the logs are left out.
        """
        url, waiting = self._link.connection.address.url, self._sender.waiting
        waiting += self._admission.waiting
        refusal = self._standing.refusal
        trouble = "" if refusal is None else str(refusal)
        if self._standing.is_waiting:
            return Stats(url, (), waiting, {}, trouble=trouble)
        try:
            answer = (await self._link.ask("GET", "/v1/stats")).json()
        except AccessError:
            if refusal is None:
                raise
            return Stats(url, (), waiting, {}, trouble=trouble)
        try:
            logs = tuple(_log_stats(one) for one in answer["logs"])
            usage = {str(name): int(size) for name, size in answer["usage"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise not_ours() from error
        return Stats(url, logs, waiting, usage, trouble=trouble)

    async def finish(self) -> None:
        """Take no more entries, and send those that are queued."""
        await self._admission.close(self._limits.write_timeout / 4)
        await self._sender.close()
        await self._admission.settle()

    async def seal(self) -> None:
        """End what follows the log."""
        await self.reader.close()

    async def close(self) -> None:
        """Let go of the connection."""
        await self.reader.close()
        for task in list(self._asking.values()):
            task.cancel()
        await self._link.connection.close()

    # Token keys

    async def fetch_keys(self, company_id: str | None) -> None:
        """Hold a company's token keys, or that there are none for this access key.

        Raises:
            CounterfoilError: the server is away. AccessError: the access key is refused.
        """
        params = [] if company_id is None else [("company", company_id)]
        try:
            answer = (await self._link.ask("GET", "/v1/token-keys", params=params)).json()
        except (ForbiddenError, NotFoundError, KeyFileError) as error:
            logger.info("Values that are due a token are dropped. %s", error)
            self._tokens.hold(company_id, [])
            return
        try:
            self._tokens.hold(
                company_id,
                [(str(one["id"]), b64decode(one["key"], validate=True)) for one in answer["keys"]],
            )
        except (KeyError, TypeError, ValueError, ConfigurationError) as error:
            raise not_ours() from error

    def want_keys(self, company_id: str | None) -> None:
        """Fetch a company's token keys in the background, for its next events."""
        if company_id not in self._asking and not self._standing.is_waiting:
            task = asyncio.get_running_loop().create_task(self._ask_keys(company_id))
            self._asking[company_id] = task
            task.add_done_callback(lambda _: self._asking.pop(company_id, None))

    async def _ask_keys(self, company_id: str | None) -> None:
        try:
            await self.fetch_keys(company_id)
        except AccessError as error:
            self._standing.refused(error)
        except CounterfoilError as error:
            logger.info("Token keys could not be fetched. %s", error)

    async def _check(self, entry: UntimedEntry) -> None:
        known = self._refusals.get(entry.log or DEFAULT_LOG)
        if known is not None:
            raise RollbackError(known.message, remedy=known.remedy, event_id=entry.event_id)

    def _abandon(self, entry: UntimedEntry, error: WriteError) -> None:
        if self._abandoned is not None:
            self._abandoned(entry, error)


def _elsewhere(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{what} where the server's database is.",
        remedy="Open the database's own address there.",
    )


def _log_stats(given: dict[str, Any]) -> LogStats:
    return LogStats(
        name=str(given["name"]),
        origin=str(given["origin"]),
        size=int(given["size"]),
        recorded_at=_moment(given["recorded_at"]),
        checkpoint_size=int(given["checkpoint_size"]),
        checkpoint_at=_moment(given["checkpoint_at"]),
    )


def _moment(text: Any) -> datetime | None:
    return None if text is None else datetime.fromisoformat(str(text))
