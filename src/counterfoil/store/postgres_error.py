"""PostgreSQL's errors as ours.

The server's messages may quote a value, so none of them is passed on; the driver's error is the
cause.
"""

from __future__ import annotations

import asyncpg

from counterfoil.errors import (
    SchemaError,
    StoreBusyError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreLoginError,
    StoreMissingError,
    StoreReadOnlyError,
    StoreRightsError,
    StoreUnavailableError,
    StoreUnsafeError,
)

from .postgres_tls import tls_error

#: What a call may fail with: errors of the server, of the driver, of the network.
FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)

_READ_ONLY = "25006"
#: SQLSTATEs, and their classes by the first two characters (PostgreSQL, appendix A).
_KINDS: dict[str, type[StoreError]] = {
    "28": StoreLoginError,
    "3D000": StoreMissingError,
    "42501": StoreRightsError,
    _READ_ONLY: StoreReadOnlyError,
    "53100": StoreFullError,
    "53300": StoreBusyError,
    "XX001": StoreCorruptError,
    "XX002": StoreCorruptError,
    "CF003": StoreUnsafeError,
}
_MISSING = ("3F000", "42P01", "42704", "42883")
_TIMED_OUT = ("55P03", "57014")
#: Lost on the way: the connection is gone, or the server is starting or stopping.
_LOST = ("08", "57P01", "57P02", "57P03", "57P05", "25P03")
_NOT_UNIQUE = "23505"
#: Prepared statements that are not where they were prepared, or are there from somebody else.
_NOT_ITS_OWN = ("26000", "42P05")
POOLED = "A connection pooler gives each transaction another session of the server."
USE_SESSIONS = "Set pool_mode = session for this database, or connect to the server itself."
#: Ours, raised by the database's function.
_TILE_MISFIT = "CF002"


def sqlstate(error: BaseException) -> str:
    """The server's code for an error, or an empty text where it is none of the server's."""
    return str(getattr(error, "sqlstate", None) or "")


def is_lost(error: BaseException) -> bool:
    """Whether the connection is lost, so that the same call may succeed on another one."""
    if isinstance(error, asyncpg.PostgresError):
        return _among(sqlstate(error), _LOST)
    return isinstance(error, (asyncpg.InterfaceError, OSError)) and not isinstance(
        error, TimeoutError
    )


def is_elsewhere(error: BaseException) -> bool:
    """Whether this server takes no writes, so that another one may have to be found."""
    return sqlstate(error) == _READ_ONLY or isinstance(
        error, asyncpg.TargetServerAttributeNotMatched
    )


def store_error(error: BaseException, name: str) -> StoreError:
    """The StoreError for a failure.

    Args:
        error: one of :data:`FAILURES`.
        name: the database's address without secrets, for the message.
    """
    code = sqlstate(error)
    for known, kind in _KINDS.items():
        if _among(code, (known,)):
            return _named(kind, name)
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return _named(StoreReadOnlyError, name)
    if code in _MISSING:
        return SchemaError(
            f"The database {name} lacks a table or function of the log.",
            remedy="Run `counterfoil postgres migrate` as its owner.",
        )
    if code == _TILE_MISFIT:
        return StoreCorruptError("A tile does not fit its log.")
    if code in _NOT_ITS_OWN:
        return StoreError(POOLED, remedy=USE_SESSIONS)
    if code == _NOT_UNIQUE:
        return StoreError("A row of the batch is there already.")
    failure = tls_error(error, name)
    if failure is not None:
        return failure
    if isinstance(error, TimeoutError) or code in _TIMED_OUT:
        return StoreUnavailableError(
            f"The database {name} did not answer in time, or another session holds the log's head.",
            remedy="Look for a long transaction, a server that hangs, or one that is overloaded.",
        )
    if is_lost(error):
        return StoreUnavailableError(
            f"The connection to the database {name} failed.",
            remedy="Check that the server runs and can be reached; the log connects again by "
            "itself.",
        )
    return StoreError(f"PostgreSQL failed on {name} ({code or type(error).__name__}).")


def _named(kind: type[StoreError], name: str) -> StoreError:
    about = (kind.__doc__ or "").strip().partition("\n")[0]
    return kind(f"{name}: {about[:1].lower()}{about[1:]}")


def _among(code: str, known: tuple[str, ...]) -> bool:
    return any(code == one or (len(one) == 2 and code.startswith(one)) for one in known)
