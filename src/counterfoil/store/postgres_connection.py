"""Connections to a PostgreSQL server: found among several hosts, and seen to be fit for work."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from counterfoil.errors import ConfigurationError, StoreUnsafeError

from .postgres_address import PostgresAddress
from .postgres_error import POOLED, USE_SESSIONS
from .postgres_tls import check_files, tls_error
from .statement import read_statement

if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]
else:
    _Connection = asyncpg.Connection

#: What a server is passed over for: it is away, starts or stops, or is not the one that is wanted.
_PASSED_OVER = (
    OSError,
    TimeoutError,
    asyncpg.CannotConnectNowError,
    asyncpg.TargetServerAttributeNotMatched,
)
#: Pages come in an index's order and stop early. What else the planner may think of reads all,
#: and sorts, which it takes to be cheap where it expects few events. So no value changes how a
#: question is answered, and each is planned once a session, which is a fifth of a page's time.
PLANNING = {
    "enable_bitmapscan": "off",
    "enable_seqscan": "off",
    "plan_cache_mode": "force_generic_plan",
}
_PROCESS = "SELECT pg_catalog.pg_backend_pid()"
#: Seconds that the server is given to say itself that it gives up.
_GRACE = 1.0
#: What to do about a setting, by where it was made (pg_settings.source).
_SWITCHED_OFF = {
    "database": "Run ALTER DATABASE … RESET {} with this database's name.",
    "user": "Run ALTER ROLE … RESET {} with this user's name.",
    "database user": "Run ALTER ROLE … IN DATABASE … RESET {} with this user and database.",
    "client": "Take {} out of the address.",
}


class Backend(NamedTuple):
    """The server's process behind a session. Its number may come again, but not with its start."""

    process: int
    begun_at: datetime


class Session(_Connection):
    """A connection that leaves its socket alone in a child process, which has a copy of it.

    Attributes:
        backend: the server's process behind it.
    """

    backend: Backend

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._owner = os.getpid()

    def __del__(self) -> None:
        # Taking it out of the event loop there would take it out of the parent's, too.
        if os.getpid() == self._owner:
            super().__del__()


class Connector:
    """Makes connections, and remembers which of several hosts it found last.

    Args:
        address: the database.
        timeout: seconds for connecting, however many hosts there are, and for another session's
            lock.
    """

    def __init__(self, address: PostgresAddress, timeout: float) -> None:
        self._address = address
        self.timeout = timeout
        # To prefer a standby is a choice among all of them, which the driver knows how to make.
        wants = address.options.get("target_session_attrs")
        self._hosts = [] if wants == "prefer-standby" else list(address.hosts)
        #: A pooler in between, if any, was seen to keep sessions together.
        self._is_kept_together = False

    async def session(self, patience: float) -> Session:
        """A session that is fit for work.

        Args:
            patience: seconds for a statement.

        Raises:
            ConfigurationError: the address or the database cannot be used.
            StoreUnsafeError: the database does not sync what it commits.
        """
        session: Session = await self.connect(
            connection_class=Session,
            command_timeout=patience + _GRACE,
            server_settings={"application_name": "counterfoil"},
        )
        settings = {
            "default_transaction_isolation": "read committed",
            "idle_in_transaction_session_timeout": _milliseconds(self.timeout),
            "lock_timeout": _milliseconds(self.timeout),
            "statement_timeout": _milliseconds(patience),
            # Compiling pays for long statements only, and ours are short.
            "jit": "off",
            "search_path": "pg_catalog",
            **PLANNING,
        }
        try:
            session.backend = await _greet(session, settings)
            if session.get_server_pid() != session.backend.process:
                await self._check_pooler(session)
        except BaseException:
            session.terminate()
            raise
        return session

    async def connect(self, **options: Any) -> Any:
        """A connection as ``asyncpg.connect`` makes it.

        Of several hosts it is the first that takes writes, unless the address asks for another.
        Each is given its share of the time: one that does not answer keeps nobody from the next.

        Raises:
            ConfigurationError: the address cannot be used.
        """
        if not self._hosts:
            return await self._try(timeout=self.timeout, **options)
        asked = "target_session_attrs" in self._address.options
        if not asked and "PGTARGETSESSIONATTRS" not in os.environ:
            options["target_session_attrs"] = "read-write"
        failure: BaseException | None = None
        end = asyncio.get_running_loop().time() + self.timeout
        for number, host in enumerate(hosts := list(self._hosts)):
            left = end - asyncio.get_running_loop().time()
            share = max(left, 0.001) / (len(hosts) - number)
            try:
                found = await self._try(host=host.name, port=host.port, timeout=share, **options)
            except _PASSED_OVER as error:
                # That a server is there, though it takes no writes, says more than that one is not.
                if not isinstance(failure, asyncpg.TargetServerAttributeNotMatched):
                    failure = error
            else:
                self._hosts = [host, *(other for other in hosts if other != host)]
                return found
        assert failure is not None
        raise failure

    async def _check_pooler(self, session: Session) -> None:
        """See that the pooler in between keeps a session's transactions together.

        Where it does, two sessions are two of the server's, and stay them. Where it does not, an
        answer that was lost could not be settled, and no setting would hold.

        Raises:
            ConfigurationError: it does not.
        """
        if self._is_kept_together:
            return
        ours = session.backend.process
        other: Session = await self.connect(connection_class=Session)
        try:
            theirs = await other.fetchval(_PROCESS, timeout=self.timeout)
            again = await session.fetchval(_PROCESS)
        finally:
            other.terminate()
        if theirs == ours or again != ours:
            raise ConfigurationError(POOLED, remedy=USE_SESSIONS)
        self._is_kept_together = True

    async def _try(self, **options: Any) -> Any:
        try:
            return await asyncpg.connect(self._address.dsn, **options)
        except OSError:
            check_files(self._address.options)
            raise
        except asyncpg.ProtocolViolationError as error:
            if "startup parameter" not in str(error):
                raise
            raise ConfigurationError(
                "A connection pooler does not know an option of the PostgreSQL address.",
                remedy="Take it out, or name it in PgBouncer's ignore_startup_parameters.",
            ) from error
        except ValueError as error:
            failure = tls_error(error, self._address.name)
            if failure is not None:
                raise failure from None
            # The driver's message may hold a part of the address, and so of the password.
            raise ConfigurationError(
                "The PostgreSQL address cannot be used.",
                remedy="Use postgresql://user@host:port/database and the options of libpq.",
            ) from None


async def _greet(session: Session, settings: dict[str, str]) -> Backend:
    """Set up a new session, and see that it is one to work with.

    Raises:
        ConfigurationError: the database cannot hold every text.
        StoreUnsafeError: it does not sync what it commits.
    """
    found: Any = await session.fetchrow(
        read_statement("postgres", "session"), list(settings), list(settings.values())
    )
    if found["encoding"] != "UTF8":
        raise ConfigurationError(
            f"The database's encoding is {found['encoding']}.",
            remedy="Create it with ENCODING 'UTF8'.",
        )
    if not found["synced"]:
        raise await _unsafe(session)
    return Backend(found["process"], found["begun_at"])


async def _unsafe(session: Session) -> StoreUnsafeError:
    """The error that says which setting is off, and where it is to be mended."""
    found: Any = await session.fetchrow(read_statement("postgres", "unsynced"))
    if found is None:
        # Switched on a moment ago.
        return StoreUnsafeError()
    name, source = found
    remedy = _SWITCHED_OFF.get(source, "Set {} to on in the configuration file, and reload that.")
    return StoreUnsafeError(
        f"The database does not sync what it commits: {name} is off.", remedy=remedy.format(name)
    )


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))
