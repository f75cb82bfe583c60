"""The link to a server: a connection, once it is known that the server is the pinned one."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from counterfoil.errors import KeyFileError, StoreUnavailableError
from counterfoil.wire import Answer, Connection

from .known import KnownServer
from .session import Session

logger = logging.getLogger("counterfoil")


class Link:
    """Asks a server, after it has shown the key that was pinned.

    Args:
        connection: to the server.
        known: what is known of it.
    """

    def __init__(self, connection: Connection, known: KnownServer) -> None:
        self.connection = connection
        self.known = known
        self._session: Session | None = None
        self._lock = asyncio.Lock()

    async def open(self) -> tuple[Session, StoreUnavailableError | None]:
        """The session; while the server is away, the one that is remembered, and why it is away.

        Raises:
            StoreUnavailableError: it is away, and none is remembered.
            AccessError: the access key is refused. KeyFileError: see :meth:`session`.
        """
        try:
            return await self.session(), None
        except StoreUnavailableError as error:
            remembered = Session.remembered((await self.known.read()).get("session", {}))
            if remembered is None:
                raise
            logger.warning("The server is away; its rules are taken as last known. %s", error)
            return remembered, error

    async def session(self) -> Session:
        """The session, asked for once.

        Raises:
            StoreUnavailableError: the server is away. AccessError: the access key is refused.
            KeyFileError: it is not the server that was pinned, or the file cannot be used.
        """
        if self._session is not None:
            return self._session
        async with self._lock:
            if self._session is None:
                answer = await self.connection.ask("GET", "/v1/session")
                session = Session.of(answer.json())
                await self.known.update(lambda known: self._pin(known, session))
                self._session = session
        return self._session

    async def ask(self, method: str, path: str, **given: Any) -> Answer:
        """Send one request; see :meth:`Connection.ask`."""
        await self.session()
        try:
            return await self.connection.ask(method, path, **given)
        except StoreUnavailableError as error:
            # Asking changes nothing: what broke on the way may be asked again at once.
            if method != "GET" or error.outcome_known:
                raise
        return await self.connection.ask(method, path, **given)

    def _pin(self, known: dict[str, Any], session: Session) -> None:
        pinned = known.get("database"), known.get("public_key")
        if pinned != (None, None) and pinned != (session.database, session.public_key):
            raise KeyFileError(
                f"The server shows another key than the one pinned in {self.known.path}.",
                remedy="Somebody may stand in its place. If it was set up anew, and you know its "
                "key from a trusted place, take that file away.",
            )
        known["database"], known["public_key"] = session.database, session.public_key
        known["session"] = session.as_dict()
