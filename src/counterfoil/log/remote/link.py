"""The link to a server: a connection, once it is known that the server is the pinned one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from counterfoil.errors import AccessError, KeyFileError, StoreUnavailableError
from counterfoil.wire import AccessToken, Answer, Connection

from .known import KnownServer
from .session import Session

logger = logging.getLogger("counterfoil")


class Link:
    """Asks a server, after it has shown the key that was pinned.

    Args:
        connection: to the server.
        known: what is known of it.
        tokens: gives the access token that is valid now; None where there is but one.
    """

    def __init__(
        self,
        connection: Connection,
        known: KnownServer,
        tokens: Callable[[], str] | None = None,
    ) -> None:
        self.connection = connection
        self.known = known
        self._session: Session | None = None
        self._lock = asyncio.Lock()
        self._tokens = tokens
        self._renewing = asyncio.Lock()
        self._reading: asyncio.Task[str] | None = None
        self._unread = False

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
                answer = await self.send("GET", "/v1/session")
                session = Session.of(answer.json())
                await self.known.update(lambda known: self._pin(known, session))
                self._session = session
        return self._session

    async def ask(self, method: str, path: str, **given: Any) -> Answer:
        """Send one request; see :meth:`Connection.ask`."""
        await self.session()
        try:
            return await self.send(method, path, **given)
        except StoreUnavailableError as error:
            # Asking changes nothing: what broke on the way may be asked again at once.
            if method != "GET" or error.outcome_known:
                raise
        return await self.send(method, path, **given)

    async def send(self, method: str, path: str, **given: Any) -> Answer:
        """Send one request; where the token is refused, once more with the one valid now."""
        used = self.connection.token
        try:
            return await self.connection.ask(method, path, **given)
        except AccessError:
            # What was refused was not carried out.
            if not await self.renew(used):
                raise
        return await self.connection.ask(method, path, **given)

    async def renew(self, used: AccessToken) -> bool:
        """Take the token that is valid now, after one was refused; whether it is another one."""
        if self._tokens is None:
            return False
        async with self._renewing:
            if self.connection.token is not used:
                return True
            try:
                token = await self._read(self._tokens)
            except Exception as error:  # noqa: BLE001 - the application's own; the refusal stands
                if not self._unread:
                    logger.warning("The access key could not be read (%s).", type(error).__name__)
                self._unread = True
                return False
            self._unread = False
            if token.header == used.header:
                return False
            self.connection.present(token)
            # What the server tells of a key may be other for this one.
            self._session = None
            return True

    async def _read(self, tokens: Callable[[], str]) -> AccessToken:
        """Ask for the token. A call that hangs is given no second thread."""
        if self._reading is None:
            self._reading = asyncio.create_task(asyncio.to_thread(tokens), name="counterfoil-token")
        done, _ = await asyncio.wait({self._reading}, timeout=self.connection.timeout)
        if not done:
            raise TimeoutError
        reading, self._reading = self._reading, None
        return AccessToken(reading.result())

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
